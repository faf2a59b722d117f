"""What the words of the pipeline promise to those who pass them on, and how errors read."""

import numpy as np
import pytest

from svlm_cli.core import errors
from svlm_cli.core.types import Chunk, Cue, Frame, Segment

PICTURE = np.zeros((2, 3, 3), dtype=np.uint8)


def test_a_chunk_shows_something_and_lasts() -> None:
    """Guards the engine: no frames would be an empty vision span, no time an endless loop of rounds."""
    with pytest.raises(AssertionError, match="at least one frame"):
        Chunk(frames=(), start_s=0.0, end_s=1.0)
    with pytest.raises(AssertionError, match="lasts some time"):
        Chunk(frames=(PICTURE,), start_s=1.0, end_s=1.0)


def test_pictures_compare_by_identity() -> None:
    """Guards `==` and sets of frames, which NumPy would answer with an array and an error."""
    assert Frame(PICTURE, 0.0) != Frame(PICTURE, 0.0)
    assert Chunk((PICTURE,), 0.0, 1.0) != Chunk((PICTURE,), 0.0, 1.0)
    assert len({Frame(PICTURE, 0.0), Frame(PICTURE, 0.0)}) == 2


def test_words_compare_by_value() -> None:
    """Guards the tests that compare what two ways of running a stream have said."""
    segments = [Segment(0, 3, 3.0, 4.0, "A goal", (1, 2), 0.1) for _ in range(2)]
    assert segments[0] == segments[1]
    assert Cue(0.0, 1.0, "A goal") == Cue(0.0, 1.0, "A goal")


@pytest.mark.parametrize(("hint", "text"), [("", "It is gone."), ("Look again.", "It is gone. Look again.")])
def test_an_error_is_a_message_and_a_hint(hint: str, text: str) -> None:
    """Guards logs and tests, which print an error without the boundary."""
    error = errors.InputError("It is gone.", hint)
    assert (error.message, error.hint, str(error)) == ("It is gone.", hint, text)


def test_a_full_stream_says_which_one_it_is() -> None:
    """Guards the other streams of a batch: only the one that is full may be closed."""
    error = errors.CapacityError("It is full.", stream=3)
    assert (error.stream, str(error)) == (3, "It is full.")
