"""Public benchmarks, one module each: how their files are read, and their scoring rules."""
