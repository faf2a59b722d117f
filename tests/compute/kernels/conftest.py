"""What all tests of kernels check."""

from collections.abc import Iterator

import pytest

from tests.compute.kernels.device import check_fences


@pytest.fixture(autouse=True)
def _nothing_is_written_elsewhere() -> Iterator[None]:
    """Guards masks of stores: on a GPU another tensor would change, most often without a word."""
    yield
    check_fences()
