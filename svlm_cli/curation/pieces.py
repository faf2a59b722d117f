"""Cuts endless audio into pieces for a recogniser, at quiet places. Knows no recogniser."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from svlm_cli.media.sound import RATE, SAMPLE_BYTES

_WINDOW: Final = RATE // 5  # in samples, for measuring loudness
_SEARCHED: Final = 1 / 3  # the last part of a piece, in which to cut


@dataclass(frozen=True, slots=True)
class Piece:
    """Samples from ffmpeg, and the time of the first."""

    start_s: float
    pcm: bytes

    @property
    def seconds(self) -> float:
        """The duration."""
        return len(self.pcm) / (RATE * SAMPLE_BYTES)


def cut(blocks: Iterable[bytes], longest_s: float) -> Iterator[Piece]:
    """Pieces of at most `longest_s`; holds at most one piece and a block in memory."""
    most, held, start = round(longest_s * RATE) * SAMPLE_BYTES, bytearray(), 0
    for block in blocks:
        held += block
        while len(held) >= most:
            end = _quiet(held[:most])
            yield Piece(start / (RATE * SAMPLE_BYTES), bytes(held[:end]))
            start += end
            del held[:end]
    if held:
        yield Piece(start / (RATE * SAMPLE_BYTES), bytes(held[: len(held) // SAMPLE_BYTES * SAMPLE_BYTES]))


def _quiet(pcm: bytearray) -> int:
    """Where to cut, in bytes: the middle of the quietest window in the last part."""
    samples = np.frombuffer(bytes(pcm), np.int16).astype(np.float64)
    first = round(len(samples) * (1 - _SEARCHED))
    energy = np.concatenate(([0.0], np.cumsum(samples[first:] ** 2)))
    if len(energy) <= _WINDOW:
        return len(pcm)
    quietest = int(np.argmin(energy[_WINDOW:] - energy[:-_WINDOW]))
    return (first + quietest + _WINDOW // 2) * SAMPLE_BYTES
