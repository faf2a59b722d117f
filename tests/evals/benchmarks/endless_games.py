"""Benchmarks of simulated matches without their videos, and commentaries of them: the reference, better or worse."""

import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from svlm_cli.evals.benchmarks.endless import CLIP_S, AnnotatedMatch, annotate
from svlm_cli.evals.script import Script, write_script
from svlm_cli.simulator.match.match import Match, Split
from tests.evals.benchmarks.miniature import chunk, item, write_lines

Seconds = Sequence[str]
"""What is said in each second of a match."""

Change = Callable[[int, Seconds], Seconds]
"""A match's seed and its reference, to another commentary of it."""


def write_annotations(folder: Path, seeds: Sequence[int], seconds: int, start_s: int = 0) -> tuple[Path, Path]:
    """``eval_all_metadata.jsonl`` and ``score_all_clips.jsonl``."""
    matches = [_annotated(seed, seconds, start_s) for seed in seeds]
    metadata = [one.metadata for one in matches if one.metadata is not None]
    clips = [row for one in matches for row in one.clips]
    return write_lines(folder / "eval_all_metadata.jsonl", metadata), write_lines(
        folder / "score_all_clips.jsonl", clips
    )


@cache
def _annotated(seed: int, seconds: int, start_s: int) -> AnnotatedMatch:
    return annotate(Match(seed, Split.EVAL), seconds, start_s)


def write_commentary(path: Path, said: Mapping[int, Seconds], start_s: int = 0) -> Path:
    """Predictions: what is said of each match, by its seed, from `start_s` on."""
    rows: list[dict[str, Any]] = []
    for seed, texts in said.items():
        for start in range(start_s, len(texts), CLIP_S):
            end = min(start + CLIP_S, len(texts))
            items = [item(texts[second].strip(), second + 1.0) for second in range(start, end) if texts[second]]
            rows.append(chunk(f"{seed}.mp4", start, end, items))
    return write_lines(path, rows)


@cache
def _script(seed: int, seconds: int) -> Script:
    return write_script(seed, seconds)


def changed(seeds: Sequence[int], seconds: int, change: Change) -> dict[int, Seconds]:
    """A commentary of each match, made of its reference."""
    return {seed: change(seed, _script(seed, seconds).texts) for seed in seeds}


def perfect(seed: int, texts: Seconds) -> Seconds:
    """The reference itself."""
    return texts


def late(seed: int, texts: Seconds) -> Seconds:
    """20 s late."""
    return ("",) * 20 + tuple(texts[:-20])


def shuffled(seed: int, texts: Seconds) -> Seconds:
    """The right sentences, in any order."""
    sentences = [f" {sentence.strip()}." for sentence in "".join(texts).split(".") if sentence.strip()]
    random.Random(seed).shuffle(sentences)
    coming = iter(sentences)
    return tuple(next(coming) if text.endswith(".") else "" for text in texts)


def wrong_team(seed: int, texts: Seconds) -> Seconds:
    """Each event, of the other team."""
    home, away = _script(seed, len(texts)).teams
    return tuple(text.replace(home, "\0").replace(away, home).replace("\0", away) for text in texts)


def empty(seed: int, texts: Seconds) -> Seconds:
    """Silence."""
    return ("",) * len(texts)
