"""The guide of docs/data.md: its commands, run as they stand there, lead from videos with sound to a model."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from svlm_cli.commands.app import main
from svlm_cli.curation.words_file import read_words
from svlm_cli.training.recipe import BaseStage, dump, parse
from svlm_cli.training.records import Record, Skipped, read_records
from tests.conftest import ROOT
from tests.curation.spoken_videos import HAS_ESPEAK, speak_over
from tests.servers.chat import ChatOnLoopback, serving
from tests.servers.editor import by_rule
from tests.training.recipes import small_recipe

BEFORE_ADVERT = {  # what pocketsphinx mostly understands
    "1.mp4": ("the man went to the house and the woman was in the garden", "they have a good time in the school"),
    "2.mp4": ("people in the city want to know what the president will do", "the women have a lot of work to do"),
}
ADVERT = "come to our hospital on sunday afternoon"
HEARD = "hospital on sunday"
AFTER_ADVERT = {
    "1.mp4": (
        "he said that the company will make more money this year",
        "this is the end of the first half and the people are happy",
        "she wants to buy a new car in the city",
        "the teacher asked them to read the letter again",
        "we were happy to see the water and the trees",
        "the doctor gave her a cup of tea and some bread",
        "he never told his brother about the money",
    ),
    "2.mp4": (
        "my father and my mother live in a small town",
        "we have to go to the hospital in the afternoon",
        "the weather will be good on sunday in the north",
        "the police found the money under the table",
        "there is a big river behind the old church",
        "nobody knows when the next train will come",
        "they think that the price of oil will go up again",
    ),
}


def guide() -> str:
    """Its section."""
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    return page.partition("\n## From a folder of videos with sound to a training set\n")[2].partition("\n## ")[0]


def commands() -> list[list[str]]:
    """Those of its blocks, without the name of the program: four that make the set, and training."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", guide(), re.MULTILINE | re.DOTALL)
    return [shlex.split(line)[1:] for block in blocks for line in block.splitlines()]


def edited(text: str) -> tuple[str, str]:
    """Adverts go; what is left begins with a capital letter."""
    return ("delete", "") if HEARD in text else ("edit", text[0].upper() + text[1:])


@pytest.fixture
def editor() -> Iterator[ChatOnLoopback]:
    """It stands in for the server of the guide."""
    chat = ChatOnLoopback(by_rule(edited))
    with serving(chat):
        yield chat


@pytest.fixture
def season(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, which has a folder of simulated matches with speech, and a table of what they are about."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_API_KEY", "any text")
    Path("season").mkdir()
    for seed, name in enumerate(BEFORE_ADVERT):
        parts = [", ".join(BEFORE_ADVERT[name]), ADVERT, ", ".join(AFTER_ADVERT[name])]
        match = str(tmp_path / name)
        assert main(["simulate", "--seed", str(seed), "--minutes", "0.7", "--fps", "2", "-q", "-o", match]) == 0
        speak_over(Path(match), Path("season") / name, parts)
    Path("about.csv").write_text("video,title\n1.mp4,Reds against blues\n2.mp4,Greens against whites\n")
    return tmp_path


def recipe() -> str:
    """The guide's, about a model that learns in a second."""
    (block,) = re.findall(r"^```toml\n(.*?)^```$", guide(), re.MULTILINE | re.DOTALL)
    ours = parse(block, source="docs/data.md")
    return dump(replace(small_recipe(2), data=ours.data, base_stage=BaseStage()))


@pytest.mark.extra
@pytest.mark.timeout(600)  # the recogniser takes half as long as people speak
@pytest.mark.skipif(not HAS_ESPEAK, reason="espeak-ng is not installed")
def test_the_guide_leads_to_a_training_set(season: Path, editor: ChatOnLoopback) -> None:
    """Guards the newcomer: each command finds the file of the one before, and what was said is what is learned."""
    words, clean, windows, check, train = commands()
    assert main([*words, "--from", "pocketsphinx"]) == 0
    clean[clean.index("--server") + 1] = editor.base_url
    assert [main(line) for line in (clean, windows, check)] == [0, 0, 0]
    assert_edited()
    assert Path("bad.jsonl").read_text() == ""
    records = read_records([Path("good.jsonl")], None, Skipped(0, print))
    assert [(one.video.name, one.start_s, one.end_s) for one in records] == [
        (name, start_s, start_s + 24) for name in BEFORE_ADVERT for start_s in (0.0, 12.0)
    ]
    assert_said(records)
    Path("recipe.toml").write_text(recipe(), encoding="utf-8")
    assert main([*train, "--device", "cpu"]) == 0
    steps = [json.loads(line) for line in Path("my-model/log.jsonl").read_text().splitlines()]
    assert max(step.get("step", 0) for step in steps) == 2


def assert_edited() -> None:
    """The advert was heard and is gone, and the diff shows it."""
    heard, left = (words_in(Path(name)) for name in ("words.jsonl", "clean.jsonl"))
    assert heard.count(HEARD) == len(BEFORE_ADVERT)
    assert HEARD not in left
    assert Path("clean.diff").read_text().count(HEARD) == len(BEFORE_ADVERT)


def words_in(path: Path) -> str:
    """Of all videos."""
    return " ".join(segment.text for video in read_words(path) for segment in video.segments)


def assert_said(records: list[Record]) -> None:
    """Most of what is learned was said, behind the title."""
    for record in records:
        said = " ".join(BEFORE_ADVERT[record.video.name] + AFTER_ADVERT[record.video.name]).split()
        known = [word.text.lower() in said for word in record.words]
        assert len(known) > 48
        assert sum(known) > len(known) / 2
        assert record.previous.startswith(("Reds against blues", "Greens against whites"))
