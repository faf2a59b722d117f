"""Totals over the rounds of one source, wherever they were computed. Imports no torch."""

from dataclasses import dataclass, field

from svlm_cli.core.events import RoundEnded
from svlm_cli.core.text import says_something
from svlm_cli.pipeline.latency import Latency


@dataclass(slots=True, eq=False)
class RoundTotals:
    """What the rounds so far add up to."""

    rounds: int = 0
    spoken: int = 0  # rounds with words
    video_s: float = 0.0  # seconds captioned
    gap_s: float = 0.0  # seconds missed because the source showed nothing
    dropped: int = 0  # frames dropped because the model was too slow
    latency: Latency = field(default_factory=Latency)  # of live sources

    def add(self, ended: RoundEnded) -> None:
        """Add a round."""
        self.rounds += 1
        self.spoken += says_something(ended.text)
        self.video_s += ended.end_s - ended.start_s
        self.gap_s += ended.gap_s
        self.dropped += ended.dropped
        if ended.latency_s is not None:
            self.latency.add(ended.latency_s)
