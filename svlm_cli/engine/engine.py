"""The streaming engine: weights + policy + chunks -> token events and segments.

`Engine.step` is one round of any of the open streams, from top to bottom: plan what each forgets and reads, make
room, look at the frames, read, speak. Knows no file format, no subtitle and no terminal.
"""

import time
from bisect import insort
from collections.abc import Iterator, Sequence
from itertools import compress, groupby
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from svlm_cli.compute import flash, ops
from svlm_cli.compute.device import computing_dtype, dtype_name, settle, upload
from svlm_cli.compute.flash import AttentionKernel
from svlm_cli.compute.graphs import Graphs
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import Mode, StreamPolicy
from svlm_cli.core.types import Chunk, Segment, TokenEvent
from svlm_cli.engine.attention import Ragged
from svlm_cli.engine.cache import KVCache, Move
from svlm_cli.engine.footprint import Footprint, footprint, stream_tokens
from svlm_cli.engine.positions import Positions
from svlm_cli.engine.prompt import Prompt, Span, distinct, flatten, last
from svlm_cli.engine.reader import Reader
from svlm_cli.engine.sampling import Sampler
from svlm_cli.engine.speaker import Observer, Speaker
from svlm_cli.engine.stream import StreamOptions, StreamState
from svlm_cli.engine.tokenizer import Tokenizer
from svlm_cli.engine.turn import Planner, Request, Turn
from svlm_cli.networks.qwen2_5_vl.config import TextConfig
from svlm_cli.networks.qwen2_5_vl.fused_language import FusedLanguage
from svlm_cli.networks.qwen2_5_vl.fused_vision import FusedVision
from svlm_cli.networks.qwen2_5_vl.model import Qwen2_5VL
from svlm_cli.networks.qwen2_5_vl.preprocess import Preprocessor
from svlm_cli.networks.weights import load_config, load_model, load_preprocessor


