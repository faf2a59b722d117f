"""Weights, a policy and chunks in; token events and segments out.

Knows no file format of video or subtitles, and no terminal.
"""
