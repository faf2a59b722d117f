"""Rounds -> seconds, and caption files -> rounds."""

from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.core.events import RoundEnded
from svlm_cli.core.types import Segment
from svlm_cli.evals.predictions import by_second, read_rounds
from svlm_cli.outputs.jsonl import json_line


def test_a_round_belongs_to_the_second_in_which_it_ends() -> None:
    assert by_second([(1.0, " a"), (2.0, ""), (3.0, " b")], 4) == (" a", "", " b", "")
    assert by_second([(0.5, " a"), (1.0, " b"), (1.5, " c")], 2) == (" a b", " c")
    assert by_second([(2.0, " a"), (4.0, " b")], 4) == ("", " a", "", " b")
    assert by_second([(1.0004, " a")], 2) == (" a", ""), "clocks of containers are not exact"


def test_what_comes_after_the_end_is_left_out() -> None:
    assert by_second([(1.0, " a"), (9.0, " b"), (0.0, " c")], 1) == (" a c",)


def test_a_caption_file_is_read(tmp_path: Path) -> None:
    """Guards the way through the whole caption path: what `svlm caption -f jsonl` writes is what is scored."""
    segments = [
        Segment(0, 0, 0.0, 1.0, " Kavo\u2028pass", (1,), 0.1),
        Segment(0, 1, 1.0, 2.0, "", (2,), 0.1, gap_s=1.0),
    ]
    path = tmp_path / "match.jsonl"
    path.write_text("".join(json_line(RoundEnded.of(segment)) for segment in segments), encoding="utf-8")
    assert read_rounds(path) == ((1.0, " Kavo\u2028pass"), (2.0, ""))


@pytest.mark.parametrize(
    "line",
    [
        *(
            "{",
            "[]",
            '{"end": 1}',
            '{"end": "1", "text": ""}',
            '{"end": NaN, "text": ""}',
            '{"end": 1e999, "text": ""}',
        ),
        *('{"end": true, "text": ""}', '{"end": 9' + 400 * "9" + ', "text": ""}', "[" * 100_000),
    ],
)
def test_a_line_that_is_no_round_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "match.jsonl"
    path.write_text(f'{{"end": 1.0, "text": " a"}}\n{line}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"Line 2 of .*match\.jsonl"):
        read_rounds(path)


def test_a_file_without_rounds(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name in ("empty", "binary", "absent"):
        with pytest.raises(InputError, match=name):
            read_rounds(tmp_path / name)
