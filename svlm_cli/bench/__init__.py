"""Benchmarks of speed and memory. Needs no video reader: decoded frames are synthetic."""
