"""Endless Match: a ball game whose truth is known exactly: events, pictures and commentary.

``match.py`` plays, ``render.py`` draws, ``commentary.py`` comments. Knows no model, no torch and no file.
"""
