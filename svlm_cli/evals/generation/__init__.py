"""Predictions for the benchmarks of commentaries: videos before a model, and what it says of them on disk."""
