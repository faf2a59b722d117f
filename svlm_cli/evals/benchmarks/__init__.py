"""Public benchmarks: how their files are read, and by which rules they are scored; a file each."""
