"""The labels of the real clips hold together: what they may say, what they cover, and that nothing acts unseen."""

from itertools import groupby, pairwise
from pathlib import Path

import pytest

from tests.evals.footage.labels import CLIPS_S, EVENTS, FIRST, KINDS, SECOND, SETTLED, STATES, Label, read

FILES = (FIRST, SECOND, SETTLED)
SHOT = '{"clip": "cup.mp4", "kind": "shot", "start_s": 0, "end_s": 8.1, "how": "start", "sure": true, "note": ""}'
STOP = (
    '{"clip": "cup.mp4", "kind": "stops", "start_s": 1, "end_s": 2, "place": "left top", "size": "small",'
    ' "also": {"place": ["left middle"]}, "thing": 1, "sure": true, "note": ""}'
)

LIGHT = (
    '{"clip": "cup.mp4", "kind": "light", "start_s": 0, "end_s": 8, "is": "dark", "also": {"is": ["normal"]},'
    ' "sure": false, "note": ""}'
)


def written(folder: Path, line: str) -> Path:
    path = folder / "labels.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_clip_has_every_state_from_its_beginning_to_its_end(path: Path) -> None:
    """A gap or an overlap, where a model would be judged by nothing or by two things at once."""
    labels = read(path)
    for clip, lasts_s in CLIPS_S.items():
        for kind in STATES:
            spans = sorted((one.start_s, one.end_s) for one in labels if (one.clip, one.kind) == (clip, kind))
            assert spans, f"{clip} has no {kind}"
            assert spans[0][0] == 0, f"{clip}, {kind} begins late"
            assert all(one[1] == other[0] for one, other in pairwise(spans)), f"{clip}, {kind}: {spans}"
            assert spans[-1][1] == pytest.approx(lasts_s), f"{clip}, {kind} ends early"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_events_are_within_a_clip_that_there_is(path: Path) -> None:
    """A slip in a time or a name: an event that no model could ever have seen."""
    for one in read(path):
        assert one.clip in CLIPS_S
        assert one.end_s <= CLIPS_S[one.clip] + 1e-6, one


def _unseen(events: list[Label]) -> list[Label]:
    """The events of a thing that begin when it is wholly out, and not yet in again."""
    out_s, unseen = float("inf"), []
    for one in sorted(events, key=lambda one: (one.start_s, list(EVENTS).index(one.kind))):
        if one.kind == "enters":
            out_s = float("inf")
        elif one.start_s >= out_s:
            unseen.append(one)
        if one.kind == "leaves":
            out_s = one.end_s
    return unseen


def test_nothing_acts_after_it_has_left_until_it_enters_again() -> None:
    """Two things under one number, or an entrance that was missed."""
    events = sorted((one for one in read(SETTLED) if one.thing), key=_thing)
    for whose, several in groupby(events, key=_thing):
        assert not _unseen(list(several)), whose


def _thing(one: Label) -> tuple[str, int]:
    return one.clip, one.thing or 0


def test_what_acts_unseen_is_found() -> None:
    """A check of the labels that finds nothing, whatever they say."""
    leaves, enters, stops = (
        Label("cup.mp4", kind, at_s, at_s + 1, {}, {}, 1, True, "")
        for kind, at_s in (("leaves", 1.0), ("enters", 2.0), ("stops", 3.0))
    )
    assert _unseen([stops, leaves]) == [stops]
    assert _unseen([stops, leaves, enters]) == []


def test_a_value_on_a_border_has_another_beside_it() -> None:
    """An `also` that repeats its value, and so says nothing."""
    for one in read(SETTLED):
        assert all(one.values[name] not in others for name, others in one.also.items()), one


def test_the_table_of_the_readme_has_every_kind() -> None:
    """A kind that only the program knows."""
    readme = (SETTLED.parent / "README.md").read_text(encoding="utf-8")
    assert all(f"`{kind}`" in readme for kind in KINDS)


def test_the_readme_counts_what_is_sure() -> None:
    """A count that was true of other labels."""
    labels = read(SETTLED)
    said = f"Of {len(labels)} lines, {sum(one.sure for one in labels)} are sure."
    assert said in (SETTLED.parent / "README.md").read_text(encoding="utf-8")


def test_lines_are_read_with_all_they_say(tmp_path: Path) -> None:
    """A key that is read and lost."""
    assert read(written(tmp_path, SHOT)) == [Label("cup.mp4", "shot", 0, 8.1, {"how": "start"}, {}, None, True, "")]
    (stop,) = read(written(tmp_path, STOP))
    assert (stop.values, stop.also) == ({"place": "left top", "size": "small"}, {"place": ("left middle",)})
    assert (stop.thing, stop.main()) == (1, None)
    (light,) = read(written(tmp_path, LIGHT))
    assert (light.values, light.also) == ({"is": "dark"}, {"is": ("normal",)})


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (SHOT.replace("start_s", "begins_s"), "start_s"),
        (SHOT.replace('"how": "start"', '"how": "dissolve"'), "dissolve"),
        (SHOT.replace('"end_s": 8.1', '"end_s": 0'), "later"),
        (SHOT.replace('"sure": true', '"sure": 1'), "sure"),
        (SHOT.replace('"note": ""', '"note": "", "size": "small"'), "size"),
        (STOP.replace("left middle", "left centre"), "left centre"),
        (STOP.replace('"thing": 1, ', ""), "thing"),
        (STOP.replace('"also": {"place"', '"also": {"direction"'), "also"),
        (LIGHT.replace('"sure": false', '"sure": true'), "also"),
    ],
)
def test_a_line_that_says_what_it_cannot_is_refused(tmp_path: Path, line: str, told: str) -> None:
    """A misspelt value that would be compared, and never be equal to anything."""
    with pytest.raises(ValueError, match=f"line 1: .*{told}"):
        read(written(tmp_path, line))
