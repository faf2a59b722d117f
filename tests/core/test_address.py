"""A source's address: whoever prints it, by whatever way, prints no password."""

import dataclasses
import json
import traceback
from dataclasses import dataclass

import pytest

from svlm_cli.core.address import SourceAddress

WHOLE = "rtsp://viewer:ses/ame@camera/live?token=abc"


@dataclass(frozen=True)
class Holder:
    source: SourceAddress


def test_it_cannot_be_printed_whole() -> None:
    """Guards against the one place that forgets: a message, a log line, a traceback, a report."""
    address = SourceAddress(WHOLE)
    holder = Holder(address)
    try:
        raise ValueError(address, holder)
    except ValueError as error:
        told = "".join(traceback.format_exception(error))
    told += f"{address} {address!r} {address:>60} {holder}" + "%s %r" % (address, address)  # noqa: UP031
    told += str(dataclasses.asdict(holder)) + str([address])
    assert "rtsp://...@camera/live?..." in told
    assert not any(secret in told for secret in ("viewer", "ses", "ame@", "abc"))
    with pytest.raises(TypeError):
        json.dumps(holder.source)
    with pytest.raises(TypeError):
        vars(address)


def test_it_is_what_was_typed() -> None:
    address = SourceAddress(WHOLE)
    assert address.reveal() == SourceAddress(address).reveal() == WHOLE
    assert address == WHOLE == SourceAddress(WHOLE)
    assert address != SourceAddress("rtsp://...@camera/live?...")
    assert {address: 1}[SourceAddress(WHOLE)] == 1
