"""What all commands of svlm share: Typer's classes, help, manual, configuration file, usage errors and exit codes.

The commands themselves are in ``commands/``; nothing here knows what any of them does.
"""
