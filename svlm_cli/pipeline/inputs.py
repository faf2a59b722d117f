"""What was named on the command line -> the videos, each with its place in a tree of outputs.

Knows names and folders. Opens no video.
"""

import os
from dataclasses import dataclass
from pathlib import Path

STDIN = "-"


@dataclass(frozen=True, slots=True)
class Input:
    """One video, and where it stands in the tree that ``--output-dir`` mirrors."""

    source: str  # a path, or `-`
    mirrored: Path  # relative, with the video's own name

    @classmethod
    def named(cls, source: str) -> "Input":
        """A video that was named itself: its path below the working directory, or its name alone if it lies elsewhere.

        Where it goes depends on no other input, so that a second call finds what the first one wrote.
        """
        if source == STDIN:
            return cls(source, Path("stdin"))
        return cls(source, below_working_directory(source) or Path(Path(source).name))


def below_working_directory(path: str | os.PathLike[str]) -> Path | None:
    """`path` as seen from the working directory; None if it does not lie below it. No link is followed."""
    try:
        return Path(os.path.abspath(path)).relative_to(os.path.abspath(os.curdir))  # noqa: PTH100  resolves no link
    except ValueError:
        return None
