"""Times of edited words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svlm_cli.curation.retiming import retimed
from svlm_cli.curation.words_file import SpokenSegment, TimedWord

OLD = SpokenSegment(
    10.0,
    20.0,
    (
        TimedWord(10.5, 11.0, "Pass"),
        TimedWord(11.0, 12.0, "to"),
        TimedWord(12.0, 14.0, "messy,"),
        TimedWord(15.0, 16.0, "and"),
        TimedWord(16.0, 18.0, "goal"),
    ),
)
TIMES = {word.text: (word.start_s, word.end_s) for word in OLD.words}


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("Pass to messy, and goal", [*TIMES.values()]),
        ("pass to Messi, and GOAL!", [*TIMES.values()]),
        (
            "Pass to Lionel Messi and goal",
            [TIMES["Pass"], TIMES["to"], (12, 13.0909), (13.0909, 14), (15, 16), (16, 18)],
        ),
        ("Pass to messy, AND then goal", [*[*TIMES.values()][:4], (16, 16), (16, 18)]),
        ("Pass and goal", [TIMES["Pass"], TIMES["and"], TIMES["goal"]]),
        ("Pass to messy, now and goal", [TIMES["Pass"], TIMES["to"], TIMES["messy,"], (14, 15), (15, 16), (16, 18)]),
        ("Nice Pass to messy, and goal", [(10, 10.5), *TIMES.values()]),
        ("Pass to messy, and goal again", [*TIMES.values(), (18, 20)]),
        ("Pass right to messy, and goal", [TIMES["Pass"], (11, 11), *[*TIMES.values()][1:]]),
        ("Quite else", [(10.5, 14.6666), (14.6666, 18)]),
    ],
)
def test_words_that_stay_keep_their_times(text: str, times: list[tuple[float, float]]) -> None:
    """Guards when a model learns to speak: an edit moves no other word, new words stand where the old ones did."""
    new = retimed(OLD, text.split())
    assert [word.text for word in new.words] == text.split()
    assert [one for word in new.words for one in (word.start_s, word.end_s)] == pytest.approx(
        [one for pair in times for one in pair], abs=1e-3
    )


_TEXTS = st.lists(st.sampled_from(["Pass", "to", "messy,", "and", "goal", "x", "long-word"]), min_size=1, max_size=12)


@given(_TEXTS)
def test_whatever_is_edited_is_in_order(words: list[str]) -> None:
    """Guards the reader of words files: all words, within the segment, none before the one in front of it ends."""
    new = retimed(OLD, words)
    moments = [new.start_s, *(one for word in new.words for one in (word.start_s, word.end_s)), new.end_s]
    assert moments == sorted(moments)
    assert [word.text for word in new.words] == words
