"""Output files: Segments become subtitles and JSON lines. Knows no model and no video."""
