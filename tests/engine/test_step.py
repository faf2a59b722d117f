"""The step against its naive oracle: over many rounds, with evictions, greedy, float32.

Tolerance 1e-4 on logits: both sides sum the same products in another order.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from svlm_cli.core.errors import CapacityError
from svlm_cli.core.policy import MarkerRule, Mode, StreamPolicy
from svlm_cli.core.types import Chunk, Segment, TokenEvent
from svlm_cli.engine.oracle import penalized
from svlm_cli.engine.plan import Request
from svlm_cli.engine.prompt import flatten
from tests.engine.conftest import Heard, Parts, Script, hear, make_chunks, small_policy

ROUNDS = 80
MANY = 40  # windows of four rounds are new ten times
TURNS = 20  # and here five times: for the many sizes of windows of one mode
ATOL = 1e-4
CONTEXT = "The final between the reds and the blues, the home side in red."


def assert_agree(
    parts: Parts, policy: StreamPolicy, script: Script = lambda round_: None, *, rounds: int = TURNS, seed: int = 0
) -> None:
    """The engine and the oracle say the same, from the same logits, and hold the same sequence."""
    engine = parts.engine(policy)
    oracle = parts.oracle(policy, context=CONTEXT, seed=seed)
    with engine.open(context=CONTEXT, seed=seed) as stream:
        for round_, chunk in enumerate(make_chunks(rounds, fps=policy.vision.fps)):
            forced = script(round_)
            (heard,) = hear(engine, [stream], [chunk], [forced])
            ids, logits = oracle.step(chunk, forced)
            if heard.ids != ids:
                tail = len(ids) + 1 + (ids[-1] not in parts.tokenizer.end_ids)
                before = [token.id for token in oracle.tokens[:-tail]]
                assert_tied(policy, before, heard, ids, logits)
                assert round_ > rounds // 2, "a tie this early leaves little compared: take another seed"
                return
            torch.testing.assert_close(torch.stack(heard.logits), torch.stack(logits), atol=ATOL, rtol=0)
            assert flatten(stream.spans) == [token.id for token in oracle.tokens], f"round {round_}"


def assert_tied(
    policy: StreamPolicy, before: list[int], heard: Heard, ids: list[int], logits: list[torch.Tensor]
) -> None:
    """Where the two first say different things, rounding alone decided, which differs from processor to processor."""
    assert policy.sampling.temperature == 0
    first = next(index for index, pair in enumerate(zip(heard.ids, ids, strict=True)) if pair[0] != pair[1])
    torch.testing.assert_close(heard.logits[first], logits[first], atol=ATOL, rtol=0)
    scores = penalized(logits[first], [*before, *ids[:first]], policy.sampling.repetition_penalty)
    assert scores[heard.ids[first]] == pytest.approx(scores[ids[first]], abs=ATOL), f"{heard.ids} is not {ids}"


def silence(parts: Parts) -> tuple[int, ...]:
    return (*parts.tokenizer.encode(" ..."), parts.tokenizer.special("<|im_end|>"))


def sentence(parts: Parts) -> tuple[int, ...]:
    return (*parts.tokenizer.encode(" goal by the")[:3], *silence(parts))


@pytest.mark.parametrize("rule", list(MarkerRule))
@pytest.mark.parametrize(("vision", "text"), [(3, 3), (2, 4), (4, 2), (0, 3), (1, 1), (1, 3), (3, 1)])
def test_windows_of_rounds(parts: Parts, vision: int, text: int, rule: MarkerRule) -> None:
    script = {0: sentence(parts), 1: silence(parts)}
    assert_agree(parts, small_policy(vision=vision, text=text, rule=rule), lambda round_: script.get(round_ % 4))


@pytest.mark.parametrize("mode", [Mode.STREAMING, Mode.WINDOW_OVERLAP, Mode.NATIVE_POSITIONS])
@pytest.mark.parametrize("most", [1, 16, 28])
def test_a_limit_of_visual_tokens(parts: Parts, mode: Mode, most: int) -> None:
    """Rounds have eight: room for the new ones alone, for a round more, for two more."""
    assert_agree(parts, small_policy(vision=5, text=2, mode=mode, vision_tokens=most, fps=4), rounds=12)


@pytest.mark.parametrize(("sink", "window"), [(0, 0), (0, 1), (1, 0), (1, 1), (0, 9), (9, 0), (40, 40)])
def test_windows_of_tokens(parts: Parts, sink: int, window: int) -> None:
    assert_agree(parts, small_policy(sink=sink, window=window))


@pytest.mark.parametrize("rule", list(MarkerRule))
def test_silent_rounds(parts: Parts, rule: MarkerRule) -> None:
    assert_agree(parts, small_policy(rule=rule), lambda round_: silence(parts) if round_ % 9 else None)


@pytest.mark.parametrize("rule", list(MarkerRule))
@pytest.mark.parametrize("text", [1, 3])
def test_rounds_that_never_end(parts: Parts, rule: MarkerRule, text: int) -> None:
    """Cut at the limit: the last token has no keys yet when, with one text round, it moves."""
    words = tuple(parts.tokenizer.encode(" goal by the keeper from the left wing"))[:6]
    assert len(words) == 6
    assert_agree(parts, small_policy(rule=rule, text=text), lambda round_: words)


@pytest.mark.parametrize("rule", list(MarkerRule))
def test_rounds_of_zero_words(parts: Parts, rule: MarkerRule) -> None:
    ended = (parts.tokenizer.special("<|im_end|>"),)
    assert_agree(parts, small_policy(rule=rule), lambda round_: ended if round_ % 3 else None)


def test_rounds_that_end_with_another_id_of_the_list(parts: Parts) -> None:
    other = (*parts.tokenizer.encode(" goal ..."), parts.tokenizer.special("<|endoftext|>"))
    assert other[-1] in parts.tokenizer.end_ids
    assert_agree(parts, small_policy(), lambda round_: other if round_ % 2 else None)


@pytest.mark.parametrize("mode", list(Mode))
def test_modes(parts: Parts, mode: Mode) -> None:
    assert_agree(parts, small_policy(mode=mode), rounds=ROUNDS if mode is Mode.STREAMING else MANY)


@pytest.mark.parametrize("recent", [1, 3, 5])
@pytest.mark.parametrize("fps", [1.0, 4.0])
def test_the_newest_rounds_alone(parts: Parts, recent: int, fps: float) -> None:
    """Mode `recent`: with few and many frames, and a query that stands behind them in every round."""
    policy = small_policy(mode=Mode.RECENT, fps=fps)
    policy = replace(policy, windows=replace(policy.windows, recent_rounds=recent))
    assert_agree(parts, policy, rounds=12)


def test_native_positions_of_words_that_move_at_once(parts: Parts) -> None:
    """With one text round a round's end goes before it was ever read: its places stay taken."""
    assert_agree(parts, small_policy(mode=Mode.NATIVE_POSITIONS, text=1))


