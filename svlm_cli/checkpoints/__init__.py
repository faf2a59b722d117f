"""Finds a checkpoint folder and its policy, from a name, a folder or a hub id.

Knows neither torch nor transformers, so listing and downloading models is fast and works on any machine.
"""
