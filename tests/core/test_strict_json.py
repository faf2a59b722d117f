"""JSON of strangers: what is read, and what is refused in one sentence however it is wrong."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svlm_cli.core.strict_json import JsonError, parse

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=8,
)


@settings(max_examples=40)
@given(VALUES, st.booleans())
def test_what_json_can_say_is_read(value: Any, escaped: bool) -> None:
    """Guards honest files: strictness must cost them nothing, however they spell their characters."""
    assert parse(json.dumps(value, ensure_ascii=escaped).encode()) == value


WRONG = {
    "nested lists": (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
    "nested objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
    "nested and cut off": (b"[" * 100_000, "nested too deeply"),
    "400 digits": (b"9" * 400, "a number of 400 digits"),
    "more digits than Python spells": (b"[-" + b"9" * 5000 + b"]", "digits"),
    "a float beyond floats": (b'{"a": 1e999}', "1e999, which is too large"),
    "NaN": (b"NaN", "NaN in place of a number"),
    "infinity": (b"[-Infinity]", "-Infinity in place of a number"),
    "a key twice": (b'{"a": 1, "b": 2, "b": 2}', "the key 'b' twice"),
    "a key twice within": (b'[{"a": {"c": 1, "c": 1}}]', "the key 'c' twice"),
    "half a character": (b'"\\ud800"', "not UTF-8"),
    "another encoding": ("{}".encode("utf-16"), "not UTF-8"),
    "bytes that are none": (b'{"a": "\xff\xfe"}', "not UTF-8"),
    "a mark before it": (b"\xef\xbb\xbf{}", "not JSON"),
    "NUL": (b"\0" * 10, "not JSON"),
    "nothing": (b"", "not JSON"),
    "half of it": (b'{"a": ', "not JSON"),
    "millions of parts": (b"[" + b"0," * 3_000_000 + b"0]", "more than 3000000 parts"),
}


@pytest.mark.parametrize(("data", "reason"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_one_error(data: bytes, reason: str) -> None:
    """Guards against `RecursionError` and its kind, which nobody expects of a file, and against gigabytes."""
    with pytest.raises(JsonError, match=reason) as caught:
        parse(data)
    assert len(str(caught.value)) < 200
