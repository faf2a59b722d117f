"""Endless Match: a ball game whose truth is known exactly. What happens, how it looks, and what is said of it.

``match.py`` plays, ``render.py`` draws, ``commentary.py`` speaks. Knows no model, no torch and no file.
"""
