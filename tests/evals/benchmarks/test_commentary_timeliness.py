"""When a commentary says what people said: a game by hand, and the rules for what is compared at all."""

from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.evals.benchmarks.commentary_timeliness import time_commentary
from tests.evals.benchmarks.endless_games import Seconds, changed, perfect, write_annotations, write_commentary
from tests.evals.benchmarks.miniature import chunk, clip, item, write_lines

CONTENT = [(10.0, 14.0, "Messi shoots. Goal!!"), (20.0, 22.0, "Two one.")]
# messi at 11.0, shoots at 12.4, goal at 13.6, two at 20.75, one at 21.75
ITEMS = [item("Messi runs and", 12.0), item("He shoots", 17.0), item("Two", 18.0), item("one.", 21.0)]
# messi 1.0 late: in time; runs: stray; shoots 4.6 late; goal: never; two 2.75 early; one 0.75 early: in time


def files(folder: Path, *chunks: dict[str, object]) -> tuple[Path, Path]:
    annotations = write_lines(folder / "annotations.jsonl", [clip("Football/v0.mp4", CONTENT)])
    return write_lines(folder / "predictions.jsonl", chunks), annotations


def test_a_game_by_hand(tmp_path: Path) -> None:
    found = time_commentary(*files(tmp_path, chunk("v0.mp4", 0, 100, ITEMS)))
    assert found.timeliness.counts == (5, 5, 2, 1, 1)
    values = {name: one.value for name, one in found.timeliness.overall.estimates().items()}
    shares = dict.fromkeys(("early", "late", "never", "stray"), 0.2)
    assert values == pytest.approx({"f1": 0.4, "precision": 0.4, "in_time": 0.4, **shares})
    assert found.timeliness.delay.median == pytest.approx((1.0 - 0.75) / 2)
    assert (found.videos, found.left_out, found.notices) == (1, 0, ())
    # of the twelve seconds from 10 to 22, the first fifth is two long and holds messi, the second shoots and goal
    assert [one.in_time.value for one in found.timeliness.fifths] == [1, 0, None, None, 0.5]


def test_the_controls(tmp_path: Path) -> None:
    """Guards what stands beside it: the reference itself, late and unsaid."""
    controls = time_commentary(*files(tmp_path, chunk("v0.mp4", 0, 100, ITEMS))).controls.to_json()
    assert (controls["reference"]["f1"], controls["reference"]["delay_s_p90"]) == (1, 0)
    assert (controls["shifted"]["f1"], controls["shifted"]["late"]) == (0, 1)
    assert controls["shifted"]["delay_s_median"] == pytest.approx(3)
    assert (controls["empty"]["never"], controls["empty"]["stray"]) == (1, None)


def test_only_what_both_have_is_compared(tmp_path: Path) -> None:
    """Guards against words that nobody was asked for: outside of the chunks, and before or after the reference."""
    outside = [item("Goal", 9.0), item("Goal", 14.0), item("Goal", 23.0)]
    found = time_commentary(
        *files(tmp_path, chunk("v0.mp4", 0, 12, [item("Messi", 11.0), *outside]), chunk("v0.mp4", 20, 30, ITEMS))
    )
    assert found.timeliness.counts == (3, 4, 2, 0, 0), "wanted: messi, two, one; said: messi, messi, runs, one"


def test_the_older_form_covers_its_videos(tmp_path: Path) -> None:
    _, annotations = files(tmp_path)
    older = write_lines(tmp_path / "older.json", [{"v0": ITEMS}])
    assert time_commentary(older, annotations).timeliness.counts == (5, 5, 2, 1, 1)


def test_videos_that_are_not_covered_are_left_out(tmp_path: Path) -> None:
    """Guards against silence for what nobody commented on, and silence that was meant, which counts."""
    rows = [clip(f"Football/v{one}.mp4", CONTENT) for one in range(4)]
    annotations = write_lines(tmp_path / "annotations.jsonl", rows)
    said = [chunk("v0.mp4", 0, 100, ITEMS), chunk("v1.mp4", 0, 100, []), chunk("v2.mp4", 100, 200, ITEMS)]
    predictions = write_lines(tmp_path / "predictions.jsonl", said)
    found = time_commentary(predictions, annotations)
    assert (found.videos, found.left_out) == (2, 2)
    assert found.timeliness.counts == (10, 5, 2, 1, 1)
    other = write_lines(tmp_path / "other.jsonl", [chunk("v9.mp4", 0, 100, ITEMS)])
    with pytest.raises(InputError, match="covers no video"):
        time_commentary(other, annotations)


def test_clips_are_no_videos(tmp_path: Path) -> None:
    predictions, _ = files(tmp_path, chunk("v0.mp4", 0, 100, ITEMS))
    clips = write_lines(tmp_path / "clips.jsonl", [clip("Football/v0.mp4", CONTENT)] * 2)
    with pytest.raises(InputError, match=r"Line 2 of .*v0\.mp4.* again.*eval_all_metadata\.jsonl"):
        time_commentary(predictions, clips)


@pytest.mark.parametrize(("late", "f1"), [(0, 1.0), (4, 0.2)])
def test_matches_of_the_simulator(tmp_path: Path, late: int, f1: float) -> None:
    """Guards the times of the benchmark of matches: a perfect commentary is in time, a late one is late by that."""

    def said(seed: int, texts: Seconds) -> Seconds:
        return perfect(seed, ("",) * late + tuple(texts[: len(texts) - late]))

    annotations, _ = write_annotations(tmp_path, (7, 8), 400, 100)
    predictions = write_commentary(tmp_path / "predictions.jsonl", changed((7, 8), 400, said), 100)
    found = time_commentary(predictions, annotations).timeliness
    assert found.overall.f1.value is not None
    assert found.delay.median is not None
    assert found.overall.f1.value == 1 if late == 0 else found.overall.f1.value <= f1
    assert abs(found.delay.median - late) < 0.5
