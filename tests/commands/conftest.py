"""What tests of several commands share: a clip."""

import shutil
from pathlib import Path

import pytest

from tests.clips import make_clip

SECONDS = 4  # of the clip


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds. Do not write beside it."""
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", frames=30 * SECONDS)


@pytest.fixture
def here(tmp_path: Path, clip: Path) -> Path:
    """The clip, in the folder that commands run in."""
    return Path(shutil.copy(clip, tmp_path / "clip.mp4"))
