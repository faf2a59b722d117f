"""Decode: one token per step for a batch of streams, without synchronising with the device.

All inputs of a step are on the device: the active streams, their last tokens, the rows for the keys of these, and the
random numbers that choose the next tokens. So a step can be recorded as a CUDA graph, and the next one launched before
the host has read the tokens of the last. Knows no video and no words.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import compress

import numpy as np
import torch
from torch import Tensor

from svlm_cli.compute import ops
from svlm_cli.compute.device import upload
from svlm_cli.compute.graphs import Graphs
from svlm_cli.core.policy import SamplingPolicy
from svlm_cli.engine.cache import KVCache
from svlm_cli.engine.sampling import Sampler
from svlm_cli.engine.stream import StreamState
from svlm_cli.engine.turn import Turn
from svlm_cli.networks.network import FusedLanguage, Network

Observer = Callable[[StreamState, Tensor], None]
"""Called with a stream and the raw logits ``[V]`` from which its next token is about to be chosen."""

RowPolicies = Mapping[SamplingPolicy, Sequence[int]]
"""The rows of a step that each policy samples."""

_DRAWN = -1  # no token is forced here


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The rows of a step, on the device: B at most, with room for T tokens of a round."""

    tokens: Tensor  # [B] the last token of each
    slots: Tensor  # [B] in the cache
    lengths: Tensor  # [B] keys in the slot before this token
    endless: Tensor  # [B] 1 if the round may not end yet
    forced: Tensor  # [B, T] tokens to use instead of the sampled ones, or _DRAWN
    positions: Tensor  # [B] of the last token, float32
    uniforms: Tensor  # [B, T] float32
    said: Tensor  # [1] number of tokens so far

    def first(self, count: int) -> "_Rows":
        """Views of the first `count` rows."""
        return replace(self, **{name: getattr(self, name)[:count] for name in _OF_ROWS})

    @classmethod
    def empty(cls, rows: int, tokens: int, device: torch.device) -> "_Rows":
        """Allocate `rows` rows, each with room for `tokens` tokens."""
        ids, many = torch.zeros(4, rows, device=device, dtype=torch.int64), (rows, tokens)
        return cls(
            tokens=ids[0],
            slots=ids[1],
            lengths=ids[2],
            endless=ids[3],
            forced=torch.zeros(many, device=device, dtype=torch.int64),
            positions=torch.zeros(rows, device=device),
            uniforms=torch.zeros(many, device=device),
            said=torch.zeros(1, device=device, dtype=torch.int64),
        )


_OF_ROWS = tuple(one.name for one in fields(_Rows) if one.name != "said")


