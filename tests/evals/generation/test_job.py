"""What a call of `generate` tells of its files, and that it loads no model for nothing."""

from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError, ModelError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.engine.engine import Engine
from svlm_cli.evals.generation.job import GenerationJob, StreamGeneration
from svlm_cli.evals.generation.predictions import EventPredictions
from svlm_cli.evals.generation.run import in_batches
from svlm_cli.evals.generation.setting import StreamSetting
from svlm_cli.evals.generation.stretches import FoundStretches, StreamSeed, VideoStretch
from tests.reporters import KeepingReporter

GONE = InputError("There is no v/gone.mp4.", "Fetch it.")
SETTING = StreamSetting("livesports", "tiny", "0", "float32", StreamPolicy(), "Comment.", 0, "0")


def _job(folder: Path, *missing: InputError, stretches: tuple[VideoStretch, ...] = ()) -> GenerationJob:
    found = FoundStretches(stretches, missing, ("A row is odd.",))
    return GenerationJob("livesports", folder / "a.jsonl", folder / "pred.jsonl", found, EventPredictions)


def test_what_is_missing_is_told_once_and_fatal_if_it_is_all(tmp_path: Path) -> None:
    """Guards events, of which many share a video."""
    event = VideoStretch("a", tmp_path / "a.mp4", 0.0, 4.0, "", event_id="1")
    reporter = KeepingReporter()
    _job(tmp_path, GONE, GONE, stretches=(event,)).tell_found(reporter)
    assert (reporter.told, reporter.warned) == (["A row is odd."], ["There is no v/gone.mp4. Fetch it."])
    with pytest.raises(InputError, match="There is no v/gone"):
        _job(tmp_path, GONE, GONE).tell_found(reporter)
    with pytest.raises(InputError, match="None of 2 videos is there"):
        _job(tmp_path, GONE, InputError("There is no v/x.mp4.")).tell_found(reporter)


def test_a_model_is_loaded_only_if_something_is_left(tmp_path: Path) -> None:
    """Guards minutes of loading for a file that is complete; what was missing stays an error of the call."""

    def load(streams: int, context: str) -> Engine:
        raise ModelError(f"Loaded for {streams} streams of {context!r}.")

    reporter = KeepingReporter()
    run = StreamGeneration(_job(tmp_path, GONE), SETTING, in_batches(load, StreamSeed(0), 4), reporter)
    outcome, left = run.run(overwrite=False)
    assert (left, outcome.errors, outcome.rounds) == ([], [GONE], 0)
    assert reporter.told == [f"{tmp_path / 'pred.jsonl'} is complete: there is nothing to do."]
    event = VideoStretch("a", tmp_path / "a.mp4", 0.0, 4.0, "Here they come.", event_id="1")
    run = StreamGeneration(_job(tmp_path, stretches=(event,)), SETTING, in_batches(load, StreamSeed(0), 4), reporter)
    with pytest.raises(ModelError, match=r"Loaded for 1 streams of 'Here they come\.'"):
        run.run(overwrite=False)
