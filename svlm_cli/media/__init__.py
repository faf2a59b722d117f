"""Everything about ffmpeg: the program, its commands, its log and its output. Knows no model and no words."""
