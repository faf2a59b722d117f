"""Turns a file, a pipe or a camera into `Frame`s with timestamps. Knows no model and no rounds."""
