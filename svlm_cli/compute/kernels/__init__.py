"""Kernels for NVIDIA GPUs, in Triton: where the network has several operations on the same numbers, one pass over them.

`ops.py` calls them and has each of them once more in plain PyTorch, which they are tested against. Imported only
where there is a GPU. They know no stream and no policy.
"""