class Engine:
    """A checkpoint on a device, with a pool of `max_streams` stream slots, all under one policy."""

    def __init__(
        self,
        model: Qwen2_5VL,
        preprocessor: Preprocessor,
        tokenizer: Tokenizer,
        policy: StreamPolicy,
        *,
        max_streams: int = 1,
        attention: AttentionKernel = AttentionKernel.AUTO,
        graphs: bool = True,
        fp8: bool = False,
    ) -> None:
        """`fp8` rounds the language model's weights to eight bits, which the model cannot take back.

        `graphs` lets a GPU record what it does again and again; elsewhere it means nothing. `UsageError` if the
        attention kernel cannot be used here.
        """
        self.model = model
        self.preprocessor = preprocessor
        self.tokenizer = tokenizer
        self.policy = policy
        self.prompt = Prompt(tokenizer, policy)
        weight = next(model.parameters())
        self.device, self.dtype = weight.device, weight.dtype
        text = model.config.text
        capacity = stream_tokens(self.prompt, policy, pixels_per_token=preprocessor.pixels_per_token)
        self.cache = _cache(text, max_streams, capacity, self.device, self.dtype)
        self._planner = Planner(
            self.prompt,
            policy,
            preprocessor,
            tokenizer,
            capacity=capacity,
            tokens_per_second=model.config.vision.tokens_per_second,
        )
        self.attention = flash.choose(attention, self.device, self.dtype)
        kernels = flash.causal(self.attention, self.device, self.dtype)
        self.fp8 = fp8
        recorder = Graphs(self.device, enabled=graphs)
        self._vision = FusedVision(model.visual, recorder)
        self._language = FusedLanguage(model.language, fp8=fp8)
        self._reader = Reader(model, self._language, self.cache, kernels, recorder)
        self._sampler = Sampler(
            policy.sampling,
            slots=max_streams,
            vocabulary=text.vocab_size,
            end_ids=tokenizer.end_ids,
            device=self.device,
            suppressed=[tokenizer.single(text) for text in policy.sampling.suppress_tokens],
        )
        self._speaker = Speaker(
            model,
            self._language,
            self.cache,
            self._sampler,
            recorder,
            max_tokens=policy.sampling.max_new_tokens,
        )
        self._free_slots = list(range(max_streams))
        settle(self.device)

    @classmethod
    def load(
        cls,
        folder: Path,
        policy: StreamPolicy,
        *,
        device: torch.device,
        dtype: torch.dtype,
        max_streams: int = 1,
        attention: AttentionKernel = AttentionKernel.AUTO,
        graphs: bool = True,
    ) -> Self:
        """An engine for the checkpoint in `folder`; `ModelError` if it cannot be used. `dtype` is one of `DTYPES`."""
        tokenizer = Tokenizer(folder)
        preprocessor = load_preprocessor(folder)
        config = load_config(folder)
        preprocessor.require_fit(config.vision)
        tokenizer.require_within(config.text.vocab_size)
        computing = computing_dtype(dtype, device)
        return cls(
            load_model(folder, device=device, dtype=computing),
            preprocessor,
            tokenizer,
            policy,
            max_streams=max_streams,
            attention=attention,
            graphs=graphs,
            fp8=computing != dtype,
        )

    @staticmethod
    def footprint(
        folder: Path, policy: StreamPolicy, *, device: torch.device, dtype: torch.dtype, max_streams: int = 1
    ) -> Footprint:
        """What `load` with the same arguments will take, without loading anything; `ModelError` as there."""
        computing = computing_dtype(dtype, device)
        return footprint(
            load_config(folder),
            policy,
            Prompt(Tokenizer(folder), policy),
            streams=max_streams,
            value_bytes=computing.itemsize,
            fp8=computing != dtype,
        )

    def estimate(self) -> Footprint:
        """What `footprint` says of this engine."""
        return footprint(
            self.model.config,
            self.policy,
            self.prompt,
            streams=self.max_streams,
            value_bytes=self.dtype.itemsize,
            fp8=self.fp8,
        )

    @property
    def max_streams(self) -> int:
        """How many can be open side by side."""
        return len(self.cache.lengths)

    @property
    def number_format(self) -> str:
        """Of the weights, as `--dtype` names it."""
        return "fp8" if self.fp8 else dtype_name(self.dtype)

    def open(self, *, query: str | None = None, context: str = "", seed: int = 0) -> StreamState:
        """A new stream in a free slot. `query` defaults to the policy's; `context` stands before all that is said."""
        words = self.policy.prompt
        query_ids = self.prompt.text_ids(words.query if query is None else query)
        if len(query_ids) > words.max_query_tokens:
            raise UsageError(
                f"The query has {len(query_ids)} tokens; there is room for {words.max_query_tokens}.",
                "Shorten it, give the background as context, or raise prompt.max_query_tokens in the policy.",
            )
        if not self._free_slots:
            raise UsageError(
                f"All {self.max_streams} streams of this engine are open.",
                "Close one, or load the engine with a larger max_streams.",
            )
        slot = self._free_slots.pop(0)
        options = StreamOptions(query_ids, self.prompt.text_ids(context), seed, self.policy.windows.carried_tokens)
        return StreamState(slot, options, self._release)

    def _release(self, slot: int) -> None:
        self.cache.clear(slot)
        insort(self._free_slots, slot)  # the first is taken first: neighbours attend together

    def step(self, requests: Sequence[Request], *, observe: Observer | None = None) -> Iterator[TokenEvent | Segment]:
        """One round of each requested stream: token events as they are generated, each stream's Segment at its end.

        `CapacityError` comes before any stream has changed. A caller that stops listening ends the round: what was
        said so far is what was said.
        """
        started = time.perf_counter()
        assert len({request.stream.slot for request in requests}) == len(requests), "one round a stream a step"
        requests = sorted(requests, key=lambda request: request.stream.slot)  # neighbours in the cache attend together
        features = self._look([request.chunk for request in requests])  # while the device looks, the host plans
        turns = [self._planner.plan(request) for request in requests]
        self._make_room(turns)
        logits = self._read(turns, features)
        try:
            yield from self._speak(turns, logits, started, observe)
        finally:
            for turn in turns:
                if not turn.done:
                    self._commit(turn)

    @torch.inference_mode()
    def _look(self, chunks: Sequence[Chunk]) -> Sequence[Tensor]:
        """Features of each chunk: the vision tower over all of them, each alone, in one batch.

        Nothing at all under a policy that shows no pixels.
        """
        patches, grids, counts = [], [], []
        for size, group in groupby(chunks, key=self._planner.shown_size):
            if size is None:
                return ()
            whole = [self.preprocessor.whole_pairs(chunk.frames) for chunk in group]
            frames = [frame for chunk in whole for frame in chunk]
            part, grid = self.preprocessor.patches(frames, *size, device=self.device, dtype=self.dtype)
            patches.append(part)
            grids.append(grid)
            counts += [self.preprocessor.tokens(self.preprocessor.grid(len(chunk), *size)) for chunk in whole]
        with flash.steady():
            return torch.split(self._vision(torch.cat(patches), grids), counts)

    @torch.inference_mode()
    def _make_room(self, turns: Sequence[Turn]) -> None:
        """Forget what the plans leave out; give what is left its positions; append what is to be read."""
        unkeyed = [(turn.stream, count) for turn in turns if (count := self._planner.moving_without_keys(turn))]
        if unkeyed:
            self._feed(*zip(*unkeyed, strict=True))
        moves: list[Move] = []
        where: list[Positions] = []
        for turn in turns:
            stream, move = turn.stream, self._rewrite(turn)
            if move.count:
                moves.append(move)
                where.append(stream.positions[move.start : move.start + move.count])
            turn.uniforms = stream.random.random(self.policy.sampling.max_new_tokens).tolist()
        if moves:
            self.cache.move(moves, *self._angles(np.concatenate(where)))

    def _rewrite(self, turn: Turn) -> Move:
        """The stream's memory without what the plan leaves out, and with what is to be read; which of its keys and
        values have to move for that.
        """
        stream, kept = turn.stream, turn.kept
        keyed = () if self.policy.mode is Mode.WINDOW_OVERLAP else _below(kept.stretches, stream.keyed)
        stream.keyed = sum(map(len, keyed))
        whole = kept.stretches == (range(len(stream.positions)),)
        if not turn.restarts and (whole or self.policy.mode is Mode.NATIVE_POSITIONS):
            stream.spans = kept.spans
            if not whole:
                stream.positions = stream.positions[kept.order]
            self._append(stream, turn.new)
        else:
            stream.spans = kept.spans + turn.new
            stream.positions, stream.next_position = self._planner.positions(stream.spans)
        if stream.features:
            seen = {span.round for span in stream.spans if span.grid is not None}
            stream.features = {round_: stream.features[round_] for round_ in stream.features.keys() & seen}
        return self.cache.keep(stream.slot, keyed)

    def _append(self, stream: StreamState, spans: tuple[Span, ...]) -> None:
        new, stream.next_position = self._planner.positions(spans, stream.next_position)
        stream.positions = np.concatenate([stream.positions, new])
        stream.spans += spans

    @torch.inference_mode()
    def _read(self, turns: Sequence[Turn], features: Sequence[Tensor]) -> Tensor:
        """Prefill all ids that have no keys yet; logits ``[B, V]`` for each stream's first token.

        `features` are of what each has just been shown.
        """
        streams = [turn.stream for turn in turns]
        if features:
            for stream, feature in zip(streams, features, strict=True):
                stream.features[stream.rounds] = feature
        self._sampler.begin([stream.slot for stream in streams], (distinct(stream.spans) for stream in streams))
        logits = self._feed(streams, [len(stream.positions) - stream.keyed for stream in streams])
        if self.policy.mode is not Mode.WINDOW_OVERLAP:
            for stream in streams:
                stream.features.clear()
        return logits

    def _feed(self, streams: Sequence[StreamState], counts: Sequence[int]) -> Tensor:
        """Run so many of each stream's next ids, of which it has spans and positions already; logits ``[B, V]``."""
        ids: list[int] = []
        pads: list[int] = []  # which of them the features replace
        features: list[Tensor] = []
        where: list[Positions] = []
        for stream, count in zip(streams, counts, strict=True):
            spans, known = last(stream.spans, len(stream.positions) - stream.keyed)
            offset, stop = len(ids) - known, len(ids) + count
            for span in spans:
                if span.grid is not None and len(ids) <= offset < stop:
                    pads += range(offset + 1, offset + len(span) - 1)
                    features.append(stream.features[span.round])
                offset += len(span)
            ids += flatten(spans)[known : known + count]
            where.append(stream.positions[stream.keyed : stream.keyed + count])
        batch = Ragged(tuple(stream.slot for stream in streams), tuple(counts))
        logits = self._reader.read(batch, ids, np.concatenate(where), pads, features)
        for stream, count in zip(streams, counts, strict=True):
            stream.keyed += count
        return logits

    def _speak(
        self, turns: Sequence[Turn], logits: Tensor, started: float, observe: Observer | None
    ) -> Iterator[TokenEvent | Segment]:
        """Draw tokens until every stream has ended its round."""
        speaking = list(turns)
        voice = self._speaker.begin(speaking, logits, observe)
        while speaking:
            for turn, token in zip(speaking, voice.hear(), strict=True):
                yield self._hear(turn, token)
                if turn.done:
                    yield self._segment(turn, time.perf_counter() - started)
            going = [not turn.done for turn in speaking]
            speaking = list(compress(speaking, going))
            voice.keep(going)

    def _hear(self, turn: Turn, token: int) -> TokenEvent:
        """Take note of a token; the last one ends the round and commits it to the stream's memory."""
        stream, round_ = turn.stream, turn.stream.rounds
        turn.generated.append(token)
        text = turn.text.push(token)
        ended = turn.request.forced_count is None and token in self.tokenizer.end_ids
        if ended or len(turn.generated) == turn.limit:
            text += turn.text.finish()
            self._commit(turn)
        return TokenEvent(stream.slot, round_, token, text)

    def _commit(self, turn: Turn) -> None:
        """The round is over: its words become part of the sequence. Its last tokens get their keys in the next one."""
        stream, generated = turn.stream, tuple(turn.generated)
        turn.done = True
        answer = self.prompt.answer(stream.rounds, generated)
        stream.own_words.extend(self.prompt.moving_words(answer[0].ids))
        self._append(stream, answer)
        stream.rounds += 1

    def _segment(self, turn: Turn, work_s: float) -> Segment:
        chunk = turn.request.chunk
        return Segment(
            stream=turn.stream.slot,
            round=turn.stream.rounds - 1,
            start_s=chunk.start_s,
            end_s=chunk.end_s,
            text=turn.text.text,
            token_ids=tuple(turn.generated),
            work_s=work_s,
            wall_clock_s=chunk.wall_clock_s,
            container_s=chunk.container_s,
            gap_s=chunk.gap_s,
            dropped=chunk.dropped,
        )

    def _angles(self, where: Positions) -> tuple[Tensor, Tensor]:
        return ops.rotary_tables(upload(where.astype(np.float32), self.device), self.model.language.rotary)


def _cache(text: TextConfig, slots: int, capacity: int, device: torch.device, dtype: torch.dtype) -> KVCache:
    return KVCache(
        layers=text.num_hidden_layers,
        slots=slots,
        capacity=capacity,
        heads=text.num_key_value_heads,
        head_size=text.head_dim,
        device=device,
        dtype=dtype,
    )


def _below(stretches: tuple[range, ...], stop: int) -> tuple[range, ...]:
    """What of them lies below `stop`. Tokens without keys come last, so that is their front."""
    cut = tuple(range(one.start, min(one.stop, stop)) for one in stretches if one.start < stop)
    assert cut[:-1] == stretches[: len(cut)][:-1], "tokens without keys come last"
    return cut
