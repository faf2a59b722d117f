"""Reads a stretch of video up to a last moment, in the thread that shows it.

Knows neither questions nor engines.
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.types import Chunk, Frame
from svlm_cli.evals.benchmarks.footage import Footage
from svlm_cli.evals.vqa.asked import NEARLY_S
from svlm_cli.pipeline.asking import until
from svlm_cli.pipeline.chunker import chunks
from svlm_cli.sources.files import FrameStream, open_frames
from svlm_cli.sources.pictures import PictureFolder
from svlm_cli.sources.sequential import Reading


@dataclass(slots=True, eq=False)
class Watching:
    """From the start of `footage` to `last_s`, ignoring its own end; infinite: to the end of the file."""

    footage: Footage
    last_s: float
    frames: FrameStream | None = None  # None until the file is open
    _reading: Reading = field(default_factory=Reading)

    def chunks(self, policy: StreamPolicy) -> Iterator[Chunk]:
        """What is seen by the last moment. Raises `InputError`."""
        with ExitStack() as stack:
            frames = self._open(policy, stack)
            yield from until(chunks(frames, fps=policy.vision.fps, chunk_seconds=policy.chunk_seconds), self.last_s)

    def close(self) -> None:
        """End the reading, from any thread."""
        self._reading.stop()
        if self.frames is not None:
            self.frames.close()

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences for the user, complete at the end."""
        return tuple(self.frames.notices) if self.frames else ()

    def unseen(self, at_s: float, end_s: float) -> bool:
        """Whether the file is truncated, and a question at `at_s` needs more than a stream up to `end_s` has seen."""
        return self.frames is not None and self.frames.truncated and at_s > end_s + NEARLY_S

    def _open(self, policy: StreamPolicy, stack: ExitStack) -> Iterator[Frame]:
        """Opens the video in its reader's thread, so that many can be opened at once."""
        footage = self.footage
        end_s = self.last_s + policy.chunk_seconds if math.isfinite(self.last_s) else None
        if footage.frames_fps is not None:
            return PictureFolder(footage.path, footage.frames_fps).frames(footage.start_s, end_s)
        self.frames = stack.enter_context(
            open_frames(
                footage.path,
                fps=policy.vision.fps,
                start_s=footage.start_s,
                end_s=end_s,
                enough_pixels=policy.vision.enough_pixels,
                reading=self._reading,
            )
        )
        return self.frames
