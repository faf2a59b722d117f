"""A user's program, which names every type that svlm exports. `mypy --strict` reads it here and in an installation."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from svlm_cli import (
    Captions,
    Credentials,
    Engine,
    Frame,
    InputError,
    Mode,
    Segment,
    SourceOptions,
    SourceStatus,
    State,
    StreamPolicy,
    SvlmError,
    Transport,
    UsageError,
    caption,
    load_engine,
)


def frames() -> Iterator[Frame]:
    """Of the program's own."""
    for index in range(10):
        yield Frame(np.zeros((64, 64, 3), dtype=np.uint8), time_s=index / 25)


def tell(status: SourceStatus) -> None:
    """Hears of a camera."""
    if status.state is State.WAITING:
        print(status.reason)  # noqa: T201 - a user's program


def text_of(segment: Segment) -> str:
    """What a round said."""
    return segment.text


def texts(engine: Engine) -> list[str]:
    """Of sources of every kind."""
    policy: StreamPolicy = engine.policy
    assert policy.mode is Mode.FULL
    options = SourceOptions(credentials=Credentials(Path("logins")), transport=Transport.UDP, waits=True)
    found: list[str] = []
    captions: Captions
    for captions in (
        caption("match.mp4", model=engine, start_s=1, end_s=2.5, seed=3),
        caption(Path("match.mp4"), model=Path("my-model"), query="Say what happens", context="Reds"),
        caption(frames(), model=engine),
        caption([frame.pixels for frame in frames()], fps=25),
        caption("rtsp://camera.example/stream", model=engine, options=options, on_status=tell),
    ):
        with captions as segments:
            found += map(text_of, segments)
        captions.stop()
    return found


def main() -> None:
    """Each error is one of svlm's."""
    try:
        texts(load_engine(Path("my-model"), mode="full", dtype="float32", max_streams=2))
        texts(load_engine("svlm-mini", mode=Mode.FULL, fps=2, temperature=0))
    except (InputError, UsageError) as error:
        raise SystemExit(error.message) from error
    except SvlmError as error:
        raise SystemExit(f"{error} {error.hint}") from error
