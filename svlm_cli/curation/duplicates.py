"""Windows in which the same is said as in an earlier one, to the word or nearly.

MinHash: of the hashes of all runs of three words, the least by each of several orders. Two windows that share most runs
agree in most of these; those that agree in a band of four are compared word by word, so none is taken for another.
Memory is bounded: digests are kept, words are not. Knows no file: whoever keeps the windows hands them out again.
"""

import re
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.curation.windows import LeftOut

Hashes = NDArray[np.uint64]

SIMILAR: Final = 0.8
_RUN: Final = 3  # words
_BANDS, _BAND = 4, 4  # of two windows that share 0.9 of their runs, 99 in 100 agree in a band; at 0.8, 88
_NO_WORD = re.compile(r"[\W_]+")
_ODD: Final[Hashes] = np.random.default_rng(0).integers(0, 2**63, 64, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_ORDERS, _JOINS, _PLACES = _ODD[:16], _ODD[16:20], _ODD[20:23]
_HALF: Final = np.uint64(32)


@dataclass(frozen=True, slots=True)
class SaidWindow:
    """A window that is kept, as it is compared."""

    video: str
    start_s: float
    end_s: float
    words: tuple[str, ...]  # `plain`


def plain(words: Sequence[str]) -> tuple[str, ...]:
    """Words without case and punctuation."""
    return tuple(filter(None, map(_plain, words)))


@lru_cache(1 << 17)
def _plain(word: str) -> str:
    return _NO_WORD.sub("", word.casefold())


class SaidBefore:
    """The windows that are kept. `recall` hands out the one that was added as number so and so."""

    def __init__(self, recall: Callable[[int], SaidWindow], *, similar: float = SIMILAR) -> None:
        self._recall = recall
        self._similar = similar
        self._table = DigestTable()

    def add(self, window: SaidWindow, number: int) -> LeftOut | None:
        """Remembers a window, unless it says what another one says. Two that overlap in one video are not compared."""
        digests = digests_of(window.words)
        for other in sorted({found for one in digests if (found := self._table.get(one)) is not None}):
            if reason := self._compare(window, self._recall(other)):
                return reason
        for one in digests:
            self._table.add(one, number)
        return None

    def _compare(self, window: SaidWindow, other: SaidWindow) -> LeftOut | None:
        if window.video == other.video and window.start_s < other.end_s and other.start_s < window.end_s:
            return None
        if window.words == other.words:
            return LeftOut.SAME
        return LeftOut.SIMILAR if similarity(window.words, other.words) >= self._similar else None


def similarity(a: Sequence[str], b: Sequence[str]) -> float:
    """The share of the runs of three words in either that are in both: Jaccard's index."""
    first, second = _runs(a), _runs(b)
    return len(first & second) / len(first | second) if first or second else 0.0


def _runs(words: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(words[at : at + _RUN]) for at in range(len(words) - _RUN + 1)}


def digests_of(words: Sequence[str]) -> list[int]:
    """One of all words, and one of each band of the least hashes; the first alone where there is no run of words."""
    whole = _digest(" ".join(words))
    if len(words) < _RUN:
        return [whole]
    hashes = np.fromiter(map(_word_hash, words), dtype=np.uint64, count=len(words))
    count = len(words) - _RUN + 1
    runs = _mixed(sum((hashes[at : at + count] * _PLACES[at] for at in range(_RUN)), np.zeros(count, np.uint64)))
    least = _mixed(runs[:, None] * _ORDERS).min(axis=0).reshape(_BANDS, _BAND)
    bands = _mixed((least * _JOINS).sum(axis=1, dtype=np.uint64) + np.arange(_BANDS, dtype=np.uint64))
    return [whole, *bands.tolist()]


def _mixed(values: Hashes) -> Hashes:
    """Each bit depends on those above it too, not on those below alone, as after a product."""
    mixed: Hashes = (values ^ (values >> _HALF)) * _ODD[-1]
    return mixed


@lru_cache(1 << 17)
def _word_hash(word: str) -> int:
    return _digest(word)


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


class DigestTable:
    """64-bit digests, each with the number that was first added with it; 12 bytes a place, at most two thirds taken.

    Python's own dictionary takes more than a hundred for each.
    """

    def __init__(self) -> None:
        self._make(1 << 16)

    def _make(self, places: int) -> None:
        self._digests = array("Q", bytes(8 * places))  # 0: nobody is there
        self._numbers = array("I", bytes(4 * places))
        self._last = places - 1
        self._taken = 0

    def get(self, digest: int) -> int | None:
        """The number of a digest."""
        place = self._place(digest or 1)
        return self._numbers[place] if self._digests[place] else None

    def add(self, digest: int, number: int) -> None:
        """Remember a digest, unless it is there already."""
        digest = digest or 1
        place = self._place(digest)
        if self._digests[place]:
            return
        self._digests[place], self._numbers[place] = digest, number
        self._taken += 1
        if 3 * self._taken > 2 * len(self._digests):
            self._grow()

    def _place(self, digest: int) -> int:
        """Where it is, or would be."""
        place = digest & self._last
        while self._digests[place] not in (0, digest):
            place = (place + 1) & self._last
        return place

    def _grow(self) -> None:
        digests, numbers = self._digests, self._numbers
        self._make(2 * len(digests))
        for digest, number in zip(digests, numbers, strict=True):
            if digest:
                place = self._place(digest)
                self._digests[place], self._numbers[place] = digest, number
                self._taken += 1
