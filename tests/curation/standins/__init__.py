"""Modules that stand in for packages whose models cannot be had in tests: put this folder in front of the path."""
