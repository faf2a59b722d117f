"""Regular expressions of strangers: the same answers as Python's, and an end to those that have none."""

import re

import pytest

from svlm_cli.checkpoints import patterns
from svlm_cli.core.errors import ModelError


@pytest.mark.parametrize(
    ("pattern", "text"),
    [(r"Game: \w+", "Game: réd"), (r"a|b", "ab"), ("(?x) a \n b", "ab"), ("", "x"), ("é'\"\\\\", "é'\"\\")],
)
def test_the_answer_is_pythons(pattern: str, text: str) -> None:
    """Guards texts on their way to another process and back."""
    assert patterns.matches(pattern, text) is (re.fullmatch(pattern, text) is not None)


def test_one_that_takes_for_ever_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against a policy from the hub at which svlm hangs before it has said a word."""
    monkeypatch.setattr(patterns, "_LIMIT_S", 0.5)
    with pytest.raises(ModelError, match="takes too long") as caught:
        patterns.matches(r"(\w+\s?)+:", "a" * 100)
    assert "policy.toml" in caught.value.hint
