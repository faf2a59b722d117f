"""How long a connection waits for pictures, and why it failed, from what ffmpeg says: addresses and servers may say
anything in between.
"""

from fractions import Fraction

import pytest

from svlm_cli.media.ffmpeg import Timing, find_ffmpeg
from svlm_cli.media.log import Log
from svlm_cli.media.network import network_address
from svlm_cli.sources import connection
from svlm_cli.sources.connection import LEAST_CONNECT_S, LEAST_FIRST_S, Connection, failure
from svlm_cli.sources.pace import PicturePace
from tests.sources.scripted import ScriptedPipe


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("[rtsp @ 0x1] [error] method DESCRIBE failed: 401 Unauthorized", "requires a user and a password"),
        ("[error] pipe:0: Server returned 403 Forbidden (access denied)", "does not let this user in"),
        ("[in#0 @ 0x1] [error] Error opening input: Server returned 404 Not Found", "has no such stream"),
        ("[rtsp @ 0x1] [error] method DESCRIBE failed: 404 Stream Not Found", "has no such stream"),
        (
            "[rtsp @ 0x1] [error] method SETUP failed: 461 Unsupported Transport",
            "does not support the requested transport",
        ),
        ("[rtsp @ 0x1] [error] method SETUP failed: 453 Not Enough Bandwidth", "no bandwidth left"),
        ("[rtsp @ 0x1] [error] method PLAY failed: 454 Session Not Found", "has lost the session"),
        ("[http @ 0x1] [error] HTTP error 503 Service Unavailable", "cannot serve it"),
        ("[error] pipe:0: Server returned 5XX Server Error reply", "cannot serve it"),
        ("[tcp @ 0x1] [error] Connection to tcp://camera:554?timeout=0 failed: Connection refused", "refuses"),
        ("[tcp @ 0x1] [error] Failed to resolve hostname timed out: Name or service not known", "unknown host name"),
        (
            "[libsrt @ 0x1] [error] Connection to srt://a failed: Connection setup failure: connection timed out",
            "answer",
        ),
        ("[error] Stream specifier 'V:0' in filtergraph description [V:0]null matches no streams.", "has no video"),
        ("[error] Impossible to open 'http://camera/404 Not Found'", "cannot be read"),
        ("[hls @ 0x1] [error] Error when loading first segment 'http://a/Connection refused'", "cannot be read"),
        ("[error] http://camera/timed out: Input/output error", "cannot be read"),
        ("[error] http://camera/Server returned 404 Not Found: End of file", "cannot be read"),
    ],
)
def test_reasons(line: str, sentence: str) -> None:
    log = Log()
    log.feed(line)
    assert sentence in failure(log).sentence


@pytest.mark.parametrize(
    ("line", "again"),
    [
        ("[tcp @ 0x1] [error] Failed to resolve hostname camera: Name or service not known", False),
        ("[srt @ 0x1] [error] Failed to resolve hostname camera: No address associated with hostname", False),
        ("[udp @ 0x1] [error] getaddrinfo(camera, 554): Name or service not known", False),
        ("[tcp @ 0x1] [error] Failed to resolve hostname camera: Temporary failure in name resolution", True),
        ("[tcp @ 0x1] [error] Failed to resolve hostname Name or service not known: System error", True),
        ("[rtsp @ 0x1] [error] method DESCRIBE failed: 404 Not Found", False),
        ("[tcp @ 0x1] [error] Connection to tcp://camera:554 failed: Connection refused", True),
    ],
)
def test_what_may_be_temporary_is_tried_again(line: str, again: bool) -> None:
    """A name that does not exist is a slip of the pen; a name server that is away comes back."""
    log = Log()
    log.feed(line)
    assert failure(log).again is again


def test_a_rejected_password_is_told_from_other_refusals() -> None:
    """It alone may cost an account."""
    for line, denied in (("401 Unauthorized", True), ("403 Forbidden", True), ("404 Not Found", False)):
        log = Log()
        log.feed(f"[rtsp @ 0x1] [error] method DESCRIBE failed: {line}")
        assert failure(log).denied is denied


def shown(monkeypatch: pytest.MonkeyPatch, pipe: ScriptedPipe, pace: PicturePace | None = None) -> int:
    """The number of pictures that a connection shows before it gives up."""
    monkeypatch.setattr(connection, "PicturePipe", lambda *_, **__: pipe)
    monkeypatch.setattr(connection, "time", pipe)
    address, rate = network_address("rtsp://camera/a"), Fraction(2)
    with Connection(find_ffmpeg(), address, rate, Timing.ARRIVAL, stall_timeout_s=8, pace=pace) as made:
        return sum(picture is not None for picture in made)


def test_a_server_that_has_answered_gets_more_time_for_its_first_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards cameras that answer and then wait for a key frame; one that never answers is given up sooner."""
    late_s = (LEAST_CONNECT_S + LEAST_FIRST_S) / 2
    assert shown(monkeypatch, ScriptedPipe(late_s)) == 1
    assert shown(monkeypatch, ScriptedPipe(late_s, answers=False)) == 0
    silent = ScriptedPipe()
    assert shown(monkeypatch, silent) == 0
    assert LEAST_FIRST_S <= silent.now_s < LEAST_FIRST_S + 1


def test_a_camera_that_was_given_up_for_its_second_picture_gets_more_time_in_the_next_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Guards cameras of one picture in 20 s: each connection would end before the second picture, for ever."""
    pace = PicturePace()
    assert shown(monkeypatch, ScriptedPipe(1, 21, 41), pace) == 1
    assert shown(monkeypatch, ScriptedPipe(1, 21, 41), pace) == 3
