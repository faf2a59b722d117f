"""`svlm bench playback`: that it times what it says."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from svlm_cli.bench.playback import Playback, measure
from svlm_cli.bench.windows import filled_rounds
from svlm_cli.core.errors import UsageError
from svlm_cli.engine.engine import Engine
from svlm_cli.pipeline.chunker import chunks
from svlm_cli.sources.files import open_frames
from tests.clips import make_clip
from tests.conftest import Svlm
from tests.engine.conftest import small_policy


@pytest.fixture(scope="module")
def engine(tiny_checkpoint: Path) -> Engine:
    return Engine.load(tiny_checkpoint, small_policy(), device=torch.device("cpu"), dtype=torch.float32)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds more than fill the windows."""
    seconds = filled_rounds(small_policy()) + 4
    return make_clip(tmp_path_factory.mktemp("playback") / "clip.mp4", frames=30 * seconds)


def play(
    engine: Engine, video: Path, *, rounds: int, progress: Callable[[int], None] = lambda round_: None
) -> Playback:
    fps = engine.policy.vision.fps
    with open_frames(video, fps=fps) as frames:
        source = chunks(frames, fps=fps, chunk_seconds=engine.policy.chunk_seconds)
        return measure(engine, source, frames.close, rounds=rounds, tokens=6, progress=progress)


def test_a_round_is_the_models_work_and_the_wait_for_frames(engine: Engine, video: Path) -> None:
    """Guards a time that is left out, or counted twice."""
    done: list[int] = []
    result = play(engine, video, rounds=3, progress=done.append)
    assert (result.rounds, done) == (3, [0, 1, 2])
    assert (result.width, result.height) == (160, 120), "the file's own"
    assert 0.8 * result.round_s < result.work_s + result.wait_s <= result.round_s
    assert play(engine, video, rounds=100).rounds == 4, "the video ends"


def test_a_short_video_is_a_sentence(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="too short"):
        play(engine, make_clip(tmp_path / "clip.mp4", frames=60), rounds=1)


def test_the_start_of_a_process_is_timed_from_its_first_moment(svlm: Svlm, tiny_checkpoint: Path) -> None:
    """Imports are most of it on a CPU, and a clock that starts after them would hide that."""
    done = svlm("bench", "startup", "--json", "--model", tiny_checkpoint, "--tokens", "2", "--size", "56x56")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    (result,) = report["results"]
    parts = result["import_s"] + result["load_s"] + result["first_word_s"]
    assert report["bench"] == "startup"
    assert result["total_s"] == pytest.approx(parts)
    assert result["import_s"] > result["second_round_s"] > 0
