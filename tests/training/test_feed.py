"""What prepares batches beside the loop: errors come back, and nobody waits for what is not wanted."""

import threading
import time
from collections.abc import Iterator

import pytest
import torch

from svlm_cli.core.errors import InputError
from svlm_cli.networks.family import Grid
from svlm_cli.networks.pixels import Preprocessor
from svlm_cli.networks.qwen2_5_vl.preprocess import PixelConfig, QwenPreprocessor
from svlm_cli.training.collate import Batch, collate
from svlm_cli.training.exchange import Exchange
from svlm_cli.training.feed import Batches, DeviceFeed
from svlm_cli.training.ranks import ALONE
from svlm_cli.training.records import Skipped
from tests.training.test_network import GRID, _window

PREPROCESSOR = QwenPreprocessor(PixelConfig((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), 14, 2, 2))


class _Blank:
    def patches(
        self, preprocessor: Preprocessor, *, device: torch.device, dtype: torch.dtype
    ) -> tuple[torch.Tensor, list[Grid]]:
        return torch.zeros(32, 1176, dtype=dtype), [GRID]


def _batches(count: int, error: Exception | None = None) -> Batches:
    def make(first: int) -> Iterator[Batch]:
        for index in range(first, count):
            yield collate([_window(30 + index, index)], _Blank())
        if error is not None:
            raise error

    return make


def _feed(batches: Batches, first_step: int = 0, accumulate: int = 1) -> DeviceFeed:
    return DeviceFeed(
        batches,
        PREPROCESSOR,
        device=torch.device("cpu"),
        dtype=torch.float32,
        first_step=first_step,
        accumulate=accumulate,
        exchange=Exchange(ALONE, Skipped(0, str)),
    )


def test_batches_come_in_order_from_the_first_step_on() -> None:
    """Guards the order, which is the data."""
    assert [item["batch"].count for item in _feed(_batches(9), first_step=4)] == [34, 35, 36, 37, 38]


def test_tokens_of_a_step_weigh_alike() -> None:
    """Guards accumulation: the Trainer divides by the number of batches, so each carries it."""
    items = [item["batch"] for item in _feed(_batches(4), accumulate=2)]
    learned = [int((item.tokens.roles != 0).sum()) for item in items]
    assert items[0].weight == items[1].weight == 2 / (learned[0] + learned[1])
    assert items[2].weight == items[3].weight == 2 / (learned[2] + learned[3])


def test_an_error_comes_back_where_batches_are_wanted() -> None:
    """Guards against a loop that waits for ever, or ends as if all was well."""
    seen: list[object] = []
    with pytest.raises(InputError, match="gone"):
        seen.extend(_feed(_batches(3, InputError("It is gone."))))


def test_a_closed_feed_ends_its_thread() -> None:
    """Guards against a thread that fills a queue which nobody empties."""
    feed = _feed(_batches(10_000))
    next(iter(feed))
    feed.close()
    deadline = time.monotonic() + 60
    while any(thread.name == "feed" for thread in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(thread.name == "feed" for thread in threading.enumerate())
