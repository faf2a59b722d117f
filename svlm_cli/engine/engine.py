"""The streaming engine: weights + policy + chunks -> token events and segments.

`Engine.step` is one round of any of the open streams. Knows no file format, no subtitle and no terminal.
"""

import math
import time
from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.core.types import Segment, TokenEvent
from svlm_cli.engine import snapshot
from svlm_cli.engine.cache import KVCache
from svlm_cli.engine.decode import DecodeRunner, Observer
from svlm_cli.engine.footprint import NO_QUESTIONS, Footprint, Questions, footprint, slot_tokens
from svlm_cli.engine.plan import Plan, Planner, Request, query_ids
from svlm_cli.engine.prefill import Prefill, Unread
from svlm_cli.engine.prompt import Prompt, distinct
from svlm_cli.engine.sampling import Sampler
from svlm_cli.engine.stream import StreamOptions, StreamState
from svlm_cli.engine.tokenizer import TextStream, Tokenizer
from svlm_cli.engine.turn import Turn
from svlm_cli.networks.network import FusedLanguage, FusedVision, Network
from svlm_cli.networks.pixels import Preprocessor, framed
from svlm_cli.networks.weights import load_family, load_network, load_preprocessor


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """A network in the form that engines run: weights only, which several engines can share."""

    vision: FusedVision
    language: FusedLanguage
    fp8: bool

    @classmethod
    def of(cls, network: Network, recorder: Graphs, *, fp8: bool) -> Self:
        """Call once per network: a second call would copy the weights, or find none left after rounding to fp8."""
        return cls(network.fused_vision(recorder), network.fused_language(fp8=fp8), fp8)


