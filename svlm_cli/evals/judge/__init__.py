"""Compares two commentaries with a judge: its prompts, its replies, and the statistics of its votes."""
