"""ffmpeg: the program, its commands, what it says and what it writes. Knows no model and no words."""
