"""Experiments that need GPUs: plain scripts, whose results are in the documentation."""