@pytest.mark.parametrize("mode", list(Mode))
def test_sampled_text_in_all_modes(parts: Parts, mode: Mode) -> None:
    assert_agree(parts, small_policy(mode=mode, temperature=0.9), seed=3)


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_what_is_never_said(parts: Parts, temperature: float) -> None:
    """The tokens that the model says most, under a policy that suppresses them."""
    policy = small_policy(temperature=temperature)
    said = said_in_rounds(parts, policy, 8)
    likely = [id_ for id_, _ in Counter(said).most_common() if is_a_text(parts, id_)][:5]
    texts = tuple(parts.tokenizer.decode([id_]) for id_ in likely)
    assert len(texts) == 5
    quieter = replace(policy, sampling=replace(policy.sampling, suppress_tokens=texts))
    assert not {*likely} & {*said_in_rounds(parts, quieter, 8)}
    assert_agree(parts, quieter, rounds=20)


def said_in_rounds(parts: Parts, policy: StreamPolicy, rounds: int) -> list[int]:
    """All ids that the engine says."""
    engine = parts.engine(policy)
    with engine.open() as stream:
        return [id_ for chunk in make_chunks(rounds) for id_ in hear(engine, [stream], [chunk])[0].ids]


def is_a_text(parts: Parts, id_: int) -> bool:
    """Whether a policy can name it."""
    return parts.tokenizer.encode(parts.tokenizer.decode([id_])) == [id_]


