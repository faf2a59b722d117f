"""Writes segments as subtitles, JSON lines and other files. Knows no model and no video."""
