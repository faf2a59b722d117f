"""The log of a run: lines for people, JSON for plots, nothing twice after a kill."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from svlm_cli.training.layout import Role
from svlm_cli.training.log import Row, StepCost, TrainingLog, rows_of

FIGURES = {"loss": 2.0, "grad_norm": 1.0, "learning_rate": 1e-3}


def test_a_step_is_a_line_and_a_row(tmp_path: Path) -> None:
    """Guards the shares of right tokens, each over its own kind; a kind that did not occur is left out."""
    said: list[str] = []
    tally = torch.zeros(len(Role), 3)
    tally[Role.FIRST] = torch.tensor([4.0, 8.0, 1.0])
    tally[Role.SILENCE] = torch.tensor([10.0, 1.0, 10.0])
    log = TrainingLog(tmp_path / "log.jsonl", first_step=0, steps=9, say=said.append)
    log.note(3, FIGURES, tally, StepCost(1000, flops=6e12, ranks=2, peak_bytes=71_200_000_000))
    row = json.loads((tmp_path / "log.jsonl").read_text())
    assert row["step"] == 3
    assert (row["first_word"], row["silence"]) == (0.25, 1.0)
    assert "words" not in row
    assert row["tokens_per_s"] == pytest.approx(1000 / 3 * row["steps_per_s"])
    assert row["tflops_per_s"] == pytest.approx(3 / 3 * row["steps_per_s"]), "of one of the two GPUs"
    assert row["peak_bytes"] == 71_200_000_000
    assert said[0].startswith("step 3/9  loss 2.0000  first_word 0.250  silence 1.000  norm 1.00  lr 1.00e-03")
    assert re.search(r" k tokens/s  \S+ TFLOP/s  71\.2 GB  waited 0%$", said[0])
    log.note(4, FIGURES, tally, StepCost(1000))
    assert "peak_bytes" not in rows_of(tmp_path / "log.jsonl")[-1], "a CPU"
    assert re.search(r" TFLOP/s  waited 0%$", said[1])


def test_held_out_windows_are_rows_of_their_own(tmp_path: Path) -> None:
    """Guards the loss by role, each over its own tokens, and the figures of the last step, which stay those of it."""
    said: list[str] = []
    seen: list[Row] = []
    log = TrainingLog(tmp_path / "log.jsonl", first_step=0, steps=9, say=said.append, watchers=[seen.append])
    tally = torch.zeros(len(Role), 3)
    tally[Role.WORD] = torch.tensor([4.0, 8.0, 3.0])
    log.note(3, FIGURES, tally, StepCost(1000))
    tally[Role.SILENCE] = torch.tensor([12.0, 1.2, 12.0])
    log.note_held_out(3, tally, best=True)
    expected = {
        "held_out_loss": 9.2 / 16,
        "held_out_loss_silence": 0.1,
        "held_out_loss_words": 2.0,
        "held_out_silence": 1.0,
        "held_out_words": 0.75,
    }
    first, second = rows_of(tmp_path / "log.jsonl")
    assert second == pytest.approx({"step": 3, **expected})
    assert seen == [first, second]
    assert said[1] == "step 3/9  held-out loss 0.5750  silence 0.1000  words 2.0000  (the best so far)"
    assert log.learned == pytest.approx({"loss": 2.0, "words": 0.75, **expected})
    assert TrainingLog(tmp_path / "log.jsonl", first_step=3, steps=9).learned == log.learned


def test_what_was_no_training_does_not_make_it_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards tokens a second against the time that held-out windows take."""
    moments_s = iter([10.0, 11.5])
    monkeypatch.setattr("svlm_cli.training.log.time", SimpleNamespace(perf_counter=lambda: next(moments_s)))
    log = TrainingLog(tmp_path / "log.jsonl", first_step=0, steps=9, say=lambda line: None)
    log.leave_out(1.0)
    log.note(1, FIGURES, torch.zeros(len(Role), 3), StepCost(1000))
    assert rows_of(tmp_path / "log.jsonl")[0]["tokens_per_s"] == 1000 / 0.5


def test_what_happens_again_is_logged_once(tmp_path: Path) -> None:
    """Guards curves with two values a step, and the half line that a killed run leaves."""
    path = tmp_path / "log.jsonl"
    path.write_text("".join(f'{{"step": {step}}}\n' for step in range(1, 6)) + '{"ste')
    TrainingLog(path, first_step=3, steps=9, say=lambda line: None)
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [1, 2, 3]


def test_what_was_learned_is_known_after_the_last_step(tmp_path: Path) -> None:
    """Guards the card: of a run that was killed at its very end it says the same, and never how fast a machine was."""
    tally = torch.zeros(len(Role), 3)
    tally[Role.WORD] = torch.tensor([4.0, 8.0, 3.0])
    log = TrainingLog(tmp_path / "log.jsonl", first_step=0, steps=9, say=lambda line: None)
    assert log.learned == {}
    log.note(9, FIGURES, tally, StepCost(1000))
    assert log.learned == {"loss": 2.0, "words": 0.75}
    assert TrainingLog(tmp_path / "log.jsonl", first_step=9, steps=9).learned == log.learned
