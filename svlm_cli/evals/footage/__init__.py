"""A commentary of simulated footage -> scores. Knows no model and no picture."""
