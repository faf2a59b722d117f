"""Tensor operations that know no model family: kernels, fp8 weights, attention, rotation, graphs and devices.

Knows no network, no stream and no policy.
"""
