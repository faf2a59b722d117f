"""What a policy refuses, and that it says which value and why."""

from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import (
    MarkerRule,
    Mode,
    PolicyOverrides,
    PromptPolicy,
    SamplingPolicy,
    StreamPolicy,
    VisionPolicy,
    WindowPolicy,
)

NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("part", "name", "value", "expected"),
    [
        (VisionPolicy, "fps", 0.0, "fps must be above 0, not 0.0."),
        (VisionPolicy, "fps", NAN, "fps must be above 0, not nan."),
        (VisionPolicy, "fps", INFINITY, "fps must be above 0, not inf."),
        (VisionPolicy, "min_pixels", 0, "min_pixels (0) must be above 0 and at most max_pixels (602112)."),
        (VisionPolicy, "max_pixels", 100, "min_pixels (78400) must be above 0 and at most max_pixels (100)."),
        (WindowPolicy, "vision_rounds", -1, "vision_rounds must be 0 or more, not -1."),
        (WindowPolicy, "sink_tokens", -1, "sink_tokens must be 0 or more, not -1."),
        (WindowPolicy, "window_tokens", -2, "window_tokens must be 0 or more, not -2."),
        (WindowPolicy, "carried_tokens", -1, "carried_tokens must be 0 or more, not -1."),
        (WindowPolicy, "text_rounds", 0, "text_rounds must be 1 or more, not 0."),
        (WindowPolicy, "reset_rounds", 0, "reset_rounds must be 1 or more, not 0."),
        (WindowPolicy, "full_tokens", 0, "full_tokens must be 1 or more, not 0."),
        (PromptPolicy, "marker", " \n", "marker must not be blank."),
        (PromptPolicy, "previous_role", "", "previous_role must not be blank."),
        (
            PromptPolicy,
            "context_form",
            "(a",
            "context_form is not a regular expression: missing ), unterminated subpattern at position 0.",
        ),
        (SamplingPolicy, "max_new_tokens", 0, "max_new_tokens must be 1 or more, not 0."),
        (SamplingPolicy, "temperature", -0.1, "temperature must be 0 or more, not -0.1."),
        (SamplingPolicy, "temperature", NAN, "temperature must be 0 or more, not nan."),
        (SamplingPolicy, "top_k", -1, "top_k must be 0 or more, not -1."),
        (SamplingPolicy, "repetition_penalty", 0.0, "repetition_penalty must be above 0, not 0.0."),
        (SamplingPolicy, "suppress_tokens", ("a", ""), "suppress_tokens must not contain an empty text."),
        (StreamPolicy, "chunk_seconds", 0.0, "chunk_seconds must be above 0, not 0.0."),
        (StreamPolicy, "chunk_seconds", INFINITY, "chunk_seconds must be above 0, not inf."),
        (StreamPolicy, "chunk_seconds", 1e308, "chunk_seconds must be at most 3600, not 1e+308."),
        (VisionPolicy, "fps", 1e308, "fps must be at most 100000, not 1e+308."),
        (VisionPolicy, "max_pixels", 10**18, "max_pixels must be at most 100000000, not 1000000000000000000."),
        (WindowPolicy, "vision_rounds", 10**18, "vision_rounds must be at most 100000, not 1000000000000000000."),
        (WindowPolicy, "reset_rounds", 10**9, "reset_rounds must be at most 100000, not 1000000000."),
        (WindowPolicy, "full_tokens", 10**9, "full_tokens must be at most 10000000, not 1000000000."),
        (PromptPolicy, "max_query_tokens", 10**9, "max_query_tokens must be at most 100000, not 1000000000."),
        (PromptPolicy, "system", "a" * 10_001, "system must have at most 10000 characters, not 10001."),
        (
            PromptPolicy,
            "context_form",
            "[[a]",
            "context_form is not a regular expression: Possible nested set at position 1.",
        ),
        (SamplingPolicy, "temperature", 1e308, "temperature must be at most 1000000, not 1e+308."),
        (SamplingPolicy, "max_new_tokens", 10**9, "max_new_tokens must be at most 100000, not 1000000000."),
        (SamplingPolicy, "repetition_penalty", INFINITY, "repetition_penalty must be above 0, not inf."),
    ],
)
def test_values_that_cannot_be(part: Any, name: str, value: object, expected: str) -> None:
    """Guards against a value that would fail rounds later, inside the engine, or never stop."""
    with pytest.raises(UsageError) as refused:
        part(**{name: value})
    assert refused.value.message == expected


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        (WindowPolicy(), {"vision_rounds": 0, "sink_tokens": 0, "window_tokens": 0, "carried_tokens": 0}),
        (WindowPolicy(), {"text_rounds": 1, "reset_rounds": 1, "full_tokens": 1}),
        (SamplingPolicy(), {"temperature": 0.0, "top_k": 0, "max_new_tokens": 1}),
        (VisionPolicy(), {"min_pixels": 784, "max_pixels": 784}),
    ],
)
def test_the_smallest_values_are_allowed(part: Any, changes: dict[str, Any]) -> None:
    """Guards the comparisons, which need no window, no sink, no sampling."""
    changed = replace(part, **changes)
    assert all(getattr(changed, name) == value for name, value in changes.items())


