"""What each round of a window sees if the window is a stream: the rounds of `Engine.step`, as indices.

In mode `streaming` nothing is recomputed: words that moved to the previous text keep the keys and values of their own
turn, computed when tokens that are now evicted were visible. Ordinary causal training windows never show that to a
model. Here it is reproduced exactly, and still trained in one pass, because what a round sees and at which positions
does not depend on the network. Pure: knows no tensor and no network.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from svlm_cli.core.policy import WindowPolicy
from svlm_cli.engine.eviction import MovingWords, evict
from svlm_cli.engine.prompt import Part, Span, count_ids
from svlm_cli.networks.family import Positions

Spans = tuple[Span, ...]
Place = Callable[[Sequence[Span]], Positions]
"""Contiguous positions of spans."""
_PIECE: Final = 512  # tokens
NO_ASIDES: Final[Mapping[int, Sequence[Spans]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What one round sees, in the stream's order and at its positions."""

    keys: NDArray[np.int32]  # [M] indices of tokens in the window
    positions: NDArray[np.float32]  # [M, A]
    asking: int  # the number of queries: the last tokens, each seeing itself and all before it
    opens: bool = False  # the first round of a sequence, which may be much longer than others


def stream_views(
    spans: Sequence[Span],
    windows: WindowPolicy,
    moving_words: MovingWords,
    place: Place,
    asides: Mapping[int, Sequence[Spans]] = NO_ASIDES,
) -> Iterator[View]:
    """One view per round, followed by one for each of its asides. `spans` is a whole window, with nothing evicted.

    An aside is read by a fork of the stream after a round, and not seen by anything else. Its tokens are appended to
    the window's, aside by aside. Every token is a query once, except the end of the last round, which would be
    prefilled in the next one.
    """
    held: Spans = ()
    where = np.empty(0, np.int32)  # indices in the window of the tokens in `held`
    read = offset = 0
    beyond = count_ids(spans)
    for round_, group in groupby(spans, key=lambda span: span.round):
        new = tuple(group)
        if round_ >= 0:
            coming = sum(span.visual_tokens for span in new)
            kept = evict(held, round_, windows, moving_words, coming=coming)
            held, where, read = kept.spans, where[kept.order], int((kept.order < read).sum())
        length = count_ids(new)
        held, where = held + new, np.append(where, np.arange(offset, offset + length, dtype=np.int32))
        offset += length
        if round_ >= 0:
            assert held[-1].part is Part.ASSISTANT_TAIL, "a round ends with what is read in the next one"
            keys = where[: len(where) - len(held[-1])]
            yield View(keys, place(held[:-1]).astype(np.float32), len(keys) - read, opens=round_ == 0)
            for aside in asides.get(round_, ()):
                yield branch(held[:-1], keys, aside, beyond, place)
                beyond += count_ids(aside)
            read = len(keys)


def whole_views(
    spans: Sequence[Span], place: Place, asides: Mapping[int, Sequence[Spans]] = NO_ASIDES
) -> Iterator[View]:
    """The same without eviction: every token sees all before it, and an aside sees everything up to its round."""
    yield from whole_view(place(spans).astype(np.float32))
    beyond, trunk = count_ids(spans), list[Span]()
    for span in spans:
        if span.part is Part.ASSISTANT_TAIL:
            keys = np.arange(count_ids(trunk), dtype=np.int32)
            for aside in asides.get(span.round, ()):
                yield branch(tuple(trunk), keys, aside, beyond, place)
                beyond += count_ids(aside)
        trunk.append(span)


def whole_view(positions: NDArray[np.float32]) -> Iterator[View]:
    """A causal sequence, in pieces, because the views of a batch are padded to equal numbers of queries."""
    for start in range(0, len(positions), _PIECE):
        stop = min(start + _PIECE, len(positions))
        yield View(np.arange(stop, dtype=np.int32), positions[:stop], stop - start)


def branch(trunk: Spans, keys: NDArray[np.int32], spans: Spans, offset: int, place: Place) -> View:
    """What `spans` see after a trunk whose tokens are at `keys`; their own indices start at `offset`."""
    length = count_ids(spans)
    own = np.arange(offset, offset + length, dtype=np.int32)
    return View(np.append(keys, own), place((*trunk, *spans)).astype(np.float32), length)
