"""What tests of several commands share: a clip, and the command line in this process."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.clips import make_clip
from tests.conftest import Svlm

SECONDS = 4  # of the clip


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds. Do not write beside it."""
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", frames=30 * SECONDS)


@pytest.fixture
def here(tmp_path: Path, clip: Path) -> Path:
    """The clip, in the folder that commands run in."""
    return Path(shutil.copy(clip, tmp_path / "clip.mp4"))


@pytest.fixture
def svlm_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Svlm:
    """As `svlm`, in this process: torch is imported once."""
    from svlm_cli.commands.app import main

    monkeypatch.chdir(tmp_path)

    def run(
        *arguments: str | Path, env: Mapping[str, str] | None = None, stdin: bytes | None = None
    ) -> subprocess.CompletedProcess[str]:
        assert (env, stdin) == (None, None), "take `svlm` for these"
        capfd.readouterr()
        code = main([*map(str, arguments)])
        told = capfd.readouterr()
        return subprocess.CompletedProcess(arguments, code, told.out, told.err)

    return run
