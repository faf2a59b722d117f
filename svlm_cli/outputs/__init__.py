"""What people keep: Segments become subtitles and JSON lines. Knows no model and no video."""
