"""Matches written by hand: what is said is all that happened."""

import json
from collections.abc import Sequence
from pathlib import Path

from svlm_cli.evals.match import Truth
from svlm_cli.evals.reading import read
from svlm_cli.evals.script import Script
from svlm_cli.simulator.match.events import Score

TEAMS = ("Falvon", "Torbek")
GOAL_AT_S = 10.5
TEXTS = (
    *(" Falvon kick off.", " Falvon pass it", " forward.", "", " Torbek win it", " back.", " Torbek run with", " it."),
    *(
        "",
        " Torbek shoot.",
        "",
        " Goal for Torbek,",
        " nil one.",
        "",
        "",
        " Falvon kick off.",
        "",
        "",
        " Still nil one.",
        "",
    ),
)


def script(texts: Sequence[str] = TEXTS, scores: Sequence[tuple[float, Score]] = ((GOAL_AT_S, (0, 1)),)) -> Script:
    """A match of which all this is true."""
    return Script(7, TEAMS, Truth(read(texts, TEAMS), tuple(scores)), tuple(texts))


def caption_file(path: Path, texts: tuple[str, ...]) -> Path:
    """As `svlm caption -f jsonl` writes it, a second a round."""
    rounds = [{"start": second, "end": second + 1.0, "text": text} for second, text in enumerate(texts)]
    path.write_text("".join(f"{json.dumps(one)}\n" for one in rounds), encoding="utf-8")
    return path
