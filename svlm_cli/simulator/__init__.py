"""Worlds whose truth is known exactly: what happens, how it looks, and what is said of it."""
