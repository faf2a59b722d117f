"""A training window against the engine in mode `full`: the same ids and positions; and what of it is learned."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.core.policy import Mode, StreamPolicy
from svlm_cli.core.types import Chunk
from svlm_cli.engine.prompt import Part, flatten
from svlm_cli.networks.weights import load_family
from svlm_cli.training.layout import Layout, Role, Round
from svlm_cli.training.overlap import Ids, previous_ids
from tests.engine.conftest import Parts, hear, make_chunks, parts, small_policy

__all__ = ["parts"]  # a fixture

TEXTS = (" Goal for the", "", " reds", " and one more to play with", "", " wide")
START_S = 36


def _policy(fps: float) -> StreamPolicy:
    return small_policy(mode=Mode.FULL, fps=fps, tokens=24, sink=5, window=9)


def _layout(checkpoint: Path, policy: StreamPolicy) -> Layout:
    return Layout(checkpoint, policy, load_family(checkpoint))


def _rounds(layout: Layout, grid: tuple[int, int, int]) -> list[Round]:
    return [Round(START_S + i, START_S + i + 1, grid, layout.words(text)) for i, text in enumerate(TEXTS)]


@pytest.mark.parametrize("fps", [1.0, 2.0, 8.0])
@pytest.mark.parametrize("query", ["Who has the ball?", ""])
@pytest.mark.parametrize("context", ["", "the final between the reds and the blues, played on a long winter night"])
@pytest.mark.parametrize("keep_query", [False, True])
def test_ids_and_positions_are_those_of_the_engine_in_mode_full(
    parts: Parts, tiny_checkpoint: Path, fps: float, query: str, context: str, keep_query: bool
) -> None:
    """Guards the whole point: a model is streamed in the very layout that it has learned."""
    policy = _policy(fps)
    policy = replace(policy, prompt=replace(policy.prompt, keep_query=keep_query))
    layout = _layout(tiny_checkpoint, policy)
    before = [layout.words(text) for text in TEXTS * 6]
    previous = previous_ids(layout.prompt.text_ids(context), before.__getitem__, START_S, policy.windows)
    assert len(previous) == 5 + 9 - 1
    engine = parts.engine(policy)
    pictures = tuple(np.random.default_rng(0).integers(0, 256, (round(fps), 56, 28, 3), np.uint8))
    rounds = _rounds(layout, (max(round(fps) // 2, 1), 2, 1))
    with engine.open(query=query) as stream:
        stream.options = replace(stream.options, context=previous)
        for one in rounds:
            said = (*one.words, *layout.prompt.marker, layout.prompt.turn_end)
            hear(engine, [stream], [Chunk(pictures, one.start_s, one.end_s)], [said])
        window = layout.window(rounds, previous=previous, query=layout.prompt.text_ids(query), fps=fps)
        assert window.ids.tolist() == flatten(stream.spans)
        np.testing.assert_array_equal(window.positions, stream.positions)
    pads = [index for index, token in enumerate(window.ids) if token == layout.prompt.video_pad]
    assert window.pads.tolist() == pads


@pytest.mark.parametrize("dense", [False, True])
def test_only_what_is_generated_is_learned(tiny_checkpoint: Path, dense: bool) -> None:
    """Guards against loss on markup or pixels, on the line break that nobody generates, and silence left out."""
    layout = _layout(tiny_checkpoint, _policy(2.0))
    rounds = _rounds(layout, (1, 2, 1))
    window = layout.window(rounds, previous=layout.words(" before"), query=(), fps=2.0, dense=dense)
    expected = [token for one in rounds for token in (*one.words, *layout.prompt.marker, layout.prompt.turn_end)]
    learned = window.roles != Role.NONE
    assert window.ids[learned].tolist() == expected
    spoken = [one for one in rounds if one.words]
    words = sum(len(one.words) for one in spoken)
    counts = {role: int((window.roles == role).sum()) for role in Role if role is not Role.NONE}
    assert counts == {
        Role.SILENCE: len(rounds) - len(spoken),
        Role.FIRST: 0 if dense else len(spoken),
        Role.WORD: 0 if dense else words - len(spoken),
        Role.END: len(spoken) + len(rounds),
        Role.DENSE: words if dense else 0,
        Role.ANSWER: 0,
        Role.CELL: 0,
    }


def test_a_silent_second_is_the_marker_alone(tiny_checkpoint: Path) -> None:
    """Guards the words of silence as they are streamed."""
    layout = _layout(tiny_checkpoint, _policy(2.0))
    spans = layout.spans([Round(0, 1, (1, 1, 1), ())], previous=(), query=())
    assert [span.ids for span in spans if span.part is Part.WORDS] == [layout.prompt.marker]


def test_a_second_with_too_many_words_is_named(tiny_checkpoint: Path) -> None:
    """Guards against teaching what the engine would cut."""
    layout = _layout(tiny_checkpoint, _policy(2.0))
    words: Ids = layout.words(" a" * 30)
    with pytest.raises(InputError, match="From 7 s to 8 s 32 tokens are said"):
        layout.window([Round(7, 8, (1, 1, 1), words)], previous=(), query=(), fps=2.0)


def test_a_second_may_say_all_that_the_policy_allows(parts: Parts, tiny_checkpoint: Path) -> None:
    """Guards the limit itself: the engine ends a round of just so many tokens by itself, and one more is refused."""
    policy = _policy(2.0)
    layout, most = _layout(tiny_checkpoint, policy), policy.sampling.max_new_tokens
    words = layout.words(" a" * (most - len(layout.prompt.marker) - 1))
    said = (*words, *layout.prompt.marker, layout.prompt.turn_end)
    assert len(said) == most
    window = layout.window([Round(7, 8, (1, 1, 1), words)], previous=(), query=(), fps=2.0)
    assert window.ids[window.roles != Role.NONE].tolist() == list(said)
    engine = parts.engine(policy)
    with engine.open() as stream:
        (heard,) = hear(engine, [stream], make_chunks(1), [said])
    assert heard.ids == list(said)
    with pytest.raises(InputError, match=f"{most + 1} tokens are said, but the policy allows {most}"):
        layout.window([Round(7, 8, (1, 1, 1), (*words, words[0]))], previous=(), query=(), fps=2.0)


def test_the_text_in_front_is_what_a_stream_remembers(parts: Parts, tiny_checkpoint: Path) -> None:
    """Guards the cut P: words that have left a stream's text window stand in a training window's front alike."""
    policy = replace(_policy(2.0), mode=Mode.STREAMING)
    layout = _layout(tiny_checkpoint, policy)
    said = [layout.words(text) for text in TEXTS * 4]
    context = "the reds against the blues"
    engine = parts.engine(policy)
    pictures = (np.zeros((56, 28, 3), np.uint8),) * 2
    with engine.open(context=context) as stream:
        for second, words in enumerate(said):
            left = max(second - policy.windows.text_rounds + 1, 0)  # seconds whose words have moved
            ids = (*words, *layout.prompt.marker, layout.prompt.turn_end)
            hear(engine, [stream], [Chunk(pictures, second, second + 1)], [ids])
            (held,) = [span.ids for span in stream.spans if span.part is Part.PREVIOUS]
            front = layout.prompt.text_ids(context)
            assert held == previous_ids(front, said.__getitem__, left, policy.windows)