class DecodeRunner:
    """Runs the decode steps of one engine."""

    def __init__(
        self,
        network: Network,
        language: FusedLanguage,
        cache: KVCache,
        sampler: Sampler,
        graphs: Graphs,
        *,
        max_tokens: int,
    ) -> None:
        """`max_tokens` is the limit of a round."""
        self._network, self._language, self._cache, self._sampler = network, language, cache, sampler
        self._graphs = graphs
        self.device = cache.keys.device
        self._rows = _Rows.empty(len(cache.lengths), max_tokens, self.device)

    @property
    def policy(self) -> SamplingPolicy:
        """The policy of rows that have none of their own."""
        return self._sampler.policy

    @property
    def ahead(self) -> int:
        """How many steps are launched before the host reads the tokens of the first: one, on a GPU."""
        return int(self.device.type == "cuda")

    @torch.inference_mode()
    def begin(self, turns: Sequence[Turn], logits: Tensor, observe: Observer | None = None) -> "Decoding":
        """Start a round of `turns`, whose first tokens are chosen from `logits` ``[B, V]``."""
        return Decoding(self, turns, logits, observe)

    def width(self, count: int) -> int:
        """The number of rows in a step for `count` streams: with graphs, one of a few fixed numbers."""
        return recorded_width(count, len(self._rows.tokens)) if self._graphs.enabled else count

    def fill(self, turns: Sequence[Turn], width: int) -> None:
        """Give each turn a row. Spare rows duplicate the first, so their writes are harmless."""
        most = self._rows.forced.shape[1]
        whole = np.full((width, 3 + most), _DRAWN, np.int64)
        real = np.zeros((width, 1 + most), np.float32)
        for row in range(width):
            turn = turns[row] if row < len(turns) else turns[0]
            stream, request = turn.stream, turn.plan.request
            whole[row, :3] = stream.slot, self._cache.lengths[stream.slot], request.forced_count is not None
            if request.forced_ids is not None:
                whole[row, 3 : 3 + len(request.forced_ids)] = request.forced_ids
            real[row, : 1 + len(stream.uniforms)] = stream.next_position, *stream.uniforms
        rows = self._rows.first(width)
        integers, floats = upload(whole, self.device), upload(real, self.device)
        for index, tensor in enumerate((rows.slots, rows.lengths, rows.endless)):
            tensor.copy_(integers[:, index])
        rows.forced.copy_(integers[:, 3:])
        rows.positions.copy_(floats[:, 0])
        rows.uniforms.copy_(floats[:, 1:])
        rows.said.zero_()

    def move_up(self, rows: Sequence[int], width: int) -> None:
        """Keep only `rows`, in this order."""
        taken = upload([rows[index] if index < len(rows) else rows[0] for index in range(width)], self.device)
        for name in _OF_ROWS:
            tensor = getattr(self._rows, name)
            tensor[:width] = tensor.index_select(0, taken)

    def advance(
        self, width: int, observe: Callable[[Tensor], None] | None = None, policies: RowPolicies | None = None
    ) -> None:
        """One step of the first `width` rows; `policies` is needed if some rows have policies of their own."""
        if observe is None and policies is None:
            self._graphs.run(width, lambda: self.choose(self._read(width)))
            return
        logits = self._read(width)
        if observe is not None:
            observe(logits)
        self.choose(logits, policies)

    def choose(self, logits: Tensor, policies: RowPolicies | None = None) -> None:
        """Choose the next token of each row, from `logits` ``[B, V]``."""
        rows = self._rows.first(len(logits))
        uniforms = rows.uniforms.index_select(1, rows.said).squeeze(1)
        if policies is None:
            drawn = self._sampler.draw(logits, rows.slots, uniforms, rows.endless)
        else:
            drawn = torch.empty_like(rows.tokens)
            for policy, indices in policies.items():
                taken = upload(indices, self.device)
                slots, endless = rows.slots.index_select(0, taken), rows.endless.index_select(0, taken)
                some, numbers = logits.index_select(0, taken), uniforms.index_select(0, taken)
                drawn.index_copy_(0, taken, self._sampler.draw(some, slots, numbers, endless, policy))
        forced = rows.forced.index_select(1, rows.said).squeeze(1)
        rows.tokens.copy_(torch.where(forced == _DRAWN, drawn, forced))
        self._sampler.remember(rows.slots, rows.tokens)
        rows.said.add_(1).clamp_(max=rows.forced.shape[1] - 1)

    def fetch(self, width: int) -> Callable[[], list[int]]:
        """Start copying the tokens of the first `width` rows to the host; the returned function waits for them."""
        tokens = self._rows.tokens[:width]
        if self.device.type != "cuda":
            values: list[int] = tokens.tolist()
            return lambda: values
        host = torch.empty(width, dtype=torch.int64, pin_memory=True)
        host.copy_(tokens, non_blocking=True)
        there = torch.cuda.Event()  # type: ignore[no-untyped-call]
        there.record()

        def wait() -> list[int]:
            there.synchronize()
            arrived: list[int] = host.tolist()
            return arrived

        return wait

    def _read(self, width: int) -> Tensor:
        """Feed each row its last token; logits ``[B, V]``."""
        rows, cache = self._rows.first(width), self._cache
        where = rows.positions[:, None].expand(-1, self._network.family.axes)  # text has equal positions on all axes
        cos, sin = ops.rotary_tables(where, self._network.rotary)
        # A stream that has finished may still occupy a row: its writes go past its end.
        place = rows.lengths.clamp(max=cache.capacity - 1)
        at = rows.slots * cache.capacity + place
        lengths = place + 1

        def attend(layer: int, qkv: Tensor) -> Tensor:
            query = cache.store(layer, at, qkv, cos, sin)
            return ops.decode_attention(query, cache.rotated_keys[layer], cache.values[layer], rows.slots, lengths)

        hidden = self._language(self._network.embed(rows.tokens), attend)
        rows.lengths.add_(1)
        rows.positions.add_(1)
        return self._language.logits(hidden)


