"""The live view: a screen of pictures, words and numbers while videos are captioned.

Receives names, chunks, tokens and segments; knows neither sources nor engines, and imports no torch.
"""
