"""OVO-Bench: its file, its probes, and where its videos lie."""

from pathlib import Path
from typing import Any

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.evals.benchmarks.footage import Footage, find_footage, missing_videos
from svlm_cli.evals.benchmarks.ovo_bench import read_ovo_bench
from svlm_cli.questions.question import AnswerKind
from tests.evals.benchmarks.question_sets import ovo_bench, ovo_choice, ovo_crr, ovo_rec, ovo_ssr


def test_a_choice_is_of_the_video_up_to_its_time(tmp_path: Path) -> None:
    ovo_bench(tmp_path, [ovo_choice(3, "EPM")])
    (one,) = read_ovo_bench(tmp_path)
    assert (one.id, one.task, one.group, one.video) == ("3", "EPM", "backward", "COIN/a.mp4")
    assert (one.start_s, one.end_s) == (None, 34.5)
    assert (one.text, one.options, one.answer) == ("What is it?", ("cup", "plate", "pan"), "B")
    assert one.kind is AnswerKind.CHOICE


def test_each_probe_is_a_question(tmp_path: Path) -> None:
    """Guards counts of two digits, yes and no, and CRR, whose video begins at its beginning, as published."""
    ovo_bench(tmp_path, [ovo_rec(), ovo_ssr(), ovo_crr()])
    found = read_ovo_bench(tmp_path)
    assert [one.id for one in found] == ["7_0", "7_1", "8_0", "8_1", "9_0", "9_1"]
    assert [one.answer for one in found] == ["0", "10", "yes", "no", "no", "yes"]
    assert [one.kind for one in found] == [AnswerKind.COUNT] * 2 + [AnswerKind.STEP] * 2 + [AnswerKind.CLUE] * 2
    assert [(one.start_s, one.end_s) for one in found[::2]] == [(None, 5), (None, 11), (None, 22.5)]
    assert [one.text for one in found[::2]] == ["clap their hands", "Pour the milk", "Who opens the door?"]
    assert found[3].text == "Stir"
    assert {one.group for one in found} == {"forward"}


def test_a_probe_at_the_moment_of_its_question(tmp_path: Path) -> None:
    """Guards the published file, where the first probe of a row of CRR is asked with the question itself."""
    probes = [{"realtime": 28, "type": 0}, {"realtime": 28.5, "type": 0}, {"realtime": 42, "type": 1}]
    ovo_bench(tmp_path, [ovo_crr(ask_time=28, test_info=probes)])
    found = read_ovo_bench(tmp_path)
    assert [(one.start_s, one.end_s) for one in found] == [(None, 28), (None, 28.5), (None, 42)]


def test_a_row_of_ours_says_what_is_known_beforehand(tmp_path: Path) -> None:
    """Guards names of teams, which no picture shows; published rows have no such key."""
    ovo_bench(tmp_path, [ovo_choice(3), ovo_choice(4, context="Match: red A."), ovo_crr(context="Match: red B.")])
    found = read_ovo_bench(tmp_path)
    assert [one.known for one in found] == ["", "Match: red A.", *["Match: red B."] * 2]
    assert {one.context for one in found} == {""}


@pytest.mark.parametrize("place", ["chunked_videos/", ""])
def test_a_cut_clip_comes_before_the_whole_video(tmp_path: Path, place: str) -> None:
    """Guards against a clip that is cut a second time, at a time of the whole video's clock."""
    ovo_bench(tmp_path, [ovo_choice(3), ovo_crr()])
    choice, probe, other = read_ovo_bench(tmp_path)
    whole = tmp_path / "src_videos/MovieNet/c.mp4"
    whole.parent.mkdir(parents=True)
    whole.touch()
    assert find_footage(tmp_path, probe) == Footage(whole, None, 22.5)
    assert missing_videos(tmp_path, [choice, probe, other]) == ("COIN/a.mp4",)
    for name in ("3.mp4", "9_0.mp4"):
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / place / name).touch()
    assert find_footage(tmp_path, probe) == Footage(tmp_path / place / "9_0.mp4", None, None)
    assert find_footage(tmp_path, other) == Footage(whole, None, 41)
    assert find_footage(tmp_path, choice) == Footage(tmp_path / place / "3.mp4", None, None)
    assert missing_videos(tmp_path, [choice, probe, other]) == ()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (ovo_choice(3), "repeats the question '3'"),
        (ovo_choice(4, gt=3), "gt is 3, and there are 3 options"),
        (ovo_choice(4, gt="B"), "gt must be a whole number from 0"),
        (ovo_choice(4, gt=True), "gt must be a whole number from 0"),
        (ovo_choice(4, options=["one"]), "options must be a list of 2 to 5 texts"),
        (ovo_choice(4, options=["one", ""]), r"options\[1\] must be a text"),
        (ovo_choice(4, "XYZ"), "there is no task 'XYZ'"),
        (ovo_choice(4, context=["red"]), "context must be a text"),
        (ovo_choice(4, realtime="34"), "realtime must be a number, not '34'"),
        (ovo_choice(4, realtime=0), "nothing can be seen"),
        (ovo_choice(4, question=" "), "it asks nothing"),
        (ovo_choice(4, video="../../secret.mp4"), "names no file below the folder"),
        (ovo_choice(4, video="/secret.mp4"), "names no file below the folder"),
        (ovo_rec(test_info=[]), "test_info must be a list of probes"),
        (ovo_rec(test_info=[{"realtime": 3, "count": 1}, {"realtime": 4}]), r"\(test_info\[1\]\) .*count must be"),
        (ovo_ssr(test_info=[{"realtime": 3, "step": "Stir", "type": 2}]), r"type must be a whole number from 0 to 1"),
        (ovo_crr(test_info=[{"realtime": 0, "type": 0}]), r"\(test_info\[0\]\) .*nothing can be seen from 0 s to 0 s"),
        ([1], r"is not a JSON object but \[1\]"),
    ],
)
def test_a_row_that_cannot_be_asked_is_named(tmp_path: Path, row: Any, said: str) -> None:
    ovo_bench(tmp_path, [ovo_choice(3), row])
    with pytest.raises(InputError, match=rf"Row 2 of .*ovo_bench_new\.json .*{said}"):
        read_ovo_bench(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [("[]", "holds no questions"), ("{}", "is not a list"), ("[", "is not JSON"), (None, "cannot be read")],
)
def test_a_file_without_questions(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "ovo_bench_new.json").write_text(text)
    with pytest.raises(InputError, match=rf"ovo_bench_new\.json .*{said}"):
        read_ovo_bench(tmp_path)
