"""Triton kernels for NVIDIA GPUs: one pass over the numbers where the network has several operations on them.

`ops.py` calls them, and has the plain PyTorch form that each is tested against. Imported only where there is a GPU, or
Triton's interpreter in its place. They know no stream and no policy.
"""
