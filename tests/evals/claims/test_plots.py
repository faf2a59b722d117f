"""The plots: what is drawn where, the same each time, and only where matplotlib is."""

from pathlib import Path

import pytest

from svlm_cli.core.errors import OutputError
from svlm_cli.evals.claims.plots import draw_plots, latency_lines, quality_lines
from tests.evals.claims.rows import result

pytestmark = pytest.mark.extra

ROWS = {
    "streaming": result("streaming", [8, 8, 8, 8, 4]),
    "full": result("full", [5, 2, 1, 0, 0], round_s=(0.1, 0.2, None, None, None)),
    "vision-16": result("vision-16", [8, 8, 8, 8, 4]),
}


def test_lines_are_what_was_measured() -> None:
    """Guards the axes: a fifth stands in its middle, a minute at its end, one measurement is drawn once."""
    quality = {line.row: line for line in quality_lines(ROWS)}
    assert list(quality) == ["streaming", "full"]
    assert quality["full"].minutes == pytest.approx((0.5, 1.5, 2.5, 3.5, 4.5))
    assert quality["streaming"].values == pytest.approx((0.85, 0.85, 0.85, 0.85, 0.45))
    assert all(reach >= 0 for reach in (*quality["full"].below, *quality["full"].above))
    latency = {line.row: line for line in latency_lines(ROWS)}
    assert latency["streaming"].minutes == (1, 2, 3, 4, 5)
    assert latency["streaming"].values == pytest.approx((10, 11, 12, 13, 14))


def test_long_rows_are_drawn_every_three_minutes() -> None:
    """Guards the first minutes of `streaming`, whose fifths are longer than the row that breaks beside it."""
    (line,) = quality_lines({"streaming": result("streaming", [9] * 3 + [3] * 3 + [8] * 9 + [5])})
    assert line.minutes == pytest.approx((1.5, 4.5, 7.5, 10.5, 13.5, 15.5))
    assert line.values == pytest.approx((0.95, 0.35, 0.85, 0.85, 0.85, 0.55))


def test_the_same_rows_make_the_same_pictures(tmp_path: Path) -> None:
    """Guards the repository against pictures that differ by the day, or by who draws them."""
    first = draw_plots(ROWS, tmp_path / "first", "claims")
    second = draw_plots(ROWS, tmp_path / "second", "claims")
    assert [path.name for _, path in first] == ["claims-quality.png", "claims-latency.png"]
    for (_, one), (_, other) in zip(first, second, strict=True):
        picture = one.read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert picture == other.read_bytes()
        assert b"atplotlib" not in picture
    assert len(list((tmp_path / "first").iterdir())) == 2


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "assets").write_text("a file")
    with pytest.raises(OutputError, match=r"claims-quality\.png cannot be written"):
        draw_plots(ROWS, tmp_path / "assets", "claims")
