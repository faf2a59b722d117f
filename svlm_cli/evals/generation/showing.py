"""Shows a stretch to an engine: its pictures as a feed, and each round as it is said.

Knows neither what becomes of the rounds nor other stretches.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from svlm_cli.core.errors import InputError, SvlmError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.types import Chunk, Segment
from svlm_cli.evals.generation.journal import SaidRound
from svlm_cli.evals.generation.record import NEARLY_S, StretchEnding
from svlm_cli.evals.generation.stretches import StreamSeed, VideoStretch
from svlm_cli.outputs.output import Round
from svlm_cli.pipeline.chunker import chunks
from svlm_cli.pipeline.run import Feed
from svlm_cli.sources.files import FrameStream, open_frames
from svlm_cli.sources.sequential import Reading


@dataclass(slots=True, eq=False)
class ShownStretch:
    """A stretch on its way through an engine: the output of its feed. `told` is called with each new round."""

    stretch: VideoStretch
    told: Callable[[SaidRound], None]
    repeated: int = 0  # rounds said before that the stream has to replay
    frames: FrameStream | None = None  # None until they are open
    over_s: float | None = None  # set if the video ends before the first round

    def write(self, segment: Round) -> None:
        """Tell a round. Raises what `told` raises."""
        assert isinstance(segment, Segment), "its tokens are told too"
        if self.repeated:
            self.repeated -= 1
            return
        self.told(SaidRound(segment.start_s, segment.end_s, segment.text, segment.token_ids))

    def close(self, *, complete: bool = True) -> None:
        """No more rounds come."""

    def feed(
        self,
        policy: StreamPolicy,
        begins: StreamSeed,
        said: Sequence[tuple[int, ...]] = (),
        *,
        start_s: float | None = None,
        snapshot: Path | None = None,
    ) -> Feed:
        """Its feed, in which the rounds `said` before are replayed, from `start_s` if a snapshot is of that moment."""
        reading, stretch = Reading(), self.stretch
        self.repeated = len(said)

        def close() -> None:
            reading.stop()
            if self.frames is not None:
                self.frames.close()

        return Feed(
            stretch.key,
            self._chunks(policy, stretch.start_s if start_s is None else start_s, reading),
            close,
            lambda: [self],
            query=begins.query,
            context=stretch.context,
            seed=stretch.seed(begins.seed),
            snapshot=snapshot,
            replayed=iter(said),
        )

    def ending(self, error: SvlmError | None) -> StretchEnding:
        """How it ended, once its feed has."""
        if self.frames is None:
            return StretchEnding(error, over_s=self.over_s)
        return StretchEnding(
            error, tuple(self.frames.notices), self.frames.truncated, self.frames.duration_s, self.over_s
        )

    def _chunks(self, policy: StreamPolicy, start_s: float, reading: Reading) -> Iterator[Chunk]:
        """Its chunks. A video is opened in its reader's thread, so that many can be opened at once."""
        try:
            self.frames = open_frames(
                self.stretch.path,
                fps=policy.vision.fps,
                start_s=start_s,
                end_s=self.stretch.end_s,
                enough_pixels=policy.vision.enough_pixels,
                reading=reading,
            )
        except InputError:
            if reading.duration_s is None or reading.duration_s >= start_s + NEARLY_S:
                raise
            self.over_s = reading.duration_s
            return
        with self.frames:
            yield from chunks(self.frames, fps=policy.vision.fps, chunk_seconds=policy.chunk_seconds)
