"""The log of a run: lines for people, JSON for plots, nothing twice after a kill."""

import json
from pathlib import Path

import pytest
import torch

from svlm_cli.training.layout import Role
from svlm_cli.training.log import TrainingLog

FIGURES = {"loss": 2.0, "grad_norm": 1.0, "learning_rate": 1e-3}


def test_a_step_is_a_line_and_a_row(tmp_path: Path) -> None:
    """Guards the shares of right tokens, each over its own kind; a kind that did not occur is left out."""
    said: list[str] = []
    tally = torch.zeros(len(Role), 3)
    tally[Role.FIRST] = torch.tensor([4.0, 8.0, 1.0])
    tally[Role.SILENCE] = torch.tensor([10.0, 1.0, 10.0])
    log = TrainingLog(tmp_path / "log.jsonl", first_step=0, steps=9, say=said.append)
    log.note(3, FIGURES, tally, tokens=1000, waited_s=0.0)
    row = json.loads((tmp_path / "log.jsonl").read_text())
    assert row["step"] == 3
    assert (row["first_word"], row["silence"]) == (0.25, 1.0)
    assert "words" not in row
    assert row["tokens_per_s"] == pytest.approx(1000 / 3 * row["steps_per_s"])
    assert said[0].startswith("step 3/9  loss 2.0000  first_word 0.250  silence 1.000  norm 1.00  lr 1.00e-03")


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
    log.note(9, FIGURES, tally, tokens=1000, waited_s=0.0)
    assert log.learned == {"loss": 2.0, "words": 0.75}
    assert TrainingLog(tmp_path / "log.jsonl", first_step=9, steps=9).learned == log.learned
