"""Triton kernels for NVIDIA GPUs: one pass over memory for several operations of the network.

Called by `ops.py`, which has the plain PyTorch form that each is tested against. Imported only if there is a GPU, or
Triton's interpreter. They know no stream and no policy.
"""
