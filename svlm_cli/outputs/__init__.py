"""What people keep: Segments become subtitles and JSON lines. Knows no model, no video and no terminal."""
