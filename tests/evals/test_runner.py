"""Matches through the engine: all of them, in step with their seconds, and as if each were alone."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from svlm_cli.core.policy import Mode, StreamPolicy, VisionPolicy
from svlm_cli.core.types import Segment, TokenEvent
from svlm_cli.engine.decode import Observer
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.plan import Request
from svlm_cli.evals.controls import run_controls
from svlm_cli.evals.predictions import by_second
from svlm_cli.evals.report import score
from svlm_cli.evals.runner import MatchSelection, Played, play
from svlm_cli.evals.script import Script, write_scripts
from tests.engine.conftest import small_policy

SEED = 20


def world_policy(mode: Mode = Mode.STREAMING, *, tokens: int = 6) -> StreamPolicy:
    return replace(small_policy(mode=mode, tokens=tokens), vision=VisionPolicy(2.0, 28 * 28, 32 * 28 * 28))


def engine(folder: Path, policy: StreamPolicy, streams: int) -> Engine:
    return Engine.load(folder, policy, device=torch.device("cpu"), dtype=torch.float32, max_streams=streams)


def texts(played: Played, seconds: int) -> list[tuple[str, ...]]:
    return [by_second(((one.end_s, one.text) for one in said), seconds) for said in played.said]


def test_a_minute_of_two_matches(tiny_checkpoint: Path) -> None:
    heard: list[tuple[int, Segment]] = []
    told: list[int] = []
    played = play(
        engine(tiny_checkpoint, world_policy(), 2),
        MatchSelection(2, 60, SEED),
        listen=lambda match, segment: heard.append((match, segment)),
        progress=lambda rounds, round_s: told.append(rounds),
    )
    assert [[segment.end_s for segment in said] for said in played.said] == [
        [float(second) for second in range(1, 61)]
    ] * 2
    assert played.ended == ()
    assert told == list(range(1, 61))
    assert [segment for match, segment in heard if match == 1] == list(played.said[1])
    timing = played.timing
    assert timing.rounds == 60
    assert len(timing.round_s_by_fifth) == 5
    assert len(timing.round_s_by_minute) == 1
    assert timing.round_s_median is not None
    assert timing.tokens_per_round is not None
    assert 0 < timing.tokens_per_round <= 6


def test_a_match_in_a_batch_is_as_if_alone(tiny_checkpoint: Path) -> None:
    """Guards against contexts or pictures of one match in the stream of another."""
    together = play(engine(tiny_checkpoint, world_policy(), 2), MatchSelection(2, 20, SEED))
    alone = play(engine(tiny_checkpoint, world_policy(), 1), MatchSelection(1, 20, SEED + 1))
    assert texts(together, 20)[1] == texts(alone, 20)[0]
    assert texts(together, 20)[0] != texts(together, 20)[1]


def test_batches_are_played_one_after_the_other(tiny_checkpoint: Path) -> None:
    """Guards seeds, listeners and progress of a later batch; the last one may be smaller."""
    said: list[tuple[int, int]] = []
    done: list[int] = []
    together = play(engine(tiny_checkpoint, world_policy(), 3), MatchSelection(3, 20, SEED))
    apart = play(
        engine(tiny_checkpoint, world_policy(), 2),
        MatchSelection(3, 20, SEED),
        listen=lambda match, segment: said.append((match, segment.round)),
        progress=lambda rounds, _: done.append(rounds),
    )
    assert texts(apart, 20) == texts(together, 20)
    assert sorted(said) == [(match, round_) for match in range(3) for round_ in range(20)]
    assert done == list(range(1, 41))
    assert apart.timing.rounds == 40


class Prompter(Engine):
    """An engine that says what it is told to, by the script of each stream's match."""

    scripts: Sequence[Script] = ()

    def step(self, requests: Sequence[Request], *, observe: Observer | None = None) -> Iterator[TokenEvent | Segment]:
        prompted = []
        for request in requests:
            text = self.scripts[request.stream.slot].texts[request.stream.rounds]
            ids = self.prompt.text_ids(text + self.policy.prompt.marker)
            prompted.append(replace(request, forced_ids=(*ids, *self.prompt.tail[:1])))
        return super().step(prompted, observe=observe)


def test_words_reach_the_second_that_they_were_said_in(tiny_checkpoint: Path) -> None:
    """Guards the whole chain against being a second off, or a match off: one who says the reference scores 1."""
    scripts = write_scripts([(SEED, 60), (SEED + 1, 60)])
    controls = run_controls(scripts)
    prompter = Prompter.load(
        tiny_checkpoint,
        world_policy(tokens=90),
        device=torch.device("cpu"),
        dtype=torch.float32,
        max_streams=2,
    )
    prompter.scripts = scripts
    played = play(prompter, MatchSelection(2, 60, SEED))
    report = score(scripts, texts(played, 60), controls)
    assert {one.value for one in report.evaluation.overall.estimates().values()} <= {1.0, None}
    assert report.evaluation.overall.event_f1.value == 1
    assert all(kind.true == kind.said == kind.hit for kind in report.kinds)
    assert score(scripts, texts(played, 60)[::-1], controls).evaluation.overall.event_f1.value != 1


def test_a_match_whose_cache_is_full_falls_silent(tiny_checkpoint: Path) -> None:
    """Guards `full`, the row of the table that breaks: it ends by itself, and says when and why."""
    policy = world_policy(Mode.FULL)
    policy = replace(policy, windows=replace(policy.windows, full_tokens=700))
    played = play(engine(tiny_checkpoint, policy, 2), MatchSelection(2, 60, SEED))
    assert {one.seed for one in played.ended} == {SEED, SEED + 1}
    assert all("room for 700" in one.why for one in played.ended)
    for one, said in zip(sorted(played.ended, key=lambda one: one.seed), played.said, strict=True):
        assert 5 < len(said) == one.at_s < 30
    assert 5 < played.timing.rounds < 30
    assert played.timing.round_s_by_fifth[-1] is None
    assert "" in texts(played, 60)[0]


def test_rounds_of_other_lengths(tiny_checkpoint: Path) -> None:
    """Guards against a second that is taken for a round."""
    policy = replace(world_policy(), chunk_seconds=2.0)
    played = play(engine(tiny_checkpoint, policy, 1), MatchSelection(1, 20, SEED))
    assert [segment.end_s for segment in played.said[0]] == [2.0 * one for one in range(1, 11)]
    spoken = texts(played, 20)[0]
    assert not any(itertools.chain(*spoken[::2]))


@pytest.mark.parametrize("seconds", [1, 3])
def test_matches_shorter_than_five_rounds(tiny_checkpoint: Path, seconds: int) -> None:
    played = play(engine(tiny_checkpoint, world_policy(), 1), MatchSelection(1, seconds, SEED))
    assert played.timing.rounds == seconds
    assert None in played.timing.round_s_by_fifth
