"""Files that grow by whole lines, whatever became of the writer before."""

from pathlib import Path

import pytest

from svlm_cli.core.errors import OutputBusyError
from svlm_cli.jsonl.lines import is_object
from svlm_cli.jsonl.locked_lines import LockedLines

LONG = b'{"a":"' + b"x" * 200_000 + b'"}'  # longer than what is looked at in one go


@pytest.mark.parametrize(
    ("left", "kept"),
    [
        (b"", b""),
        (b'{"a":1}\n', b'{"a":1}\n'),
        (b'{"a":1}\n{"a":', b'{"a":1}\n'),
        (b'{"a":', b""),
        (b'{"a":1}', b'{"a":1}\n'),
        (b'{"a":1}\n' + LONG, b'{"a":1}\n' + LONG + b"\n"),
        (b'{"a":1}\n' + LONG[:-1], b'{"a":1}\n'),
    ],
    ids=["new", "whole", "torn", "torn at once", "no end", "long, no end", "long and torn"],
)
def test_what_a_killed_writer_left(tmp_path: Path, left: bytes, kept: bytes) -> None:
    """Guards the lines before it: half a line goes with the first append, a whole one without its end stays."""
    path = tmp_path / "file.jsonl"
    path.write_bytes(left)
    with LockedLines(path, is_object) as lines:
        assert path.read_bytes() == left
        lines.append(b'{"b":1}\n')
        lines.append(b'{"b":2}\n')
    assert path.read_bytes() == kept + b'{"b":1}\n{"b":2}\n'


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    """Guards against lines of two runs in one another."""
    path = tmp_path / "file.jsonl"
    with LockedLines(path, is_object), pytest.raises(OutputBusyError, match="Another run is writing"):
        LockedLines(path, is_object)
    LockedLines(path, is_object).close()
