"""Views as runs of tokens against views token by token: the same keys, positions and queries, bit for bit."""

import pickle
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch

from svlm_cli.training.collate import collate
from svlm_cli.training.layout import Role, WindowTokens
from svlm_cli.training.runs import ViewRuns
from svlm_cli.training.view_batch import KEY_MULTIPLE, QUERY_MULTIPLE, RunBatch, ViewBatch
from svlm_cli.training.views import View, whole_view
from tests.training.seen import views_of

AXES = 3


def _drawn(random: np.random.Generator, *, rounds: int, step: float) -> tuple[list[View], int]:
    """Views of an imaginary stream: a few stretches of all before, moved, and then what is new."""
    views, length = list[View](), 0
    for index in range(rounds):
        edges = np.sort(random.integers(0, length + 1, 6))
        keys = np.concatenate([np.arange(edges[at], edges[at + 1]) for at in (0, 2, 4)])
        asking = int(random.integers(100, 200) if index == 0 else random.integers(1, 20))
        keys = np.append(keys, np.arange(length, length + asking)).astype(np.int32)
        positions = np.arange(len(keys))[:, None] * step + random.integers(0, 3, AXES)
        views.append(View(keys, positions.astype(np.float32), asking, opens=index == 0))
        length += asking
    return views, length


@pytest.mark.parametrize("step", [1.0, 0.5, 1 / 3])
def test_runs_are_exact(step: float) -> None:
    """Guards positions against rounding, also where they are no multiples of a half."""
    views, length = _drawn(np.random.default_rng(3), rounds=12, step=step)
    runs, own = ViewRuns.of(views, length)
    assert len(runs) == len(views)
    for ours, given in zip(views_of(_window(length, runs, own)), views, strict=True):
        np.testing.assert_array_equal(ours.keys, given.keys)
        np.testing.assert_array_equal(ours.positions, given.positions)
        assert (ours.asking, ours.opens) == (given.asking, given.opens)
    assert runs.keys().tolist() == [len(view.keys) for view in views]


def test_runs_are_small() -> None:
    """Guards workers, whose windows travel between processes."""
    views, length = _drawn(np.random.default_rng(3), rounds=40, step=1.0)
    runs, _ = ViewRuns.of(views, length)
    assert len(pickle.dumps(runs)) < len(pickle.dumps(views)) / 5


@pytest.mark.parametrize("step", [1.0, 1 / 3])
def test_a_batch_is_written_out_as_it_was_seen(step: float) -> None:
    """Guards what each query sees: openings that are split, windows of other lengths, and a plain one between them."""
    random = np.random.default_rng(5)
    drawn = [_drawn(random, rounds=rounds, step=step) for rounds in (9, 4)]
    windows = [_window(length, *ViewRuns.of(views, length)) for views, length in drawn]
    plain = np.arange(600 * AXES, dtype=np.float32).reshape(600, AXES)
    windows.insert(1, _window(600, None, plain))
    seen = [drawn[0][0], list(whole_view(plain)), drawn[1][0]]
    batch = collate(windows, None).tokens  # type: ignore[arg-type]
    assert batch.views is not None
    _same(batch.views.written_out(batch.positions), _slowly(seen, batch.bounds))
    pairs = sum(sum(range(len(view.keys) - view.asking + 1, len(view.keys) + 1)) for views in seen for view in views)
    assert batch.views.pairs() == pairs


def test_openings_are_split() -> None:
    """Guards the memory of a batch: all views are padded to the queries of a round, not to those of an opening."""
    views, length = _drawn(np.random.default_rng(3), rounds=12, step=1.0)
    runs, own = ViewRuns.of(views, length)
    batch = RunBatch.of([runs], [0])
    assert batch.size[1] <= 32 < views[0].asking
    _same(batch.written_out(torch.from_numpy(own)), _slowly([views], [0]))


def _window(length: int, views: ViewRuns | None, own: np.ndarray) -> WindowTokens:
    none = np.empty(0, np.int32)
    ids = np.arange(length, dtype=np.int32)
    roles = np.full(length, Role.WORD, np.int8)
    roles[0] = Role.NONE
    return WindowTokens(ids, own, roles, none, ids, views)


def _slowly(windows: Sequence[Sequence[View]], starts: Sequence[int]) -> ViewBatch:
    """A batch token by token."""
    every = [view for views in windows for view in views]
    n = _padded(max(view.asking for view in every if not view.opens), QUERY_MULTIPLE)
    parts = [
        (start, keys, where, asking)
        for views, start in zip(windows, starts, strict=False)
        for view in views
        for keys, where, asking in _split(view, n)
    ]
    m = _padded(max(len(keys) for _, keys, _, _ in parts), KEY_MULTIPLE)
    keys, positions = np.zeros((len(parts), m), np.int64), np.zeros((len(parts), m, AXES), np.float32)
    last, answered = np.zeros((len(parts), n), np.int64), list[int]()
    for index, (start, seen, where, asking) in enumerate(parts):
        keys[index, : len(seen)] = start + seen
        positions[index, : len(seen)] = where
        last[index, :asking] = np.arange(len(seen) - asking, len(seen))
        answered += range(index * n, index * n + asking)
    queries = (np.arange(len(parts))[:, None] * m + last).ravel()
    rows = keys.ravel()[queries[answered]]
    found = (keys.ravel(), positions, queries, last, np.array(answered), rows)
    return ViewBatch(*map(torch.from_numpy, found))


def _split(view: View, most: int) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    for start in range(0, view.asking, most):
        asking = min(most, view.asking - start)
        stop = len(view.keys) - view.asking + start + asking
        yield view.keys[:stop], view.positions[:stop], asking


def _padded(count: int, multiple: int) -> int:
    return -(-count // multiple) * multiple


def _same(ours: ViewBatch, theirs: ViewBatch) -> None:
    for name in ("keys", "positions", "queries", "last", "answered", "rows"):
        torch.testing.assert_close(getattr(ours, name), getattr(theirs, name), rtol=0, atol=0, msg=name)
