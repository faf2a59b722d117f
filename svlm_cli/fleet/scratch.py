"""Temporary folders of processes that may be killed: each is locked by its owner, and who comes next removes the rest.

Knows nothing of what is in them.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

SCRATCH: Final = "svlm-fleet-"


@contextmanager
def scratch(above: Path | None = None) -> Iterator[Path]:
    """A folder in `above`, by default that of temporary files, removed at the end; what killed runs left goes now."""
    above = above or Path(tempfile.gettempdir())
    for folder in above.glob(f"{SCRATCH}*"):
        with contextlib.suppress(OSError), _locked(folder):
            shutil.rmtree(folder)
    folder = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=above))
    try:
        with _locked(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder. `OSError` if another process does."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
