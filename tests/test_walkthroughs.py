"""The steps of docs/contributing.md, taken as they stand there in a copy of the project; and each left out in turn."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT, environment

_PAGE = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
_DIFF = re.compile(r"^ *```diff\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_COPIED = ("svlm_cli", "tests", "docs")
_LINKED = ("models", "README.md", "Makefile", "pyproject.toml")

pytestmark = [pytest.mark.extra, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Change:
    """Text of a file, and what is there instead. Without a before it is a new file."""

    file: str
    before: str
    after: str

    def make(self, project: Path) -> None:
        path = project / self.file
        if not self.before:
            path.write_text(self.after, encoding="utf-8")
            return
        text = path.read_text(encoding="utf-8")
        assert text.count(self.before) == 1, self
        if path.is_symlink():
            path.unlink()
        path.write_text(text.replace(self.before, self.after), encoding="utf-8")


def changes(section: str) -> list[Change]:
    """Those that a section of the page shows, hunk by hunk."""
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## )", _PAGE, re.MULTILINE | re.DOTALL)
    return [change for block in _DIFF.findall(text) for change in _hunks(block)]


def _hunks(block: str) -> Iterator[Change]:
    lines = [line.removeprefix("   ") for line in block.splitlines()]
    old, new, *rest = lines
    file = new.removeprefix("+++ b/")
    for hunk in "\n".join(rest).split("@@\n")[1:]:
        kept = [line for line in hunk.splitlines() if not line.startswith("+")]
        made = [line[1:] for line in hunk.splitlines()]
        before = "" if old == "--- /dev/null" else "\n".join(line[1:] for line in kept) + "\n"
        yield Change(file, before, "\n".join(made) + "\n")


def copy(project: Path) -> Path:
    for name in _COPIED:
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in _LINKED:
        (project / name).symlink_to(ROOT / name)
    return project


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *arguments]
    here = environment(PYTHONPATH=str(project))
    return subprocess.run(command, cwd=project, env=here, capture_output=True, text=True, check=False)


def failure(project: Path, *tests: str) -> str:
    """What pytest says; nothing if all is well."""
    options = ("-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts=")
    done = run(project, "pytest", *options, *tests)
    assert done.returncode in (0, 1, 2, 4), done.stdout + done.stderr  # 2 and 4: what is missing cannot be imported
    return done.stdout + done.stderr if done.returncode else ""


def whole_and_without_each(tmp_path: Path, steps: list[Change], *tests: str) -> Path:
    """The project with all of the steps, in which `tests` pass, and without any one of them fail."""
    for number in range(len(steps)):
        project = copy(tmp_path / f"without-{number}")
        for step in [*steps[:number], *steps[number + 1 :]]:
            step.make(project)
        assert failure(project, *tests), steps[number]
        shutil.rmtree(project)
    project = copy(tmp_path / "whole")
    for step in steps:
        step.make(project)
    assert failure(project, *tests) == ""
    return project


def test_a_format_cannot_be_added_half(tmp_path: Path) -> None:
    about = "| `txt` | plain text, one cue per line |\n"
    row = Change("docs/captions.md", about, f"{about}| `lrc` | lines with times, for karaoke |\n")
    listed = Change("README.md", "`tsv` and `txt`.", "`tsv`, `txt` and `lrc`.")
    steps = [*changes("A new output format"), row, listed]
    project = whole_and_without_each(tmp_path, steps, "tests/outputs/test_formats.py", "-k", "lrc or told")
    context = (ROOT / "docs" / "assets" / "match.context.txt").read_text(encoding="utf-8")
    done = run(project, "svlm_cli", "caption", "docs/assets/match.mp4", "--context", context, "-f", "lrc", "-o", "-")
    assert "[00:28.00]Goal for Valbin, one nil.\n" in done.stdout


def test_a_kind_of_address_cannot_be_added_half(tmp_path: Path) -> None:
    told = "| devices | `--input-format`"
    row = Change("docs/cameras.md", told, f"| transport streams over TCP | `tcp://` |\n{told}")
    tests = ("tests/sources/test_schemes.py", "tests/commands/test_doctor.py", "-k", "tcp or told or lacks")
    whole_and_without_each(tmp_path, [*changes("A new kind of address"), row], *tests)
