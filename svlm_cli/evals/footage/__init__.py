"""Scores commentaries of simulated footage. Knows no model and no picture."""
