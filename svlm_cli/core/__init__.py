"""The words that every package speaks: frames, chunks, segments, cues, policies and errors.

Knows no torch, no disk and no network, and imports nothing else of ours.
"""
