"""Servers of chat completions: how they are asked, until they answer, many at once; their answers on disk."""
