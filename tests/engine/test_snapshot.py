"""A stream that was saved and restored elsewhere goes on as if nothing had been."""

from dataclasses import replace
from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError, OutputError
from svlm_cli.core.policy import Mode
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.stream import StreamState
from tests.engine.conftest import Parts, hear, make_chunks, small_policy

ROUNDS, SAVED_AT = 26, 13


def _said(engine: Engine, stream: StreamState, first: int, last: int) -> list[tuple[list[int], list[bytes]]]:
    """Tokens and logits of some of the rounds, the latter to the bit."""
    heard = (hear(engine, [stream], [chunk])[0] for chunk in make_chunks(ROUNDS)[first:last])
    return [(one.ids, [row.numpy().tobytes() for row in one.logits]) for one in heard]


@pytest.mark.parametrize("mode", Mode)
def test_a_restored_stream_goes_on_as_if_nothing_had_been(parts: Parts, tmp_path: Path, mode: Mode) -> None:
    """Guards a resumed generation: words, logits and random numbers, in another slot of another engine."""
    policy, path = small_policy(mode=mode, temperature=0.9), tmp_path / "stream"
    engine = parts.engine(policy)
    with engine.open(context="reds against blues", seed=3) as stream:
        _said(engine, stream, 0, SAVED_AT)
        engine.save(stream, path)
        expected = _said(engine, stream, SAVED_AT, ROUNDS)
    other = parts.engine(policy, streams=2)
    with other.open(), other.open(context="reds against blues", seed=3) as stream:
        other.restore(stream, path)
        assert stream.rounds == SAVED_AT
        assert _said(other, stream, SAVED_AT, ROUNDS) == expected
    assert [one.name for one in tmp_path.iterdir()] == ["stream"]


def test_what_is_no_snapshot_of_this_stream_is_refused(parts: Parts, tmp_path: Path) -> None:
    """Guards a resumed run whose folder holds something else: the stream is as new, and can be used."""
    policy, path = small_policy(), tmp_path / "stream"
    engine = parts.engine(policy)
    with engine.open(seed=3) as stream:
        expected = _said(engine, stream, 0, 3)
        engine.save(stream, path)
    with engine.open(seed=4) as stream, pytest.raises(InputError, match="another policy, query, context or seed"):
        engine.restore(stream, path)
    another = parts.engine(replace(policy, windows=replace(policy.windows, sink_tokens=5)))
    with another.open(seed=3) as stream, pytest.raises(InputError, match="another policy, query, context or seed"):
        another.restore(stream, path)
    path.write_bytes(path.read_bytes()[:-100])
    with engine.open(seed=3) as stream:
        with pytest.raises(InputError, match=r"The snapshot .*stream cannot be read\. Delete it"):
            engine.restore(stream, path)
        assert _said(engine, stream, 0, 3) == expected
    with engine.open(seed=3) as stream, pytest.raises(InputError, match="cannot be read"):
        engine.restore(stream, tmp_path / "missing")


def test_a_snapshot_that_cannot_be_written_leaves_nothing(parts: Parts, tmp_path: Path) -> None:
    """Guards a full disk, and the snapshot before it."""
    engine = parts.engine(small_policy())
    with engine.open() as stream:
        _said(engine, stream, 0, 2)
        with pytest.raises(OutputError, match="cannot be written"):
            engine.save(stream, tmp_path / "missing" / "stream")
        (tmp_path / "stream").mkdir()
        with pytest.raises(OutputError, match="cannot be written"):
            engine.save(stream, tmp_path / "stream")
    assert [one.name for one in tmp_path.iterdir()] == ["stream"]
