"""The command line: one thin file a command, the options they share, and the one exception boundary.

Turns words into calls and errors into sentences. Knows no tensors, and imports nothing heavy until a command runs.
"""
