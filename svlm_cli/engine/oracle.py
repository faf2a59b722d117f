"""The streaming step again, naive and slow: the reference for every fast path.

One stream, one Python object per token, keys concatenated and rotated at every use, attention written out. It shares
with the engine the networks (which are tested against transformers) and the tokenizer, but nothing that is optimised:
not its spans, eviction, positions, cache, attention or sampling.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from svlm_cli.compute.rotary import rotate
from svlm_cli.core.policy import MarkerRule, Mode, StreamPolicy
from svlm_cli.core.types import Chunk, Picture
from svlm_cli.engine.tokenizer import Tokenizer
from svlm_cli.networks.family import Grid, TimeText, VisionToken
from svlm_cli.networks.network import DeepFeatures, Network
from svlm_cli.networks.pixels import Preprocessor


@dataclass(slots=True, eq=False)
class Token:
    """One token of the sequence, with everything that belongs to it."""

    id: int
    role: str
    round: int = -1
    features: Tensor | None = None  # of a video pad, ``[F, D]``
    place: tuple[float, ...] | None = None  # of a video pad: its position within its block
    reach: float | None = None  # of the first video pad of a block: the block's largest position
    position: tuple[float, ...] | None = None
    keys: list[Tensor] = field(default_factory=list)  # one per layer, ``[K, D]``, unrotated
    values: list[Tensor] = field(default_factory=list)


class Oracle:
    """One stream under a policy. `tokens` is its sequence."""

    def __init__(
        self,
        network: Network,
        preprocessor: Preprocessor,
        tokenizer: Tokenizer,
        policy: StreamPolicy,
        *,
        query: str | None = None,
        context: str = "",
        seed: int = 0,
    ) -> None:
        self.network, self.preprocessor, self.tokenizer, self.policy = network, preprocessor, tokenizer, policy
        self.query = policy.prompt.query if query is None else query
        self.context = tokenizer.encode(context.strip())
        self.random = np.random.default_rng(seed)
        self.tokens: list[Token] = []
        self.round = 0
        self.own_words: list[int] = []
        self.largest = -1.0  # largest position so far
        self.again: list[Token] = []  # mode `recent`: tokens to show once more
        self.marker = tokenizer.encode(policy.prompt.marker)
        markup = policy.prompt.markup
        self.start, self.end = tokenizer.special(markup.turn_start), tokenizer.special(markup.turn_end)
        self.pad = tokenizer.special(markup.video_pad)
        self.suppressed = [tokenizer.encode(text) for text in policy.sampling.suppress_tokens]

    @torch.no_grad()
    def step(self, chunk: Chunk, forced_ids: tuple[int, ...] | None = None) -> tuple[list[int], list[Tensor]]:
        """One round: the generated ids, and the raw logits ``[V]`` that each was chosen from."""
        restarts = self._forget(chunk)
        self._ask(chunk, restarts)
        uniforms = self.random.random(self.policy.sampling.max_new_tokens)
        limit = self.policy.sampling.max_new_tokens if forced_ids is None else len(forced_ids)
        said: list[int] = []
        all_logits: list[Tensor] = []
        while True:
            logits = self._read()
            all_logits.append(logits)
            said.append(self._choose(logits, uniforms[len(said)]) if forced_ids is None else forced_ids[len(said)])
            self.tokens.append(Token(said[-1], "words", self.round))
            if said[-1] in self.tokenizer.end_ids or len(said) == limit:
                break
        if said[-1] == self.end:
            self.tokens[-1].role = "assistant markup"
        else:
            self._text("assistant markup", self.end)
        self._text("assistant markup", *self.tokenizer.encode("\n"))
        self._number()
        self.own_words += [token.id for token in self._moving(self.round)]
        self.round += 1
        return said, all_logits

    # Evict

    def _forget(self, chunk: Chunk) -> bool:
        """Make room before a round; return whether it is the first of its sequence."""
        windows, mode = self.policy.windows, self.policy.mode
        if mode is Mode.RECENT:
            self._keep_recent()
            self._open([])
            return True
        if not self.tokens or (mode is Mode.WINDOW and self.round % windows.reset_rounds == 0):
            carried = self.own_words[-windows.carried_tokens :] if windows.carried_tokens else []
            self._open(carried)
            return True
        if mode in (Mode.FULL, Mode.WINDOW):
            return False
        if windows.text_rounds == 1 and mode is not Mode.WINDOW_OVERLAP:
            self._read_moving()
        blind = self._newest_unseen(chunk)
        for round_ in sorted({token.round for token in self.tokens if token.round >= 0}):
            age = self.round - round_
            if age == windows.text_rounds:
                self._move_words(round_)
            if round_ <= blind:
                self._drop(round_, "vision")
            if round_ <= blind and age >= windows.text_rounds:
                self._drop(round_, "user markup", "query")
        self._cut_previous()
        if mode is not Mode.NATIVE_POSITIONS:
            self._renumber()
        if mode is Mode.WINDOW_OVERLAP:
            for token in self.tokens:
                token.keys, token.values = [], []
        return False

    def _keep_recent(self) -> None:
        """Set aside the pictures of the newest rounds and their times, to be prefilled once more."""
        oldest = self.round - self.policy.windows.recent_rounds + 1
        self.again = [token for token in self.tokens if token.role in ("time", "vision") and token.round >= oldest]
        for token in self.again:
            token.keys, token.values, token.position = [], [], None

    def _newest_unseen(self, chunk: Chunk) -> int:
        """The newest round whose pixels are evicted."""
        windows = self.policy.windows
        outside = self.round - windows.vision_rounds
        if windows.vision_tokens == 0 or windows.vision_rounds == 0:
            return outside
        room = windows.vision_tokens - math.prod(self.preprocessor.merged_grid(len(chunk.frames), *self._size(chunk)))
        for round_ in range(self.round - 1, outside, -1):
            room -= len([token for token in self.tokens if token.round == round_ and token.id == self.pad])
            if room < 0:
                return round_
        return outside

    def _open(self, carried: list[int]) -> None:
        self.tokens = []
        self._text("system", self.start, *self.tokenizer.encode("system\n" + self.policy.prompt.system), self.end)
        self._text("system", *self.tokenizer.encode("\n"))
        self._text("previous markup", self.start, *self.tokenizer.encode(self.policy.prompt.previous_role + "\n"))
        self._text("previous", *self.context)
        self._text("previous markup", self.end, *self.tokenizer.encode("\n"))
        if self.policy.mode is not Mode.FULL:
            self._cut_previous()
        tail = self._previous_end()
        self.tokens[tail:tail] = [Token(id_, "previous") for id_ in carried]
        self._renumber()

    def _previous_end(self) -> int:
        """The index of the `<|im_end|>` of the previous text."""
        return max(i for i, t in enumerate(self.tokens) if t.role == "previous markup" and t.id == self.end)

    def _moving(self, round_: int) -> list[Token]:
        words = [token for token in self.tokens if token.round == round_ and token.role == "words"]
        ids = [token.id for token in words]
        if self.policy.prompt.marker_rule is MarkerRule.POSITIONAL:
            return words[: max(len(words) - len(self.marker), 0)]
        if ids and ids[-1] in self.tokenizer.end_ids:
            ids, words = ids[:-1], words[:-1]
        return words[: -len(self.marker)] if ids[-len(self.marker) :] == self.marker else words

    def _read_moving(self) -> None:
        """Prefill the newest round's words without keys where they stand, before they move."""
        moving = self._moving(self.round - 1)
        if any(not token.keys for token in moving):
            cut = self.tokens.index(moving[-1]) + 1
            rest, self.tokens = self.tokens[cut:], self.tokens[:cut]
            self._read()
            self.tokens += rest

    def _move_words(self, round_: int) -> None:
        moving = self._moving(round_)
        self._drop(round_, "words", "assistant markup", "time")
        tail = self._previous_end()
        self.tokens[tail:tail] = moving
        for token in moving:
            token.role, token.round = "previous", -1

    def _drop(self, round_: int, *roles: str) -> None:
        self.tokens = [token for token in self.tokens if token.round != round_ or token.role not in roles]

    def _cut_previous(self) -> None:
        """The closed interval of mode `streaming`, as indices into the whole sequence; never cuts the markup."""
        windows = self.policy.windows
        start = next(i for i, token in enumerate(self.tokens) if token.role == "previous markup")
        markup = 1 + len(self.tokenizer.encode(self.policy.prompt.previous_role + "\n"))
        end = self._previous_end() + 1
        first, last = start + windows.sink_tokens + markup, end - windows.window_tokens - 1
        self.tokens = [
            token for i, token in enumerate(self.tokens) if not first <= i <= last or token.role == "previous markup"
        ]

    # Prefill

    def _ask(self, chunk: Chunk, restarts: bool) -> None:
        encode, here = self.tokenizer.encode, self.round
        self._text("user markup", self.start, *encode("user\n"), round_=here)
        self.tokens += self.again
        self._show(chunk)
        if restarts or self.policy.prompt.keep_query:
            self._text("query", *encode(self.query.strip()), round_=here)
        self._text("user markup", self.end, *encode("\n"), round_=here)
        self._text("assistant markup", self.start, *encode("assistant\n"), round_=here)

    def _show(self, chunk: Chunk) -> None:
        vision, family = self.policy.vision, self.network.family
        grid, features = self._look(chunk) if self.policy.windows.vision_rounds else (None, ())
        coming = iter(features)
        for piece in family.markings(chunk.start_s, chunk.end_s, grid, vision.fps, self.policy.prompt.markup):
            if isinstance(piece, TimeText):
                self._text("time", *self.tokenizer.encode(piece.text), round_=self.round)
            elif isinstance(piece, VisionToken):
                self._text("vision", self.tokenizer.special(piece.name), round_=self.round)
            else:
                places = family.block_positions(piece.grid, vision.fps)
                for i, place in enumerate(places.tolist()):
                    reach = None if i else float(places.max())
                    self.tokens.append(Token(self.pad, "vision", self.round, next(coming), tuple(place), reach))
        assert next(coming, None) is None, "every feature has its pad"

    def _look(self, chunk: Chunk) -> tuple[Grid, Sequence[Tensor]]:
        """The grid in tokens, and the features ``[F, D]`` of each token."""
        size, weight = self._size(chunk), next(self.network.parameters())
        frames = [self._with_bars(frame) for frame in chunk.frames]
        patches, grid = self.preprocessor.patches(frames, *size, device=weight.device, dtype=weight.dtype)
        features = self.network.look(patches, [grid])
        return self.preprocessor.merged_grid(len(chunk.frames), *size), list(features.transpose(0, 1))

    def _size(self, chunk: Chunk) -> tuple[int, int]:
        bounds, (height, width) = self.policy.vision, chunk.frames[-1].shape[:2]
        if bounds.aspect:  # one size for every picture
            width = round((bounds.max_pixels * bounds.aspect) ** 0.5)
            height = round((bounds.max_pixels / bounds.aspect) ** 0.5)
        return self.preprocessor.target_size(height, width, min_pixels=bounds.min_pixels, max_pixels=bounds.max_pixels)

    def _with_bars(self, frame: Picture) -> Picture:
        """Black rows or columns on both sides, unless the picture's shape is within 5 % of `aspect`."""
        (height, width), aspect = frame.shape[:2], self.policy.vision.aspect
        if not aspect or 0.95 <= width / height / aspect <= 1.05:
            return frame
        rows, columns = max(0, round(width / aspect) - height), max(0, round(height * aspect) - width)
        bars = [(rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2), (0, 0)]
        return np.pad(frame, bars)

    def _text(self, role: str, *ids: int, round_: int | None = None) -> None:
        of_round = -1 if role in ("system", "previous", "previous markup") else self.round
        self.tokens += [Token(id_, role, of_round if round_ is None else round_) for id_ in ids]

    def _renumber(self) -> None:
        for token in self.tokens:
            token.position = None
        self.largest = -1.0
        self._number()

    def _number(self) -> None:
        """Give positions to tokens that have none, continuing after the largest so far."""
        axes, base, reach = self.network.family.axes, 0.0, 0.0
        for token in self.tokens:
            if token.position is not None:
                continue
            if token.place is None:
                token.position = (self.largest + 1,) * axes
                self.largest += 1
                continue
            if token.reach is not None:
                base, reach = self.largest + 1, token.reach
            token.position = tuple(base + place for place in token.place)
            self.largest = base + reach

    def _read(self) -> Tensor:
        """Feed every token that has no keys; logits ``[V]`` after the last."""
        self._number()
        new = [token for token in self.tokens if not token.keys]
        assert self.tokens[len(self.tokens) - len(new) :] == new, "tokens without keys come last"
        rows = []
        for token in new:
            embedding = self.network.embed(torch.tensor([token.id]))[0]
            rows.append(embedding if token.features is None else token.features[0].to(embedding.dtype))
        where = torch.tensor([token.position for token in self.tokens], dtype=torch.float32)
        cos, sin = self.network.rotary.angles(where)

        def attend(layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            for token, k, v in zip(new, key, value, strict=True):
                token.keys.append(k)
                token.values.append(v)
            keys = rotate(torch.stack([token.keys[layer] for token in self.tokens]), cos, sin)
            values = torch.stack([token.values[layer] for token in self.tokens])
            query = rotate(query, cos[-len(new) :], sin[-len(new) :])
            groups = query.shape[1] // keys.shape[1]
            keys, values = keys.repeat_interleave(groups, 1), values.repeat_interleave(groups, 1)
            scores = torch.einsum("nhd,mhd->hnm", query, keys) / math.sqrt(query.shape[-1])
            n, m = scores.shape[1:]
            for i in range(n):
                scores[:, i, m - n + i + 1 :] = float("-inf")
            return torch.einsum("hnm,mhd->nhd", scores.softmax(-1), values)

        hidden = self.network.decode(torch.stack(rows), attend, self._deep(new))
        return self.network.logits(hidden[-1])

    def _deep(self, new: Sequence[Token]) -> DeepFeatures | None:
        """The features that the tokens in `new` get from the second layer on."""
        shown = [(row, token.features) for row, token in enumerate(new) if token.features is not None]
        if not shown:
            return None
        rows, features = zip(*shown, strict=True)
        return DeepFeatures.of(torch.tensor(rows), torch.stack(features, dim=1))

    # Sample

    def _choose(self, logits: Tensor, uniform: float) -> int:
        policy = self.policy.sampling
        scores = penalized(logits, {token.id for token in self.tokens}, policy.repetition_penalty)
        possible = [id_ for id_ in range(len(scores)) if [id_] not in self.suppressed]
        ranked = sorted(possible, key=lambda id_: -scores[id_])
        if policy.temperature == 0:
            return ranked[0]
        best = ranked[: policy.top_k or len(ranked)]
        weights = [math.exp((scores[id_] - scores[best[0]]) / policy.temperature) for id_ in best]
        target = uniform * sum(weights)
        for id_, weight in zip(best, weights, strict=True):
            target -= weight
            if target < 0:
                return id_
        return best[-1]


def penalized(logits: Tensor, context: Collection[int], penalty: float) -> list[float]:
    """Logits ``[V]`` with the repetition penalty on the ids of `context`."""
    scores: list[float] = logits.float().tolist()
    for id_ in set(context):
        scores[id_] = scores[id_] / penalty if scores[id_] > 0 else scores[id_] * penalty
    return scores
