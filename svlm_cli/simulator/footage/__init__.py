"""Everyday footage: an endless series of shots of moving things, filmed by a moving camera, and a log of what is seen.

``footage.py`` makes the shots from a seed, ``render.py`` draws them, and ``log.py`` records what is true of them. Knows
no model, no torch and no files.
"""
