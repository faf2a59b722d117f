"""Lets a model caption videos freely, and sets its words beside the true ones, for people to read.

It streams as `svlm caption` does, with greedy decoding. Knows no run and no loss.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from svlm_cli.core.errors import CapacityError, InputError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.text import presentable
from svlm_cli.core.types import Segment
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.plan import Request
from svlm_cli.training.held_out_videos import HeldOutVideo

MOST_S: Final = 120.0  # for all videos, as other ranks wait meanwhile
_SILENCE: Final = "-"


@dataclass(frozen=True, slots=True)
class VideoCaptions:
    """A model's words about a video, second by second, as far as it got, and what stopped it, if anything did."""

    video: HeldOutVideo
    said: tuple[str, ...]
    problem: str = ""


def greedy(policy: StreamPolicy) -> StreamPolicy:
    """The policy with greedy decoding, so that differences come from the weights alone."""
    return replace(policy, sampling=replace(policy.sampling, temperature=0.0))


def hear(engine: Engine, videos: Sequence[HeldOutVideo], *, most_s: float = MOST_S) -> list[VideoCaptions]:
    """Caption one video after another, for at most this long."""
    deadline = time.monotonic() + most_s
    return [_hear(engine, video, deadline, most_s) for video in videos]


def _hear(engine: Engine, video: HeldOutVideo, deadline: float, most_s: float) -> VideoCaptions:
    said: list[str] = []
    try:
        with engine.open(query=video.query, context=video.context) as stream:
            for chunk in video.show():
                if time.monotonic() > deadline:
                    return VideoCaptions(video, tuple(said), f"More than {most_s:g} s are not spent on this.")
                said += [one.text for one in engine.step([Request(stream, chunk)]) if isinstance(one, Segment)]
    except (InputError, CapacityError) as error:
        return VideoCaptions(video, tuple(said), error.message)
    return VideoCaptions(video, tuple(said))


def page(step: int, heard: Sequence[VideoCaptions]) -> str:
    """Plain text: for each second with words, the model's and the true ones."""
    return "\n".join(
        [f"What the model says by itself after step {step}.", *(line for one in heard for line in _video(one))]
    )


def _video(heard: VideoCaptions) -> Iterator[str]:
    video = heard.video
    yield from ("", presentable(video.name), "")
    for second, truth in enumerate(video.said[: len(heard.said)]):
        words = [presentable(text).strip() for text in (heard.said[second], truth)]
        if any(words):
            when = _clock(video.start_s + second)
            yield f"{when}  model: {words[0] or _SILENCE}"
            yield f"{'':{len(when)}}  truth: {words[1] or _SILENCE}"
    if heard.problem:
        yield presentable(heard.problem)


def _clock(time_s: float) -> str:
    minutes, seconds = divmod(int(time_s), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
