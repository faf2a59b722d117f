"""Generates predictions for benchmarks of commentaries: shows videos to a model and saves its words."""
