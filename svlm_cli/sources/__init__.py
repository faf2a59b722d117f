"""From a file, a pipe or a camera to `Frame`s with timestamps. Knows no model and no rounds."""
