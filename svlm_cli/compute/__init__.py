"""Tensor operations that know no model family: kernels, eight bits, attention, rotation, graphs and devices.

Knows no network, no stream and no policy.
"""
