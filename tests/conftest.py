"""What all tests share: no network, one thread a process, the command line as a process, and a tiny checkpoint."""

import gc
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

# Before anything imports torch or huggingface_hub: both read these once.
for _name in [name for name in os.environ if name.startswith("SVLM_")]:
    del os.environ[_name]
os.environ["SVLM_CONFIG"] = os.devnull  # never the developer's own settings
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HOME"] = str(ROOT / ".pytest_cache" / "hub")  # never the developer's own models
os.environ["NO_COLOR"] = "1"

settings.register_profile("unhurried", deadline=None)  # how fast a machine is, no test judges
settings.load_profile("unhurried")


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Imports make no garbage: looking for it takes a third of the collection of 6,000 tests."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What is imported by now stays, so it is not looked at again."""
    gc.enable()
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Kernels of others warn about themselves while they are compiled."""
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning"))


class Svlm(Protocol):
    """Runs the command line in a process of its own and waits for it."""

    def __call__(
        self, *arguments: str | Path, env: Mapping[str, str] | None = None, stdin: bytes | None = None
    ) -> subprocess.CompletedProcess[str]: ...


def environment(**changes: str) -> dict[str, str]:
    """The environment of a process that finds this checkout from any folder."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **changes}


def shell_code(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> int:
    """The exit code as a shell tells it: the same whether a second Ctrl-C finds the process at work or leaving."""
    assert process.returncode is not None
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


@pytest.fixture
def svlm(tmp_path: Path) -> Svlm:
    """``svlm("models", "list")``, run in ``tmp_path``."""

    def run(
        *arguments: str | Path, env: Mapping[str, str] | None = None, stdin: bytes | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "svlm_cli", *map(str, arguments)],
            cwd=tmp_path,
            env=environment(**(env or {})),
            input=stdin or b"",
            capture_output=True,
            check=False,
        )
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


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


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete checkpoint folder, random and tiny. Do not write into it."""
    from tests.tiny import make_tiny_checkpoint  # torch: seconds that most tests need not wait for

    return make_tiny_checkpoint(tmp_path_factory.mktemp("checkpoints") / "tiny")
