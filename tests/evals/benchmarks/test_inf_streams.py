"""Inf-Streams-Eval: its files, and its rules, held to scores that were counted by hand."""

from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.evals.benchmarks.chunks import read_commentary
from svlm_cli.evals.benchmarks.inf_streams import candidate_text, covered_by_all, read_clips, read_narrations
from tests.evals.benchmarks.miniature import chunk, clip, item, write_lines


def test_a_clip_is_its_whole_seconds_and_its_words_a_line_each(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "clips.jsonl", [clip("Cricket/x.y.mp4", [(1000.9, 1004.0, "One"), (1050, 1100.7, "two")])]
    )
    _, (found,) = read_clips(path)
    assert (found.video, found.start_s, found.end_s, found.reference) == ("x.y", 1000, 1100, "One\ntwo")


def test_a_word_belongs_to_the_clip_of_its_end_cut_to_a_whole_second(tmp_path: Path) -> None:
    """Guards both edges: 1000.99 is cut to 1000, which is before the clip, and 1100.99 to 1100, which is in it."""
    clips = write_lines(tmp_path / "clips.jsonl", [clip("Cricket/x.mp4", [(1000, 1100, "so")])])
    said = [item("before", 1000.0), item("still", 1000.99), item("first", 1001.0)]
    said += [item("last", 1100.0), item("too", 1100.99), item("after", 1101.0)]
    predictions = write_lines(tmp_path / "a.jsonl", [chunk("x.mp4", 1000, 1100, said)])
    _, (one,) = read_clips(clips)
    assert candidate_text(read_commentary(predictions).items["x"], one) == "first last too"


def test_texts_are_cut_to_8000_characters(tmp_path: Path) -> None:
    """Guards against a judge that reads more than the published one did; joining comes before cutting."""
    clips = write_lines(tmp_path / "clips.jsonl", [clip("C/x.mp4", [(0, 50, "r" * 7999), (50, 100, "tail")])])
    said = [item("c" * 5000, 1.0), item("d" * 5000, 2.0)]
    predictions = write_lines(tmp_path / "a.jsonl", [chunk("x.mp4", 0, 100, said)])
    _, (one,) = read_clips(clips)
    assert one.reference == "r" * 7999 + "\n"
    assert candidate_text(read_commentary(predictions).items["x"], one) == "c" * 5000 + " " + "d" * 2999


def test_fifths_are_those_of_the_video(tmp_path: Path) -> None:
    """Guards against fifths of a list: clips are in no order, and one video is longer than another."""
    spans = [(1900, 2000), (1000, 1100), (1450, 1550), (1200, 1300)]
    rows = [clip("C/long.mp4", [(start, end, "so")]) for start, end in spans]
    rows.append(clip("C/short.mp4", [(1000, 1100, "so")]))
    _, found = read_clips(write_lines(tmp_path / "clips.jsonl", rows))
    assert [one.fifth for one in found] == [4, 0, 2, 1, 2]


def test_only_what_both_cover_is_compared(tmp_path: Path) -> None:
    """Guards against a commentary that broke off, whose missing half would be judged as silence; silence is covered."""
    rows = [clip("C/x.mp4", [(start, start + 100, "so")]) for start in (900, 1000, 1100, 1200)]
    rows.append(clip("C/y.mp4", [(1000, 1100, "so")]))
    _, clips = read_clips(write_lines(tmp_path / "clips.jsonl", rows))
    whole = [chunk("x.mp4", 1000, 1150, []), chunk("x.mp4", 1150, 1300, []), chunk("y.mp4", 1000, 1200, [])]
    broken = [chunk("x.mp4", 1100, 1200, [item("so", 1101.0)]), chunk("x.mp4", 1000, 1100, [])]
    said = [
        read_commentary(write_lines(tmp_path / name, one)) for name, one in (("a.jsonl", whole), ("b.jsonl", broken))
    ]
    found = covered_by_all(clips, said)
    assert [(one.video, one.start_s) for one in found.clips] == [("x", 1000), ("x", 1100)]
    assert found.left_out == 3
    assert len(covered_by_all(clips, said[:1]).clips) == 4


def test_a_gap_between_chunks_is_not_covered(tmp_path: Path) -> None:
    _, clips = read_clips(write_lines(tmp_path / "clips.jsonl", [clip("C/x.mp4", [(1000, 1100, "so")])]))
    said = read_commentary(
        write_lines(tmp_path / "a.jsonl", [chunk("x.mp4", 1000, 1050, []), chunk("x.mp4", 1051, 1100, [])])
    )
    assert covered_by_all(clips, [said]).clips == ()


def test_metadata_are_read(tmp_path: Path) -> None:
    """Guards the fields that generation needs."""
    path = write_lines(tmp_path / "all.jsonl", [clip("Golf/a.mp4", [(3.5, 4, "One"), (4, 7200.25, "two")])])
    _, (one,) = read_narrations(path)
    assert (one.video, one.key, one.span, one.title, one.preasr) == ("Golf/a.mp4", "a", (3, 7200), "A game", "Welcome.")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"video": "C/x.mp4"}', "content must be a list"),
        ('{"video": "C/x.mp4", "content": []}', "content must be a list"),
        ('{"video": "C/x.mp4", "content": [[1, 2]]}', r"content\[0\] must be \[start, end, words\], not \[1, 2\]"),
        ('{"video": "C/x.mp4", "content": [[2, 1, "so"]]}', r"content\[0\]"),
        ('{"video": "C/x.mp4", "content": [[true, 2, "so"]]}', r"content\[0\]"),
        ('{"video": "C/x.mp4", "content": [[1, 1e999, "so"]]}', "too large"),
        ('{"video": 3, "content": [[1, 2, "so"]]}', "video must be a text, not 3"),
        ('{"video": "C/x.mp4", "content": [[1, 2, "so"]], "title": 4}', "title must be a text, not 4"),
        ('{"video": "C/x.mp4", "content": [[1.1, 1.9, "so"]]}', "holds no second"),
        ('{"video": "C/first.mp4", "content": [[0, 100, "so"]]}', "repeats the clip from 0 s to 100 s"),
        ('{"video": "D/first.mp4", "content": [[200, 300, "so"]]}', "has the same name"),
        ("[1]", r"is not a JSON object but \[1\]"),
        ("{", "is not JSON"),
    ],
)
def test_a_line_that_is_no_clip_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = write_lines(tmp_path / "clips.jsonl", [clip("C/first.mp4", [(0, 100, "so")])])
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(InputError, match=rf"Line 2 of .*clips\.jsonl .*{said}"):
        read_clips(path)


def test_a_file_without_clips(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n")
    for name in ("empty.jsonl", "absent.jsonl"):
        with pytest.raises(InputError, match=name):
            read_clips(tmp_path / name)
