"""The picture of a report: what is drawn where, and the same each time."""

from pathlib import Path

import pytest

from svlm_cli.core.errors import OutputError
from svlm_cli.evals.judge.pairs import Control
from svlm_cli.evals.judge.plots import draw_report, points
from svlm_cli.evals.judge.report import make_report
from tests.evals.benchmarks.miniature import games
from tests.evals.judge.judging import judge
from tests.servers.judge import truthful

pytestmark = pytest.mark.extra


def test_a_picture_shows_each_rate(tmp_path: Path) -> None:
    clips, a, b = games(tmp_path, 3)
    files = [judge(truthful, tmp_path / "votes.jsonl", clips, a, b)[0]]
    files += [judge(truthful, tmp_path / "empty.jsonl", clips, a, control=Control.EMPTY)[0]]
    report = make_report(files)
    assert [(place, one.value) for place, one in points(report.comparisons[0])] == [(place, 1) for place in range(6)]
    assert [(place, one.value) for place, one in points(report.controls[0])] == [(place, 0) for place in range(6)]
    for name in ("one.png", "other.png"):
        draw_report(report, tmp_path / name)
    picture = (tmp_path / "one.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert picture == (tmp_path / "other.png").read_bytes()
    draw_report(make_report(files[:1]), tmp_path / "less.png")
    assert picture != (tmp_path / "less.png").read_bytes()


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    clips, a, b = games(tmp_path, 1)
    report = make_report([judge(truthful, tmp_path / "votes.jsonl", clips, a, b)[0]])
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"plot\.png cannot be written"):
        draw_report(report, tmp_path / "file" / "plot.png")
