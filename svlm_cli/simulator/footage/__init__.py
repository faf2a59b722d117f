"""Everyday footage: shots without end of things that move before a camera that moves, and a log of what is seen.

``footage.py`` makes it from a seed, ``render.py`` draws it, ``log.py`` tells the truth about it. Knows no model, no
torch and no file.
"""
