"""One round of one stream during decoding. Knows no tensor."""

from dataclasses import dataclass, field

from svlm_cli.core.types import Segment
from svlm_cli.engine.plan import Plan
from svlm_cli.engine.stream import StreamState
from svlm_cli.engine.tokenizer import TextStream


@dataclass(slots=True, eq=False)
class Turn:
    """The tokens and text generated so far."""

    plan: Plan
    text: TextStream
    generated: list[int] = field(default_factory=list)
    done: bool = False

    @property
    def stream(self) -> StreamState:
        """The stream whose round it is."""
        return self.plan.stream

    def segment(self, work_s: float) -> Segment:
        """The finished round. A question's answer is placed at the end of the last chunk."""
        stream, chunk = self.stream, self.plan.request.chunk
        return Segment(
            stream=stream.slot,
            round=stream.rounds - 1,
            start_s=stream.end_s if chunk is None else chunk.start_s,
            end_s=stream.end_s if chunk is None else chunk.end_s,
            text=self.text.text,
            token_ids=tuple(self.generated),
            work_s=work_s,
            wall_clock_s=None if chunk is None else chunk.wall_clock_s,
            container_s=None if chunk is None else chunk.container_s,
            gap_s=0.0 if chunk is None else chunk.gap_s,
            dropped=0 if chunk is None else chunk.dropped,
        )
