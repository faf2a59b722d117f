"""Pictures of logs, and TensorBoard: what is drawn, when, and what is not to end a run."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from svlm_cli.core.errors import OutputError, UsageError
from svlm_cli.training import board, curves
from svlm_cli.training.board import Board, require_tensorboard
from svlm_cli.training.curves import Curves, draw, require_curves
from svlm_cli.training.log import Row, to_nobody

ROW = {"loss": 2.0, "words": 0.5, "tokens_per_s": 100.0, "grad_norm": 1.0}


def _rows(steps: int, factor: float = 1.0) -> list[Row]:
    rows: list[Row] = [{"step": step, **ROW, "loss": factor / step} for step in range(1, steps + 1)]
    return [*rows, {"step": steps, "held_out_loss": factor, "held_out_words": 0.25}]


def _words(path: Path) -> set[str]:
    """Comments in the picture name the words that matplotlib draws as lines."""
    return {part.split("-->")[0].strip() for part in path.read_text(encoding="utf-8").split("<!--")[1:]}


def test_one_run_tells_what_was_learned_from_what_was_not(tmp_path: Path) -> None:
    """Guards the picture that people look at: each figure has a place and a name."""
    draw(tmp_path / "one.svg", {"": _rows(9)})
    ET.parse(tmp_path / "one.svg")
    expected = {"learned", "held out", "words", "tokens a second", "norm of the gradient"}
    assert expected <= _words(tmp_path / "one.svg")


def test_several_runs_are_told_by_name(tmp_path: Path) -> None:
    """Guards the comparison of runs; a name is anybody's text, and no markup or formula."""
    draw(tmp_path / "two.svg", {"a<b": _rows(9), "c$d": _rows(4, 2.0)})
    ET.parse(tmp_path / "two.svg")
    assert {"a&lt;b", "c$d"} <= _words(tmp_path / "two.svg")


def test_an_old_log_is_drawn(tmp_path: Path) -> None:
    """Guards logs of earlier versions, which lack figures, and figures that are no numbers."""
    draw(tmp_path / "old.png", {"": [{"step": 1, "loss": float("nan")}, {"step": 2, "loss": 1.0, "words": None}]})
    assert (tmp_path / "old.png").read_bytes().startswith(b"\x89PNG")


def test_a_long_run_has_few_points() -> None:
    """Guards a run of a hundred thousand steps against pictures that take longer than a step."""
    points = np.stack([np.arange(100_000.0)] * 2, axis=1)
    thin = curves._thinned(points)
    assert len(thin) == 1000
    assert thin[0].tolist() == [49.5, 49.5]


def test_it_is_drawn_now_and_then(tmp_path: Path) -> None:
    """Guards quick steps against a picture each; the last rows are drawn in the end."""
    log, picture = tmp_path / "log.jsonl", tmp_path / "new" / "a.svg"
    log.write_text("".join(json.dumps(row) + "\n" for row in _rows(3)))
    seldom, often = Curves(picture, log, to_nobody, every_s=3600), Curves(tmp_path / "b.svg", log, to_nobody, every_s=0)
    for watch in (seldom, often):
        watch({"step": 3})
    assert not picture.exists()
    assert (tmp_path / "b.svg").exists()
    seldom.close()
    assert picture.exists()
    (tmp_path / "b.svg").unlink()
    often.close()
    assert not (tmp_path / "b.svg").exists(), "nothing is new"


def test_a_picture_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    """Guards a run of days against the disk of its picture."""
    log, said = tmp_path / "log.jsonl", list[str]()
    log.write_text("".join(json.dumps(row) + "\n" for row in _rows(3)))
    watch = Curves(log / "a.png", log, said.append, every_s=0)
    watch({"step": 3})
    assert len(said) == 1
    assert "a.png cannot be written" in said[0]
    with pytest.raises(OutputError):
        draw(log / "a.png", {"": _rows(3)})


def test_other_formats_are_refused() -> None:
    """Guards against a run of days without its picture."""
    require_curves(Path("a.PNG"), needed_by="--plot", hint="Choose another.")
    with pytest.raises(UsageError, match=r"a\.jpg is neither a \.png nor an \.svg file"):
        require_curves(Path("a.jpg"), needed_by="--plot", hint="Choose another.")


def test_without_tensorboard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards everyone who has none: one sentence with the way out."""
    monkeypatch.setattr(board, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"--tensorboard needs tensorboard\. Install svlm-cli\[tensorboard\]"):
        require_tensorboard()


@pytest.mark.extra
@pytest.mark.filterwarnings("default")  # of what tensorboard imports
def test_tensorboard_shows_each_step_once(tmp_path: Path) -> None:
    """Guards the curves of a run that was killed and resumed: what happened again replaces what was shown."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for rows in (_rows(4), [{"step": 3, **ROW}, {"step": 4, "held_out_loss": 0.5}]):
        watch = Board(tmp_path)
        for row in rows:
            watch(row)
        watch.close()
    found = EventAccumulator(str(tmp_path))
    found.Reload()
    assert [(one.step, one.value) for one in found.Scalars("learned/loss")] == [(1, 1.0), (2, 0.5), (3, 2.0)]
    assert [(one.step, one.value) for one in found.Scalars("held out/loss")] == [(4, 0.5)]
