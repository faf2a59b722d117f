"""World size and ranks from the environment that torchrun and `accelerate launch` set."""

import os


def processes() -> int:
    """World size; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Global rank of this process."""
    return int(os.environ.get("RANK", "0"))


def local_rank() -> int:
    """Local rank of this process on its machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))
