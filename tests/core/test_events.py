"""Events go through JSON as they are, whatever is in them, and strangers' lines are refused."""

import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from svlm_cli.core.events import (
    RoundEnded,
    RoundStarted,
    SourceEvent,
    SourceStatus,
    State,
    TokenSpoken,
    event_of,
    from_json,
    to_json,
)
from svlm_cli.core.types import Chunk, Segment, TokenEvent

_SECONDS = st.floats(allow_nan=False, allow_infinity=False)
_MAYBE = st.none() | _SECONDS
_COUNTS = st.integers(0, 10**9)
_TEXT = st.text(st.characters() | st.characters(categories=["Cs"]))  # halves of characters, as names of files may have
_EVENTS: st.SearchStrategy[SourceEvent] = st.one_of(
    st.builds(
        SourceStatus,
        name=_TEXT,
        state=st.sampled_from(State),
        reason=_TEXT,
        retry_s=_MAYBE,
        first_frame_s=_MAYBE,
        connections=_COUNTS,
        failures=_COUNTS,
        frames=_COUNTS,
        gap_s=_SECONDS,
    ),
    st.builds(RoundStarted, _TEXT, _SECONDS, _SECONDS, _COUNTS, _SECONDS, _COUNTS),
    st.builds(TokenSpoken, _TEXT, _TEXT),
    st.builds(
        RoundEnded,
        _TEXT,
        _SECONDS,
        _SECONDS,
        _TEXT,
        _COUNTS,
        _SECONDS,
        _MAYBE,
        _MAYBE,
        _SECONDS,
        _COUNTS,
        _MAYBE,
        _TEXT,
    ),
)


@given(_EVENTS)
def test_an_event_comes_back_from_json_as_it_was(event: SourceEvent) -> None:
    """Guards a web page, a log and a worker elsewhere against a state that is a text there, or a field that is lost."""
    line = to_json(event)
    assert "\n" not in line
    back = from_json(line)
    assert back == event
    assert [type(getattr(back, name)) for name in back.__slots__] == [
        type(getattr(event, name)) for name in event.__slots__
    ]
    assert pickle.loads(pickle.dumps(event)) == event


def test_what_the_loop_hands_out_becomes_an_event() -> None:
    """Every number of a chunk and a segment is there, pictures and ids are counted."""
    picture = np.zeros((2, 2, 3), np.uint8)
    assert event_of(Chunk((picture, picture), 3.0, 4.0, gap_s=1.5, dropped=7), "front") == RoundStarted(
        "front", 3.0, 4.0, 2, 1.5, 7
    )
    assert event_of(TokenEvent(0, 3, 17, " Goal"), "front") == TokenSpoken("front", " Goal")
    segment = Segment(0, 3, 3.0, 4.0, " Goal", (17, 18), 0.25, 1.7e9, 50_003.0, 1.5, 7, 0.5)
    ended = RoundEnded("front", 3.0, 4.0, " Goal", 2, 0.25, 1.7e9, 50_003.0, 1.5, 7, 0.5)
    assert event_of(segment, "front") == ended
    assert RoundEnded.of(segment, "front", "svlm-mini").model == "svlm-mini"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"event": "goal"}, "not an event"),
        ({"event": None}, "not an event"),
        ({"event": "token", "colour": "red"}, "no colour"),
        ({"event": "source", "state": "asleep", "text": None}, "asleep|no text"),
        ({"event": "round_ended"}, "incomplete"),
    ],
)
def test_other_lines_are_refused(change: dict[str, str | None], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_json(json.dumps({"name": "front", "text": "", **change}))


@pytest.mark.parametrize("line", ["", "[]", "3", "{", '{"event": []}'])
def test_no_event_at_all_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"Expecting|not an event"):
        from_json(line)