class Engine:
    """A checkpoint on a device, with a pool of `max_streams` stream slots, all under one policy."""

    def __init__(
        self,
        network: Network,
        preprocessor: Preprocessor,
        tokenizer: Tokenizer,
        policy: StreamPolicy,
        *,
        max_streams: int = 1,
        questions: Questions = NO_QUESTIONS,
        attention: AttentionKernel = AttentionKernel.AUTO,
        graphs: bool = True,
        fp8: bool = False,
        fused: Fused | None = None,
    ) -> None:
        """`fp8` rounds the decoder's weights in place; the network cannot undo that.

        `questions` sets how many forks there can be besides the streams. `graphs` lets a GPU record and replay repeated
        work; it has no effect elsewhere. `fused` is another engine's fused form of the same network (its attribute
        `fused`), and determines whether weights are in fp8. `UsageError` if the attention kernel cannot be used here.
        """
        self.network, self.family = network, network.family
        self.preprocessor, self.tokenizer, self.policy = preprocessor, tokenizer, policy
        self.prompt = Prompt(tokenizer, policy, self.family)
        self.max_streams, self.questions = max_streams, questions
        weight = next(network.parameters())
        self.device, self.dtype = weight.device, weight.dtype
        slots, shape = max_streams + questions.forks, self.family.language
        self.cache = KVCache(
            layers=shape.num_hidden_layers,
            slots=slots,
            capacity=slot_tokens(self.prompt, policy, self.family, questions),
            heads=shape.num_key_value_heads,
            head_size=shape.head_dim,
            device=self.device,
            dtype=self.dtype,
        )
        most = max(policy.sampling.max_new_tokens, questions.answer_tokens if questions.forks else 0)
        self._planner = Planner(self.prompt, policy, self.family, preprocessor, capacity=self.cache.capacity, most=most)
        self.attention = flash.choose(attention, self.device, self.dtype)
        kernels = flash.causal(self.attention, self.device, self.dtype)
        recorder = Graphs(self.device, enabled=graphs)
        self.fused = Fused.of(network, recorder, fp8=fp8) if fused is None else fused
        self._vision, language = self.fused.vision, self.fused.language
        self._prefiller = Prefill(network, language, self.cache, kernels, recorder)
        self._sampler = Sampler(
            policy.sampling,
            slots=slots,
            vocabulary=shape.vocab_size,
            end_ids=tokenizer.end_ids,
            token_id=tokenizer.single,
            device=self.device,
        )
        self._decoder = DecodeRunner(network, language, self.cache, self._sampler, recorder, max_tokens=most)
        self._free_slots = list(range(max_streams))
        self._free_forks = list(range(max_streams, slots))
        settle(self.device)

    @classmethod
    def load(
        cls,
        folder: Path,
        policy: StreamPolicy,
        *,
        device: torch.device,
        dtype: torch.dtype,
        adapter: Path | None = None,
        max_streams: int = 1,
        questions: Questions = NO_QUESTIONS,
        attention: AttentionKernel = AttentionKernel.AUTO,
        graphs: bool = True,
    ) -> Self:
        """An engine for the checkpoint in `folder`, with an optional adapter folder merged into it.

        `dtype` is one of `DTYPES`. `ModelError` if the checkpoint cannot be used.
        """
        tokenizer = Tokenizer(folder)
        family = load_family(folder)
        preprocessor = load_preprocessor(folder, family)
        tokenizer.require_within(family.language.vocab_size)
        computing = computing_dtype(dtype, device)
        return cls(
            load_network(folder, device=device, dtype=computing, adapter=adapter),
            preprocessor,
            tokenizer,
            policy,
            max_streams=max_streams,
            questions=questions,
            attention=attention,
            graphs=graphs,
            fp8=computing != dtype,
        )

    @staticmethod
    def footprint(
        folder: Path,
        policy: StreamPolicy,
        *,
        device: torch.device,
        dtype: torch.dtype,
        max_streams: int = 1,
        questions: Questions = NO_QUESTIONS,
    ) -> Footprint:
        """The memory that `load` with the same arguments will need, without loading anything; `ModelError` as there."""
        computing = computing_dtype(dtype, device)
        family = load_family(folder)
        return footprint(
            family,
            policy,
            Prompt(Tokenizer(folder), policy, family),
            streams=max_streams,
            questions=questions,
            value_bytes=computing.itemsize,
            fp8=computing != dtype,
        )

    def estimate(self) -> Footprint:
        """The result of `footprint` for this engine."""
        return footprint(
            self.family,
            self.policy,
            self.prompt,
            streams=self.max_streams,
            questions=self.questions,
            value_bytes=self.dtype.itemsize,
            fp8=self.fp8,
        )

    @property
    def fp8(self) -> bool:
        """Whether the decoder's weights are in fp8."""
        return self.fused.fp8

    @property
    def number_format(self) -> str:
        """The format of the weights, as `--dtype` names it."""
        return "fp8" if self.fp8 else dtype_name(self.dtype)

    def open(self, *, query: str | None = None, context: str = "", seed: int = 0) -> StreamState:
        """A new stream in a free slot. `query` defaults to the policy's; `context` precedes all words."""
        words, policy = self.policy.prompt, self.policy
        asked = query_ids(self.prompt, words, words.query if query is None else query)
        if not self._free_slots:
            raise UsageError(
                "All streams of this engine are open.",
                "Close one that was left early, or load the engine with a larger max_streams.",
            )
        options = StreamOptions(
            asked,
            self.prompt.text_ids(context),
            seed,
            axes=self.family.axes,
            carried_tokens=policy.windows.carried_tokens,
            recomputes=policy.mode.recomputes,
        )
        return StreamState(self._free_slots.pop(0), options, self._release)

    def fork(self, stream: StreamState) -> StreamState:
        """A copy of a stream in its own slot, for questions about its memory; the stream is unaffected.

        Between two rounds only. `UsageError` if all of the engine's forks are open.
        """
        if not self._free_forks:
            raise UsageError(
                f"All {self.questions.forks} forks of this engine are open.",
                "Close one, or load the engine with room for more questions.",
            )
        slot = self._free_forks.pop(0)
        self.cache.copy(stream.slot, slot)
        return stream.fork(slot, self._release)

    def save(self, stream: StreamState, path: Path) -> None:
        """Save a stream's whole state, atomically. Call between two rounds. Raises `OutputError`."""
        snapshot.save(path, stream, self.cache, self.policy)

    def saved_bytes(self, stream: StreamState) -> int:
        """Approximate size of what `save` writes."""
        return snapshot.saved_bytes(stream, self.cache)

    def restore(self, stream: StreamState, path: Path) -> None:
        """Restore saved state into a newly opened stream with the same options.

        `InputError` if the file is not a snapshot for this model, policy and options; the stream is then still new.
        """
        snapshot.restore(path, stream, self.cache, self.policy)

    def _release(self, slot: int) -> None:
        self.cache.clear(slot)
        insort(self._free_slots if slot < self.max_streams else self._free_forks, slot)  # neighbours share calls

    def step(self, requests: Sequence[Request], *, observe: Observer | None = None) -> Iterator[TokenEvent | Segment]:
        """One round of each requested stream: yields token events as they are generated, and each stream's Segment.

        In this order: the vision tower encodes the chunks while the host plans; what the plans evict is removed from
        the caches, and each stream takes the state in its plan; tokens without keys are prefilled; tokens are decoded
        until every stream has ended its round; each round is committed to its stream's memory.

        `CapacityError` and `UsageError` are raised before any stream has changed. If the caller stops iterating, the
        round ends with the tokens generated so far.
        """
        started = time.perf_counter()
        assert len({request.stream.slot for request in requests}) == len(requests), "one round a stream a step"
        requests = sorted(requests, key=lambda request: request.stream.slot)  # neighbouring slots share attention calls
        features = self._look(requests)
        plans = [self._planner.plan(request, self.cache.lengths[request.stream.slot]) for request in requests]
        self._evict(plans)
        for plan, seen in zip(plans, features, strict=True):
            plan.stream.apply(plan, seen)
        logits = self._prefill(plans)
        turns = [Turn(plan, TextStream(self.tokenizer, self.policy.prompt.marker)) for plan in plans]
        try:
            yield from self._decode(turns, logits, started, observe)
        finally:
            for turn in turns:
                if not turn.done:
                    self._commit(turn)

    @torch.inference_mode()
    def _look(self, requests: Sequence[Request]) -> Sequence[Tensor | None]:
        """Features of each request's chunk: the vision tower encodes all chunks in one batch, without mixing them.

        None for a question, and under a policy that shows no pixels.
        """
        shown = [
            (index, request.chunk, size)
            for index, request in enumerate(requests)
            if request.chunk is not None and (size := self._planner.shown_size(request.chunk)) is not None
        ]
        found: list[Tensor | None] = [None] * len(requests)
        if not shown:
            return found
        patches, grids, counts, aspect = [], [], [], self.policy.vision.aspect
        for size, group in groupby(shown, key=lambda one: one[2]):
            shown_frames = [[framed(frame, aspect) for frame in chunk.frames] for _, chunk, _ in group]
            whole = [self.preprocessor.whole_steps(frames) for frames in shown_frames]
            frames = [frame for chunk in whole for frame in chunk]
            part, grid = self.preprocessor.patches(frames, *size, device=self.device, dtype=self.dtype)
            patches.append(part)
            grids.append(grid)
            counts += [math.prod(self.preprocessor.merged_grid(len(chunk), *size)) for chunk in whole]
        with flash.steady():
            features = torch.split(self._vision(torch.cat(patches), grids), counts, dim=1)
        for (index, _, _), feature in zip(shown, features, strict=True):
            found[index] = feature
        return found

    @torch.inference_mode()
    def _evict(self, plans: Sequence[Plan]) -> None:
        """Remove evicted keys and values, and rotate the keys of moved tokens to their new positions."""
        if unread := [self._unread(plan.stream, plan.read_first) for plan in plans if plan.read_first]:
            self._prefiller.run(unread)
        moves = [(plan, self.cache.keep(plan.stream.slot, plan.kept)) for plan in plans]
        where = [plan.positions[move.start : move.start + move.count] for plan, move in moves]
        if any(map(len, where)):
            angles = upload(np.concatenate(where).astype(np.float32), self.device)
            self.cache.move([move for _, move in moves if move.count], *ops.rotary_tables(angles, self.network.rotary))

    @torch.inference_mode()
    def _prefill(self, plans: Sequence[Plan]) -> Tensor:
        """Prefill all tokens that have no keys; logits ``[B, V]`` for each stream's first token."""
        streams = [plan.stream for plan in plans]
        slots, contexts = [stream.slot for stream in streams], (distinct(stream.spans) for stream in streams)
        self._sampler.begin(slots, contexts, [plan.sampling for plan in plans])
        return self._prefiller.run([self._unread(plan.stream, plan.prefilled) for plan in plans])

    def _unread(self, stream: StreamState, count: int) -> Unread:
        return Unread(stream.slot, stream.spans, stream.positions, stream.features, count)

    def _decode(
        self, turns: Sequence[Turn], logits: Tensor, started: float, observe: Observer | None
    ) -> Iterator[TokenEvent | Segment]:
        """Decode tokens until every stream has ended its round."""
        speaking = list(turns)
        decoding = self._decoder.begin(speaking, logits, observe)
        while speaking:
            for turn, token in zip(speaking, decoding.next_tokens(), strict=True):
                yield self._note(turn, token)
                if turn.done:
                    yield turn.segment(time.perf_counter() - started)
            going = [not turn.done for turn in speaking]
            speaking = list(compress(speaking, going))
            decoding.keep(going)

    def _note(self, turn: Turn, token: int) -> TokenEvent:
        """Record a token; the last one ends the round and commits it to the stream's memory."""
        stream, round_ = turn.stream, turn.stream.rounds
        turn.generated.append(token)
        text = turn.text.push(token)
        ended = turn.plan.request.forced_count is None and token in self.tokenizer.end_ids
        if ended or len(turn.generated) == turn.plan.limit:
            text += turn.text.finish()
            self._commit(turn)
        return TokenEvent(stream.slot, round_, token, text)

    def _commit(self, turn: Turn) -> None:
        turn.done = True
        answer = self._planner.answer(turn.plan, turn.generated)
        self.cache.claim(turn.stream.slot, answer.keyed)
        turn.stream.commit(answer)
