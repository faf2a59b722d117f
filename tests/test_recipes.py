"""The recipes of README.md, run as they stand there: in a shell, on a folder of videos, with a tiny model."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clips import make_clip
from tests.conftest import ROOT, environment
from tests.subtitle_checker import check_srt, check_vtt

VIDEOS = ("a/x", "a/final 1", "b/x")


def blocks(heading: str, language: str) -> list[str]:
    """The fenced blocks of a section."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


SHELL, TOOLS = blocks("Many videos", "sh")
(MAKEFILE,) = blocks("Many videos", "make")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Videos to try a recipe on, and a `sleep` that wakes up once and then fails, or a loop would never end."""
    clip = make_clip(tmp_path / "clip.mp4", frames=2, fps="1")
    for name in (*(f"season/{video}" for video in VIDEOS), "inbox/new"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, tmp_path / f"{name}.mp4")
    (tmp_path / "captions.mk").write_text(MAKEFILE)
    programs = {
        "sleep": "#!/bin/sh\nmkdir slept 2>/dev/null\n",
        "svlm": f'#!/bin/sh\nexec {sys.executable} -m svlm_cli "$@"\n',
    }
    for name, script in programs.items():
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(script)
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def run(script: str, folder: Path, model: Path) -> subprocess.CompletedProcess[str]:
    paths = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment(SVLM_MODEL=str(model), PATH=paths),
        capture_output=True,
        text=True,
        check=False,
    )


def written(folder: Path, suffix: str) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob(f"*{suffix}"))


@pytest.mark.extra  # half a minute
def test_the_folder_recipes(folder: Path, tiny_checkpoint: Path) -> None:
    """One after the other, as a reader would: the second does what the first one left out."""
    script = SHELL.replace("export SVLM_MODEL=streamingvlm-7b", ":")
    done = run(script, folder, tiny_checkpoint)
    assert done.returncode == 0, done.stderr
    assert written(folder / "captions" / "season", ".srt") == [f"{name}.srt" for name in sorted(VIDEOS)]
    assert written(folder / "captions" / "season", ".json") == [f"{name}.json" for name in sorted(VIDEOS)]
    assert written(folder / "season", ".srt") == ["a/final 1.srt"]
    assert "3 videos: 3 captioned." in done.stderr
    lines = [json.loads(line) for line in (folder / "season.jsonl").read_text().splitlines()]
    assert {line["source"] for line in lines} == {f"season/{name}.mp4" for name in VIDEOS}
    assert written(folder / "season", ".vtt") == [f"{name}.en.vtt" for name in sorted(VIDEOS)]
    assert {video["state"] for video in json.loads((folder / "summary.json").read_text())["videos"]} == {"done"}


@pytest.mark.parametrize("recipe", TOOLS.splitlines(), ids=lambda line: line.split()[0])
def test_the_recipes_with_other_programs(folder: Path, tiny_checkpoint: Path, recipe: str) -> None:
    if recipe.startswith("make"):
        (folder / "season" / "a" / "final 1.mp4").unlink()  # make takes no names with spaces
    done = run(recipe, folder, tiny_checkpoint)
    assert done.returncode == 0, done.stderr
    if recipe.startswith("while"):
        assert written(folder / "done", ".srt") == ["inbox/new.srt"]
    elif recipe.startswith("make"):
        assert written(folder / "season", ".vtt") == ["a/x.vtt", "b/x.vtt"]
    else:
        assert written(folder / "season", ".srt") == [f"{name}.srt" for name in sorted(VIDEOS)]
    for path in folder.rglob("*.srt"):
        assert check_srt(path.read_text(encoding="utf-8")) == []
    for path in folder.rglob("*.vtt"):
        assert check_vtt(path.read_text(encoding="utf-8")) == []
