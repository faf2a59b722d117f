"""Whether a launcher has started this process beside others (torchrun and `accelerate launch` say it alike)."""

import os


def processes() -> int:
    """How many there are; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Which of them this is."""
    return int(os.environ.get("RANK", "0"))


def local_rank() -> int:
    """Which of those on its machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))