def test_the_query_in_every_round(parts: Parts) -> None:
    assert_agree(parts, small_policy(keep_query=True), rounds=20)


def test_eight_frames_a_second_have_fractional_positions(parts: Parts) -> None:
    assert_agree(parts, small_policy(fps=8), rounds=20)


def test_before_the_first_eviction_it_is_one_full_forward(parts: Parts) -> None:
    """One pass over the whole sequence gives the logits that each token was chosen from."""
    policy = small_policy(vision=6, text=6, sink=200, window=200)
    engine = parts.engine(policy)
    oracle = parts.oracle(policy)
    with engine.open() as stream:
        *earlier, last = make_chunks(5)
        for chunk in earlier:
            hear(engine, [stream], [chunk])
            oracle.step(chunk)
        (heard,) = hear(engine, [stream], [last])
        oracle.step(last)
        features = torch.cat([token.features for token in oracle.tokens if token.features is not None])
        ids = torch.tensor([flatten(stream.spans)])
        where = torch.tensor(stream.positions, dtype=torch.float32)[None]
        hidden = parts.model.embed(ids, features)
        logits = forward_whole(parts, hidden, where)
        said = len(heard.ids)
        first = ids.shape[1] - said - (1 if heard.ids[-1] == engine.prompt.turn_end else 2)
        whole = logits[0, first - 1 : first - 1 + said]
        torch.testing.assert_close(torch.stack(heard.logits), whole, atol=ATOL, rtol=0)


