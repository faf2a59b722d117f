"""The matches as models see them: the right pictures at the right time, wherever they were drawn."""

import os
from itertools import islice

import numpy as np
import pytest

from svlm_cli.core.policy import StreamPolicy, VisionPolicy
from svlm_cli.core.types import Chunk
from svlm_cli.evals.alterations import Altered, alter
from svlm_cli.evals.world import MatchPlayer, World
from svlm_cli.simulator.match.match import Match, Split
from svlm_cli.simulator.match.render import render

POLICY = StreamPolicy(vision=VisionPolicy(fps=4.0))
PLAYER = MatchPlayer()
SEEDS = (3, 8, 9)
ROUNDS = 12


def rounds(processes: int) -> list[tuple[Chunk, ...]]:
    with World(PLAYER, SEEDS, POLICY, processes=processes) as world:
        return list(islice(world, ROUNDS))


@pytest.mark.parametrize("processes", [0, 2])
def test_a_chunk_shows_its_second(processes: int) -> None:
    """Guards against matches that change places between processes, and frames of another moment."""
    shown = rounds(processes)
    for index, seed in enumerate(SEEDS):
        match = Match(seed, Split.EVAL)
        assert PLAYER.context(seed) == match.context
        pictures = np.concatenate([chunks[index].frames for chunks in shown])
        assert (pictures == render(match.scenes(np.arange(4 * ROUNDS) / 4))).all()
    times = [(chunk.start_s, chunk.end_s) for chunks in shown for chunk in chunks]
    assert times == [(float(second), second + 1.0) for second in range(ROUNDS) for _ in SEEDS]


@pytest.mark.parametrize("processes", [0, 2])
def test_altered_pictures_are_shown(processes: int) -> None:
    """Guards pictures of another size, on their way from a process too."""
    with World(MatchPlayer(Altered.ROTATED), SEEDS, POLICY, processes=processes) as world:
        shown = next(iter(world))
    for seed, chunk in zip(SEEDS, shown, strict=True):
        scenes = Match(seed, Split.EVAL).scenes(np.arange(4) / 4)
        assert (np.stack(chunk.frames) == alter(render(scenes), Altered.ROTATED)).all()


def test_processes_end_with_their_world() -> None:
    """Guards against players that go on behind a command that was interrupted."""
    with World(PLAYER, SEEDS, POLICY, processes=2) as world:
        next(iter(world))
        pids = [worker._process.pid for worker in world._workers]
    assert len(pids) == 2
    for pid in pids:
        assert pid is not None
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_one_match_needs_no_process() -> None:
    with World(PLAYER, [3], POLICY) as world:
        assert len(next(iter(world))) == 1
        assert world._workers == []
