"""Measurements of speed and memory. Runs without a video reader: decoded frames are made up."""