def forward_whole(parts: Parts, hidden: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    """The networks' own training pass, from embeddings."""
    from svlm_cli.networks.attend import WholeSequence

    with torch.no_grad():
        attend = WholeSequence(*parts.model.language.rotary.angles(where), None)
        return parts.model.logits(parts.model.language(hidden, attend))


def test_several_streams_in_one_step_equal_one_at_a_time(parts: Parts) -> None:
    """Ragged: they join late, leave early, skip rounds, and differ in context, seed and picture size."""
    policy = small_policy(temperature=0.9)
    contexts = [CONTEXT, "", "Reds."]
    chunks = [make_chunks(MANY, seed=i, size=(56, 28 * (i + 1))) for i in range(3)]
    takes_part: list[Callable[[int], bool]] = [lambda r: True, lambda r: r >= 7 and r % 3 != 0, lambda r: r % 2 == 0]
    alone: list[list[list[int]]] = []
    for i in range(3):
        engine = parts.engine(policy)
        with engine.open(context=contexts[i], seed=i) as stream:
            alone.append([hear(engine, [stream], [chunks[i][r]])[0].ids for r in range(MANY) if takes_part[i](r)])
    engine = parts.engine(policy, streams=3)
    streams = [engine.open(context=contexts[i], seed=i) for i in range(3)]
    together: list[list[list[int]]] = [[], [], []]
    for r in range(MANY):
        active = [i for i in range(3) if takes_part[i](r)]
        heard = hear(engine, [streams[i] for i in active], [chunks[i][r] for i in active])
        for i, one in zip(active, heard, strict=True):
            together[i].append(one.ids)
    assert together == alone


def test_the_order_of_requests_is_free(parts: Parts) -> None:
    """Streams that attend together since they are neighbours, and others that do not since they are asked for late."""
    policy = small_policy(temperature=0.9)
    chunks = [make_chunks(12, seed=i) for i in range(4)]
    said: list[dict[int, list[list[int]]]] = []
    for order in ((0, 1, 2, 3), (2, 0, 3, 1)):
        engine = parts.engine(policy, streams=4)
        streams = [engine.open(seed=i) for i in range(4)]
        rounds = [
            hear(engine, [streams[i] for i in order], [chunks[i][r] for i in order]) for r in range(len(chunks[0]))
        ]
        said.append({i: [heard[place].ids for heard in rounds] for place, i in enumerate(order)})
    assert said[0] == said[1]


def test_closing_and_opening_disturbs_no_other(parts: Parts) -> None:
    policy = small_policy(temperature=0.9)
    chunks = make_chunks(30)
    lonely = parts.engine(policy)
    with lonely.open(seed=5) as stream:
        expected = [hear(lonely, [stream], [chunk])[0].ids for chunk in chunks]
    engine = parts.engine(policy, streams=2)
    other, stream = engine.open(seed=1), engine.open(seed=5)
    heard = []
    for i, chunk in enumerate(chunks):
        if i % 6 == 5:
            other.close()
            other = engine.open(seed=i)
        heard.append(hear(engine, [other, stream], [chunk, chunk])[1].ids)
    assert heard == expected


def test_reset_equals_a_new_stream(parts: Parts) -> None:
    engine = parts.engine(small_policy(temperature=0.9))
    chunks = make_chunks(TURNS)
    with engine.open(context=CONTEXT, seed=4) as stream:
        first = [hear(engine, [stream], [chunk])[0].segment.token_ids for chunk in chunks]
        stream.reset()
        again = [hear(engine, [stream], [chunk])[0].segment.token_ids for chunk in chunks]
    assert first == again


def test_a_reused_slot_equals_a_new_stream(parts: Parts) -> None:
    engine = parts.engine(small_policy(temperature=0.9))
    chunks = make_chunks(12)
    said = []
    for _ in range(2):
        with engine.open(context=CONTEXT, seed=4) as stream:
            said.append([hear(engine, [stream], [chunk])[0].ids for chunk in chunks])
    assert said[0] == said[1]


def test_the_seed_decides_the_text(parts: Parts) -> None:
    engine = parts.engine(small_policy(temperature=1.5))
    said = []
    for seed in (0, 0, 1):
        with engine.open(seed=seed) as stream:
            said.append([hear(engine, [stream], [chunk])[0].ids for chunk in make_chunks(6)])
    assert said[0] == said[1]
    assert said[0] != said[2]


def test_window_overlap_equals_transformers(parts: Parts, tiny_checkpoint: Path) -> None:
    """The kept ids at the same positions, in one forward of the stock library."""
    from transformers import Qwen2_5_VLForConditionalGeneration

    stock: Any = Qwen2_5_VLForConditionalGeneration.from_pretrained(tiny_checkpoint, attn_implementation="eager")
    stock.eval()
    policy = small_policy(mode=Mode.WINDOW_OVERLAP)
    engine = parts.engine(policy)
    words = sentence(parts)
    with engine.open(context=CONTEXT) as stream:
        for round_, chunk in enumerate(make_chunks(MANY)):
            (heard,) = hear(engine, [stream], [chunk], [words])
            if round_ % 8 != 7:
                continue
            ids = torch.tensor([flatten(stream.spans)])
            features = torch.cat([stream.features[span.round][0] for span in stream.spans if span.grid is not None])
            shown = (ids == engine.prompt.video_pad).unsqueeze(-1)
            with torch.no_grad():
                embedded = stock.get_input_embeddings()(ids).masked_scatter(shown, features)
                where = torch.tensor(stream.positions, dtype=torch.float32).T[:, None]
                hidden = stock.model.language_model(inputs_embeds=embedded, position_ids=where).last_hidden_state
                logits = stock.lm_head(hidden)[0]
            first = ids.shape[1] - len(words) - 1
            expected = logits[first - 1 : first - 1 + len(words)]
            torch.testing.assert_close(torch.stack(heard.logits), expected, atol=ATOL, rtol=0)


def test_forced_counts_are_exact_and_never_end(parts: Parts) -> None:
    engine = parts.engine(small_policy(tokens=6))
    with engine.open() as stream:
        for chunk, count in zip(make_chunks(30), [6, 1, 3] * 10, strict=True):
            events = list(engine.step([Request(stream, chunk, forced_count=count)]))
            said = [event.token_id for event in events if isinstance(event, TokenEvent)]
            assert len(said) == count
            assert not set(said) & engine.tokenizer.end_ids


def test_pieces_of_text_make_up_the_segment(parts: Parts) -> None:
    engine = parts.engine(small_policy(temperature=1.0))
    with engine.open() as stream:
        for chunk in make_chunks(20):
            events = list(engine.step([Request(stream, chunk)]))
            assert isinstance(events[-1], Segment)
            pieces = "".join(event.text for event in events if isinstance(event, TokenEvent))
            assert pieces == events[-1].text
            assert (events[-1].start_s, events[-1].end_s) == (chunk.start_s, chunk.end_s)


def wide_chunk() -> Chunk:
    return Chunk(tuple(np.zeros((28, 28, 3), np.uint8) for _ in range(200)), 0.0, 1.0)


def test_full_mode_ends_with_an_error_and_changes_nothing(parts: Parts) -> None:
    policy = small_policy(mode=Mode.FULL)
    policy = replace(policy, windows=replace(policy.windows, full_tokens=400))
    engine = parts.engine(policy, streams=2)
    full, fresh = engine.open(), engine.open()
    chunks = iter(make_chunks(30))
    longest_round = 60
    while engine.cache.lengths[full.slot] + longest_round < engine.cache.capacity:
        hear(engine, [full], [next(chunks)])
    before = (full.rounds, engine.cache.lengths[full.slot], full.spans)
    with pytest.raises(CapacityError, match="room for 400") as caught:
        list(engine.step([Request(full, wide_chunk())]))
    assert caught.value.stream == full.slot
    assert (full.rounds, engine.cache.lengths[full.slot], full.spans) == before
    assert not full.features
    hear(engine, [fresh], make_chunks(1))


def test_a_listener_that_leaves_ends_the_round(parts: Parts) -> None:
    """What was said so far is what was said, and the stream goes on."""
    engine = parts.engine(small_policy())
    with engine.open() as stream:
        chunks = make_chunks(3)
        events = engine.step([Request(stream, chunks[0])])
        said = next(events)
        assert isinstance(said, TokenEvent)
        events.close()  # type: ignore[attr-defined]
        assert stream.rounds == 1
        hear(engine, [stream], [chunks[1]])
        hear(engine, [stream], [chunks[2]])


@pytest.mark.parametrize("mode", [Mode.STREAMING, Mode.WINDOW, Mode.WINDOW_OVERLAP, Mode.NATIVE_POSITIONS])
@pytest.mark.parametrize("vision_tokens", [0, 9])
def test_the_cache_never_grows(parts: Parts, mode: Mode, vision_tokens: int) -> None:
    """Guards the capacity's arithmetic: the longest rounds there can be fit, for ever."""
    policy = small_policy(mode=mode, tokens=6, keep_query=True, vision_tokens=vision_tokens)
    engine = parts.engine(policy)
    pools = [pool.data_ptr() for pool in (engine.cache.keys, engine.cache.rotated_keys, engine.cache.values)]
    query = "goal " * 6
    with engine.open(query=query, context="a " * 60) as stream:
        for chunk in make_chunks(TURNS, size=(60, 60)):
            list(engine.step([Request(stream, chunk, forced_count=6)]))
            assert engine.cache.lengths[stream.slot] <= engine.cache.capacity
    assert pools == [pool.data_ptr() for pool in (engine.cache.keys, engine.cache.rotated_keys, engine.cache.values)]


def test_pictures_of_another_shape_get_bars(parts: Parts) -> None:
    """Guards models that know one grid of tokens: upright pictures, and those of every size between."""
    policy = small_policy()
    assert_agree(parts, replace(policy, vision=replace(policy.vision, aspect=1.8)))
