"""Pieces of sound: all of it, none too long, cut where it is quiet."""

from collections.abc import Iterator

import numpy as np
import pytest

from svlm_cli.curation.pieces import cut
from svlm_cli.media.sound import RATE


def noise(seconds: float) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.random.default_rng(1).integers(-9000, 9000, round(seconds * RATE)).astype(np.int16)


def test_nothing_is_lost_and_cuts_are_quiet() -> None:
    """Guards words that a cut would halve, and the times of all pieces but the first."""
    sound = noise(25)
    for at_s in (8.0, 15.5):
        sound[round((at_s - 0.2) * RATE) : round((at_s + 0.2) * RATE)] //= 500
    data = sound.tobytes()
    blocks = [data[start : start + 32_000] for start in range(0, len(data), 32_000)]
    pieces = list(cut(blocks, 10.0))
    assert b"".join(piece.pcm for piece in pieces) == data
    assert [piece.start_s for piece in pieces] == pytest.approx([0.0, 8.0, 15.5], abs=0.15)
    assert max(piece.seconds for piece in pieces) <= 10.0
    assert [piece.start_s for piece in pieces[1:]] == pytest.approx(
        np.cumsum([piece.seconds for piece in pieces])[:-1].tolist()
    )


def test_little_is_held() -> None:
    """Guards memory: an endless sound gives its first piece before more than that was taken."""
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield noise(1.0).tobytes()

    next(cut(endless(), 5.0))
    assert taken == 5


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\0"])
def test_odd_ends(data: bytes) -> None:
    """Guards against half a sample, which numpy would refuse."""
    assert sum(len(piece.pcm) for piece in cut([data] if data else [], 5.0)) == len(data) // 2 * 2
