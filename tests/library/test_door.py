"""Wrong values are refused at once, in a sentence, before anything is loaded or opened."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from svlm_cli import (
    Frame,
    Mode,
    ModelError,
    SourceOptions,
    SourceStatus,
    State,
    StreamPolicy,
    UsageError,
    caption,
    load_engine,
)
from svlm_cli.commands.options import DtypeName
from svlm_cli.core.policy import PolicyOverrides
from svlm_cli.engine.engine import Engine
from svlm_cli.library.captions import CaptionControl
from svlm_cli.library.door import known_mode
from svlm_cli.library.frames import timed_frames
from tests.clips import numbered

PICTURE = np.zeros((8, 8, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"fps": fps} for fps in (0, -1, math.nan, math.inf, "2", True)),
        *({"temperature": temperature} for temperature in (-0.1, math.nan, "hot")),
        *({"max_streams": count} for count in (0, -1, 1.5, "2", True)),
        *({"questions": count} for count in (-1, 1.5, None)),
        *({"mode": mode} for mode in ("foo", 3, "STREAMING")),
        *({"device": device} for device in ("tpu", 0, None)),
        *({"dtype": dtype} for dtype in ("int8", None)),
        {"model": 7},
        {"revision": 7},
        *({"policy": policy} for policy in (7, {"mode": "full"}, "gone.toml")),
        {"offline": "no"},
    ],
    ids=str,
)
def test_no_engine_is_loaded_with(wrong: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "load", lambda *_, **__: pytest.fail("it was loaded"))
    with pytest.raises(UsageError) as refused:
        load_engine(**wrong)
    assert refused.value.message.endswith(".")


@pytest.mark.parametrize(
    "wrong",
    [
        *({"source": source} for source in (None, 7, b"clip.mp4", bytearray(1), "", 1.5)),
        *({"start_s": time_s} for time_s in (-1, math.nan, math.inf, "1", True)),
        *({"end_s": time_s} for time_s in (-1, math.nan, "1")),
        {"start_s": 2, "end_s": 1},
        {"start_s": 2, "end_s": 2},
        *({"seed": seed} for seed in (-1, 0.5, None, "1")),
        *({"query": query} for query in (7, b"why")),
        *({"context": context} for context in (None, 7)),
        *({"model": model} for model in (7, PICTURE, Engine)),
        {"fps": 25},
        *({"source": [PICTURE], "fps": fps} for fps in (0, -1, math.nan, "25")),
        {"options": {"waits": True}},
        {"source": [PICTURE], "options": SourceOptions()},
        {"options": SourceOptions(stall_timeout_s=0)},
        {"on_status": "print"},
    ],
    ids=",".join,
)
def test_nothing_is_captioned_with(wrong: dict[str, Any]) -> None:
    """At the call: whoever asks for the first segment much later would look for the mistake there."""
    with pytest.raises(UsageError) as refused:
        caption(**{"source": "clip.mp4", **wrong})
    assert refused.value.message.endswith(".")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: timed_frames([PICTURE], None, start_s=None, end_s=None), "is a picture without a time"),
        (lambda: timed_frames([Frame(PICTURE, 0)], 25, start_s=None, end_s=None), "a time of its own"),
        (lambda: timed_frames([Frame(PICTURE, math.nan)], None, start_s=None, end_s=None), "time of frame 0 is nan"),
        (lambda: timed_frames([PICTURE[:0]], 25, start_s=None, end_s=None), "is not a picture"),
    ],
    ids=["no-time", "two-times", "nan", "empty"],
)
def test_frames_are_refused(wrong: Callable[[], Any], said: str) -> None:
    """Ten seconds of bare pictures became two minutes."""
    with pytest.raises(UsageError, match=said):
        list(wrong())


def test_a_mode_may_be_named() -> None:
    assert [known_mode(mode.value) for mode in Mode] == list(Mode)
    assert known_mode(Mode.FULL) is Mode.FULL


def test_types_know_what_the_code_knows() -> None:
    """A new mode or number format that type checkers refuse would be half there."""
    hints = {name: one.annotation for name, one in signature(load_engine).parameters.items()}
    assert re.findall(r"'([\w-]+)'", hints["mode"]) == list(Mode)
    assert get_args(hints["dtype"]) == get_args(DtypeName)


def test_a_policy_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole one, or a file over the model's own; what is said in the call wins over both."""
    asked: list[StreamPolicy] = []
    monkeypatch.setattr(Engine, "load", lambda folder, policy, **_: asked.append(policy))
    (tmp_path / "my.toml").write_text("[windows]\nsink_tokens = 7\n[vision]\nfps = 4.0\n")
    load_engine()
    load_engine(policy=tmp_path / "my.toml", mode="full")
    load_engine(policy=StreamPolicy(), fps=8)
    own, laid_over, whole = asked
    assert laid_over == own.changed(PolicyOverrides(mode=Mode.FULL, fps=4.0, sink_tokens=7))
    assert whole == StreamPolicy().changed(PolicyOverrides(fps=8))


def test_pictures_get_their_times_from_their_rate() -> None:
    pictures = [numbered(index) for index in range(50)]
    frames = list(timed_frames(pictures, 25, start_s=0.4, end_s=1.2))
    assert [round(frame.time_s * 25) for frame in frames] == list(range(10, 30))


def test_a_fork_uses_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would wait for ever, for threads that are its parent's."""
    monkeypatch.setattr("svlm_cli.library.door._process", 1)
    for call in (load_engine, lambda: caption("clip.mp4")):
        with pytest.raises(UsageError, match="spawn"):
            call()


def test_an_engine_that_does_not_fit_says_so(tiny_checkpoint: Path) -> None:
    with pytest.raises(ModelError, match="The memory is full"):
        load_engine(tiny_checkpoint, device="cpu", max_streams=10**9)


def test_a_camera_that_cannot_be_reached_is_told_of() -> None:
    """Once, where nobody listens: a program would wait without a word."""
    control = CaptionControl()
    waiting = SourceStatus("front", State.WAITING, "refuses the connection.", retry_s=0.5, failures=1)
    with pytest.warns(UserWarning, match=r"front refuses the connection. .* until max_reconnects failures"):
        control.note(waiting)
    control.note(replace(waiting, failures=2))
    control.note(replace(waiting, connections=1))
    heard: list[SourceStatus] = []
    CaptionControl(heard.append).note(waiting)
    assert heard == [waiting]
