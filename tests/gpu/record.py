"""What the last run of the GPU tests was, kept in `last_run.toml`. A pytest plugin that `make gpu-test` alone loads."""

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

RECORD = Path(__file__).with_name("last_run.toml")
_PACKAGES = ("torch", "triton", "transformers", "flash-attn", "flash-attn-4")
_OUTCOMES = ("passed", "failed", "error", "skipped")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Without a GPU nothing was tested, and the record stays."""
    import torch  # not before the tests' own settings

    if torch.cuda.is_available():
        text = record(terminalreporter.stats, torch.cuda.get_device_name())
        RECORD.write_text(text, encoding="utf-8")
        terminalreporter.write_line(f"written to {RECORD}")


def record(outcomes: Mapping[str, Sequence[object]], device: str) -> str:
    """The file's text."""
    lines = [
        "# Written by `make gpu-test`.",
        f"date = {datetime.now(UTC):%Y-%m-%d}",
        f'commit = "{_commit()}"',
        f'device = "{device}"',
        *(f"{outcome} = {len(outcomes.get(outcome, ()))}" for outcome in _OUTCOMES),
        "",
        "[versions]",
        f'python = "{platform.python_version()}"',
        *(f'{name} = "{found}"' for name in _PACKAGES if (found := _version(name))),
    ]
    return "\n".join(lines) + "\n"


def _commit() -> str:
    """`COMMIT` where there is no git; marked if what was tested is not what was committed."""
    if "COMMIT" in os.environ:
        return os.environ["COMMIT"]
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    return subprocess.run(command, cwd=RECORD.parent, capture_output=True, text=True, check=True).stdout.strip()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
