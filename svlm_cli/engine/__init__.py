"""The streaming engine: turns chunks into token events and segments, given weights and a policy.

Knows no file format of video or subtitles, and no terminal.
"""
