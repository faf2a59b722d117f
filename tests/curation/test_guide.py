"""The guide of docs/data.md: its commands for windows and checks, run as they stand there, give what training reads."""

import re
import shlex
from pathlib import Path

import pytest

from svlm_cli.commands.app import main
from svlm_cli.training.records import Skipped, read_records
from tests.conftest import ROOT
from tests.curation.speech import spoken, tiny_video, write_words


def commands() -> list[list[str]]:
    """The four of the guide."""
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```\w+\n(svlm data words .*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [shlex.split(line)[1:] for line in block.splitlines()]


@pytest.mark.extra
def test_the_guide_leads_to_a_training_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the newcomer: each command finds the file of the one before, and nothing of the result is skipped."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "season").mkdir()
    names = [f"{number}.mp4" for number in range(3)]
    for name in names:
        tiny_video(tmp_path / "season" / name, 60.0, rate=2)
    videos = [spoken(tmp_path / "season" / name, 60.0, seed=seed) for seed, name in enumerate(names)]
    write_words(tmp_path / "clean.jsonl", videos)
    words, clean, *rest = commands()
    assert [words[:2], clean[:2]] == [["data", "words"], ["data", "clean"]]
    assert words[words.index("-o") + 1] in clean
    assert clean[clean.index("-o") + 1] in rest[0]
    assert [main(line) for line in rest] == [0, 0]
    records = read_records([Path("good.jsonl")], None, Skipped(0, print))
    assert len(records) == 12
    assert Path("bad.jsonl").read_text() == ""