class Decoding:
    """One round of several streams, token by token. Steps are launched ahead of the caller."""

    def __init__(self, decoder: DecodeRunner, turns: Sequence[Turn], logits: Tensor, observe: Observer | None) -> None:
        self._decoder, self._observe = decoder, observe
        self._speaking = list(turns)
        self._in_rows: tuple[Turn, ...] = tuple(turns)  # one per row
        self._width = decoder.width(len(turns))
        self._policies = self._own_policies()
        self._said = 0  # number of tokens launched
        self._coming: deque[tuple[tuple[Turn, ...], Callable[[], list[int]]]] = deque()
        decoder.fill(turns, self._width)
        if self._observe is not None:
            self._show(logits)
        decoder.choose(_padded(logits, self._width), self._policies)
        self._expect()

    @torch.inference_mode()
    def next_tokens(self) -> list[int]:
        """The next token of every active stream. The only place where a round waits for the device."""
        ahead = 0 if self._observe is not None else self._decoder.ahead
        while len(self._coming) <= ahead and self._said < max(turn.plan.limit for turn in self._speaking):
            self._decoder.advance(self._width, None if self._observe is None else self._show, self._policies)
            self._expect()
        in_rows, fetch = self._coming.popleft()
        tokens = dict(zip(map(id, in_rows), fetch(), strict=False))
        return [tokens[id(turn)] for turn in self._speaking]

    @torch.inference_mode()
    def keep(self, going: Sequence[bool]) -> None:
        """Drop the streams whose round has ended: `going` is False for them."""
        self._speaking = list(compress(self._speaking, going))
        width = self._decoder.width(len(self._speaking)) if self._speaking else 0
        if 0 < width < self._width:
            rows = [self._in_rows.index(turn) for turn in self._speaking]
            self._decoder.move_up(rows, width)
            self._in_rows, self._width = tuple(self._speaking), width
            self._policies = self._own_policies()

    def _own_policies(self) -> RowPolicies | None:
        """The rows of each policy; None if all use the engine's policy."""
        policies = [turn.plan.sampling for turn in self._in_rows]
        if all(policy == self._decoder.policy for policy in policies):
            return None
        policies += policies[:1] * (self._width - len(policies))
        return {
            policy: [row for row, one in enumerate(policies) if one == policy] for policy in dict.fromkeys(policies)
        }

    def _expect(self) -> None:
        self._said += 1
        self._coming.append((self._in_rows, self._decoder.fetch(self._width)))

    def _show(self, logits: Tensor) -> None:
        assert self._observe is not None, "somebody looks"
        rows = dict(zip(map(id, self._in_rows), logits, strict=False))
        for turn in self._speaking:
            self._observe(turn.stream, rows[id(turn)].clone())


def recorded_width(count: int, most: int) -> int:
    """The number of rows in a recorded step for `count` streams, of at most `most`."""
    rounded = 1 << (count - 1).bit_length() if count <= 8 else -(-count // 8) * 8
    return min(rounded, most)


def _padded(logits: Tensor, width: int) -> Tensor:
    """Padded to `width` rows by repeating the first."""
    missing = width - len(logits)
    return torch.cat((logits, logits[:1].expand(missing, -1))) if missing else logits