def test_a_round_has_a_whole_number_of_frames() -> None:
    """Guards the clock: rounds of 2.5 frames would drift from the video."""
    with pytest.raises(UsageError) as refused:
        StreamPolicy(vision=VisionPolicy(fps=2.5))
    assert refused.value.message == (
        "A round of 1 s at 2.5 fps has 2.5 frames: choose fps so that this is a whole number, 1 or more."
    )
    with pytest.raises(UsageError, match=r"has 0\.5 frames"):
        StreamPolicy(vision=VisionPolicy(fps=0.5))
    assert StreamPolicy(chunk_seconds=2.0, vision=VisionPolicy(fps=2.5)).frames_per_chunk == 5


def test_a_round_is_not_made_of_days_of_frames() -> None:
    """Guards the memory: each within its bounds, a length and a rate can make a round of millions of pictures."""
    with pytest.raises(UsageError, match="A round has 36000 frames: 10000 are the most"):
        StreamPolicy(chunk_seconds=3600, vision=VisionPolicy(fps=10))


@given(frames=st.integers(1, 1000), chunk_seconds=st.floats(0.01, 100))
def test_frames_per_chunk_survives_rounding(frames: int, chunk_seconds: float) -> None:
    """Guards rates such as 30 frames in 1.001 s, whose product is not exactly whole."""
    policy = StreamPolicy(chunk_seconds=chunk_seconds, vision=VisionPolicy(fps=frames / chunk_seconds))
    assert policy.frames_per_chunk == frames


def test_the_defaults_are_the_published_ones() -> None:
    """Guards the published checkpoint, which was trained with these."""
    policy = StreamPolicy()
    assert (policy.chunk_seconds, policy.vision.fps, policy.frames_per_chunk) == (1.0, 2.0, 2)
    windows = policy.windows
    assert (windows.vision_rounds, windows.text_rounds, windows.sink_tokens, windows.window_tokens) == (
        16,
        16,
        512,
        512,
    )
    assert (policy.mode, policy.prompt.marker_rule) == (Mode.STREAMING, MarkerRule.POSITIONAL)
    assert policy.sampling == SamplingPolicy(20, 0.9, 50, 1.05)


def test_changed_replaces_what_was_asked_for_alone() -> None:
    """Guards a checkpoint's own policy against options that were not given, and against falsy ones that were."""
    policy = StreamPolicy(prompt=PromptPolicy(query="What happens?", keep_query=True), sampling=SamplingPolicy(top_k=5))
    assert policy.changed(PolicyOverrides()) == policy
    changed = policy.changed(
        PolicyOverrides(mode=Mode.WINDOW, fps=4.0, keep_query=False, temperature=0.0, max_new_tokens=7)
    )
    assert changed == StreamPolicy(
        mode=Mode.WINDOW,
        vision=VisionPolicy(fps=4.0),
        prompt=PromptPolicy(query="What happens?", keep_query=False),
        sampling=SamplingPolicy(max_new_tokens=7, temperature=0.0, top_k=5),
    )
    with pytest.raises(UsageError, match=r"has 2\.5 frames"):
        policy.changed(PolicyOverrides(fps=2.5))


def test_overrides_are_keys_of_a_policy_within_its_bounds() -> None:
    """Guards a key that sets nothing, and a value that the policy itself would refuse."""
    parts = (VisionPolicy, WindowPolicy, PromptPolicy, SamplingPolicy)
    keys = [one.name for part in parts for one in fields(part)]
    assert [(one.name, keys.count(one.name)) for one in fields(PolicyOverrides) if one.name != "mode"] == [
        (one.name, 1) for one in fields(PolicyOverrides) if one.name != "mode"
    ]
    with pytest.raises(UsageError, match=r"^full_tokens must be 1 or more, not 0"):
        PolicyOverrides(full_tokens=0)
    with pytest.raises(TypeError, match="sink"):
        PolicyOverrides(sink=8)  # type: ignore[call-arg]


def test_policies_are_values() -> None:
    """Guards streams against each other: a policy shared by several is changed by none."""
    policy = StreamPolicy()
    with pytest.raises(FrozenInstanceError):
        policy.mode = Mode.FULL  # type: ignore[misc]
    assert policy == StreamPolicy()
    assert hash(policy) == hash(StreamPolicy())


@pytest.mark.parametrize("context", ["", " \n", "reds", "Game: reds", "Game: reds, blues, and more"])
def test_a_context_that_is_not_understood_is_told(context: str) -> None:
    """Guards those who get invented names for a context, or for none, and believe them."""
    prompt = PromptPolicy(context_form=r"Game: \w+, \w+", context_hint="Write it like this.")
    told = prompt.misunderstood(context)
    assert ("needs a context" in told) == (context.strip() == "")
    assert told.endswith(" Write it like this.")
    assert replace(prompt, context_hint="").misunderstood(context).endswith(r" It must match Game: \w+, \w+")
    assert prompt.misunderstood(" Game: reds, blues\n") == ""
    assert PromptPolicy().misunderstood(context) == ""
