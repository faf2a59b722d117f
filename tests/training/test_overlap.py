"""Window arithmetic: every second is learned, words go where they end, and the text in front is the engine's."""

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from svlm_cli.core.policy import WindowPolicy
from svlm_cli.engine.eviction import cut_previous
from svlm_cli.training.overlap import previous_ids, second_of, text_of, whole_windows, windows

sizes = st.integers(1, 30).flatmap(lambda length: st.tuples(st.just(length), st.integers(0, length - 1)))


@given(st.integers(0, 200), sizes)
def test_windows_cover_a_video_with_the_overlap_that_was_asked_for(seconds: int, size: tuple[int, int]) -> None:
    """Guards against seconds that nobody learns, and windows that lie in the one before."""
    length, overlap = size
    cut = windows(seconds, length=length, overlap=overlap)
    assert {second for window in cut for second in window} == set(range(seconds))
    for before, after in pairwise(cut):
        assert len(before) == length
        assert before.stop - after.start == overlap
        assert after.stop > before.stop
    assert sum(len(window) == length for window in cut) == whole_windows(seconds, length=length, overlap=overlap)


def test_windows_of_the_paper() -> None:
    """Guards the numbers themselves: W = 24 s, O = 12 s."""
    assert windows(50, length=24, overlap=12) == (range(24), range(12, 36), range(24, 48), range(36, 50))


def test_a_word_belongs_to_the_second_in_which_it_ends() -> None:
    """Guards the half-open end: (second, second + 1]."""
    assert [second_of(end_s) for end_s in (0.001, 0.999, 1.0, 1.001, 2.0)] == [0, 0, 0, 1, 1]
    assert second_of(10.5, start_s=9.5) == 0


def test_words_are_joined_as_they_are_generated() -> None:
    """Guards the space before each word, and silence, which is nothing before the marker."""
    assert text_of(["Goal", "for"]) == " Goal for"
    assert text_of([]) == ""


@given(
    st.integers(0, 12),
    st.lists(st.integers(0, 4), max_size=30),
    st.integers(0, 20),
    st.integers(0, 20),
)
@example(0, [1] * 12, 3, 4)  # the sink and the window are full at the end of a second
@example(0, [1] * 3, 2, 20)  # they meet
@example(0, [1] * 3, 20, 0)  # the sink takes all
def test_the_text_in_front_is_the_whole_text_cut(context: int, words: list[int], sink: int, window: int) -> None:
    """Guards the short way, which looks at the first and the last seconds alone, against the long one; and its being
    short: a second is read once at most, and only if some of its words are left.
    """
    policy = WindowPolicy(sink_tokens=sink, window_tokens=window)
    said = [tuple(range(100 * second, 100 * second + count)) for second, count in enumerate(words, 1)]
    before = tuple(range(context))
    whole = before + tuple(token for ids in said for token in ids)
    start, stop = cut_previous(len(whole), policy)
    left = whole[:start] + whole[stop:]
    asked: list[int] = []

    def ask(second: int) -> tuple[int, ...]:
        assert second in range(len(said))
        asked.append(second)
        return said[second]

    assert previous_ids(before, ask, len(said), policy) == left
    assert len({*asked}) == len(asked)
    assert all({*said[second]} & {*left} for second in asked if said[second])
