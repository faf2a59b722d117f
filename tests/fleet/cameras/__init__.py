"""Tests of cameras in a fleet."""
