"""Recipes and data -> a trained checkpoint folder.

Knows no terminal but the one line a step that `log.py` writes, and no evaluation.
"""
