"""Windows that say the same are found, others are not, and the memory for it is bounded."""

import random

import pytest

from svlm_cli.curation.duplicates import DigestTable, SaidBefore, SaidWindow, plain, similarity
from svlm_cli.curation.windows import LeftOut

RNG = random.Random(5)
WORDS = tuple(f"w{RNG.randrange(5000)}" for _ in range(60))


class _Kept:
    """Remembers windows in a list."""

    def __init__(self, similar: float = 0.8) -> None:
        self.windows: list[SaidWindow] = []
        self._said = SaidBefore(self.windows.__getitem__, similar=similar)

    def add(self, words: tuple[str, ...], video: str = "a.mp4", start_s: float = 0.0) -> LeftOut | None:
        window = SaidWindow(video, start_s, start_s + 24, words)
        reason = self._said.add(window, len(self.windows))
        if reason is None:
            self.windows.append(window)
        return reason


def _changed(words: tuple[str, ...], count: int) -> tuple[str, ...]:
    """The same with some words in a row replaced, the last ones."""
    return words[:-count] + tuple(f"x{RNG.randrange(5000)}" for _ in range(count))


def test_the_same_words_are_found_wherever_they_are() -> None:
    """Guards against learning one window twice: from another video, or from elsewhere in the same one."""
    kept = _Kept()
    assert kept.add(WORDS) is None
    assert kept.add(WORDS, "b.mp4") is LeftOut.SAME
    assert kept.add(WORDS, "a.mp4", 48.0) is LeftOut.SAME
    assert kept.add(("w1", "w2"), "c.mp4") is None
    assert kept.add(("w1", "w2"), "d.mp4") is LeftOut.SAME


def test_nearly_the_same_words_are_found() -> None:
    """Guards against a broadcast that was heard twice, with other mistakes. A few may slip through by chance."""
    found = 0
    for seed in range(50):
        words = tuple(f"{seed}-{number}" for number in range(60))
        kept = _Kept()
        assert kept.add(words) is None
        near = _changed(words, 3)
        assert similarity(words, near) > 0.8
        found += kept.add(near, "b.mp4") is LeftOut.SIMILAR
    assert found >= 45


def test_what_is_not_so_similar_is_kept() -> None:
    """Guards windows that share a phrase, also where their digests meet by chance: words decide."""
    for count in range(10, 40, 2):
        other = _changed(WORDS, count)
        kept = _Kept()
        kept.add(WORDS)
        assert similarity(WORDS, other) < 0.8
        assert kept.add(other, "b.mp4") is None


def test_all_of_it_alone_is_the_same_where_that_is_asked_for() -> None:
    """Guards --similar 1: one word more is another window."""
    kept = _Kept(similar=1.0)
    kept.add(WORDS)
    assert kept.add((*WORDS, "more"), "b.mp4") is None
    assert kept.add(WORDS, "c.mp4") is LeftOut.SAME


def test_windows_that_overlap_are_not_compared() -> None:
    """Guards the overlap, which is there on purpose, however large."""
    kept = _Kept(similar=0.1)
    kept.add(WORDS)
    assert kept.add(WORDS, "a.mp4", 12.0) is None
    assert kept.add(WORDS, "a.mp4", 36.0) is LeftOut.SAME


def test_case_and_punctuation_say_nothing() -> None:
    """Guards the comparison against how somebody writes."""
    assert plain(["What", "a", "GOAL!", "--", "Müller's"]) == ("what", "a", "goal", "müllers")


@pytest.mark.parametrize("count", [10, 60_000])
def test_the_table_is_a_dictionary_in_little_memory(count: int) -> None:
    """Guards digests that meet in one place or are 0, growth, and the bytes that a million rows take."""
    rng = random.Random(1)
    digests = [0, 1 << 16, 2 << 16, *(rng.getrandbits(64) for _ in range(count))]
    table = DigestTable()
    for number, digest in enumerate(digests):
        table.add(digest, number)
        table.add(digest, number + 1)
    assert [table.get(digest) for digest in digests] == list(range(len(digests)))
    assert all(table.get(rng.getrandbits(64)) is None for _ in range(1000))
    taken = sum(one.itemsize * len(one) for one in (table._digests, table._numbers))
    assert taken <= max(36 * len(digests), 12 << 16)
