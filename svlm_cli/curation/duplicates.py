"""Finds windows with the same words as an earlier one, exactly or nearly.

MinHash: of the hashes of all three-word shingles, the minimum under several permutations. Windows that share most
shingles agree in most minima; those that agree in a band of four are compared word by word, so there are no false
positives. Memory is bounded: digests are kept, words are not. Knows no file: the caller keeps the windows, and returns
them on request.
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
_RUN: Final = 3  # words per shingle
_BANDS, _BAND = 4, 4  # of two windows that share 0.9 of their shingles, 99 % agree in a band; at 0.8, 88 %
_NO_WORD = re.compile(r"[\W_]+")
_ODD: Final[Hashes] = np.random.default_rng(0).integers(0, 2**63, 64, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_ORDERS, _JOINS, _PLACES = _ODD[:16], _ODD[16:20], _ODD[20:23]
_HALF: Final = np.uint64(32)


@dataclass(frozen=True, slots=True)
class SaidWindow:
    """A window that is kept, in the form in which it is compared."""

    video: str
    start_s: float
    end_s: float
    words: tuple[str, ...]  # from `plain`


def plain(words: Sequence[str]) -> tuple[str, ...]:
    """Lower-case words without punctuation."""
    return tuple(filter(None, map(_plain, words)))


@lru_cache(1 << 17)
def _plain(word: str) -> str:
    return _NO_WORD.sub("", word.casefold())


class SaidBefore:
    """The windows that are kept. `recall` returns the one added with a number."""

    def __init__(self, recall: Callable[[int], SaidWindow], *, similar: float = SIMILAR) -> None:
        self._recall = recall
        self._similar = similar
        self._table = DigestTable()

    def add(self, window: SaidWindow, number: int) -> LeftOut | None:
        """Add a window, unless it duplicates another. Overlapping windows of one video are not compared."""
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
    """Jaccard similarity of the sets of three-word shingles."""
    first, second = _runs(a), _runs(b)
    return len(first & second) / len(first | second) if first or second else 0.0


def _runs(words: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(words[at : at + _RUN]) for at in range(len(words) - _RUN + 1)}


def digests_of(words: Sequence[str]) -> list[int]:
    """A digest of all words, and one per band of minima; only the first if there are no shingles."""
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
    """Mix bits, so that each also depends on higher ones, which products alone do not achieve."""
    mixed: Hashes = (values ^ (values >> _HALF)) * _ODD[-1]
    return mixed


@lru_cache(1 << 17)
def _word_hash(word: str) -> int:
    return _digest(word)


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


class DigestTable:
    """Maps 64-bit digests to the first number added with each; 12 bytes per slot, with a load factor up to 2/3.

    A Python dictionary needs over a hundred bytes per entry.
    """

    def __init__(self) -> None:
        self._make(1 << 16)

    def _make(self, places: int) -> None:
        self._digests = array("Q", bytes(8 * places))  # 0: free
        self._numbers = array("I", bytes(4 * places))
        self._last = places - 1
        self._taken = 0

    def get(self, digest: int) -> int | None:
        """The number of a digest."""
        place = self._place(digest or 1)
        return self._numbers[place] if self._digests[place] else None

    def add(self, digest: int, number: int) -> None:
        """Add a digest, unless it exists."""
        digest = digest or 1
        place = self._place(digest)
        if self._digests[place]:
            return
        self._digests[place], self._numbers[place] = digest, number
        self._taken += 1
        if 3 * self._taken > 2 * len(self._digests):
            self._grow()

    def _place(self, digest: int) -> int:
        """Its slot, or the free slot for it."""
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
