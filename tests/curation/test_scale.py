"""Memory does not follow the rows: fewer of them here than `tests/curation/scale.py` takes by itself."""

from pathlib import Path

import pytest

from tests.curation.scale import run

_MORE_MB = 25  # places of 8 to 12 bytes a row, and what two runs of one program differ by


@pytest.mark.extra
@pytest.mark.timeout(900)
def test_many_rows_take_no_more_memory_than_few(tmp_path: Path) -> None:
    """Guards sets of a million rows against lists of rows, words or videos in memory, in either command."""
    found = []
    for rows in (1_000, 30_000):
        (tmp_path / str(rows)).mkdir()
        found.append(run(rows, tmp_path / str(rows), previous_words=64))
    for few, many in zip(*found, strict=True):
        assert many.most_mb < few.most_mb + _MORE_MB
