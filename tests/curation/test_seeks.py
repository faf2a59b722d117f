"""Seek indices: what is written is where lines begin, and an index that is wrong is found out."""

from array import array
from pathlib import Path

import pytest

from svlm_cli.curation.seeks import fault_of_index, write_index
from svlm_cli.jsonl.seeks import is_index
from svlm_cli.outputs.destination import text_file


@pytest.mark.parametrize("count", [0, 1, 25_000])
def test_an_index_is_read_as_it_is_written(tmp_path: Path, count: int) -> None:
    """Guards the published form, one JSON list on one line, over the pieces in which it is written."""
    offsets = array("Q", range(0, 7 * count, 7))
    with text_file(tmp_path / "a_seeks.jsonl", overwrite=False) as file:
        write_index(offsets, file)
    data = (tmp_path / "a_seeks.jsonl").read_bytes()
    assert (data.count(b"\n"), is_index(data), fault_of_index(data, offsets)) == (1, True, "")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"[0, 10]", "it lists 2 lines, and there are 3"),
        (b"[0, 11, 20]", "it says that line 2 begins at 11, and it begins at 10"),
        (b'[0, "10", 20]', "it says that line 2 begins at '10', and it begins at 10"),
        (b"[0, 10.0, 20]", "it says that line 2 begins at 10.0, and it begins at 10"),
        (b"[false, 10, 20]", "it says that line 1 begins at False, and it begins at 0"),
        (b"[0, 10, 20", "it is not valid JSON"),
        (b"7", "it is not a list"),
    ],
)
def test_a_wrong_index_is_found_out(line: bytes, fault: str) -> None:
    """Guards whoever seeks by it: one line too few, or a byte off, and all rows are broken."""
    assert fault_of_index(line, [0, 10, 20]).startswith(fault)
