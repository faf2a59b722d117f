"""One connection to a live source, from the call to its end: pictures, a watchdog, and why it ended.

Knows neither what came before it nor whether another one follows.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO, Protocol

from svlm_cli.core.closing import Closing
from svlm_cli.core.types import Picture
from svlm_cli.media.ffmpeg import Address, Ffmpeg, Timing, live_command
from svlm_cli.media.log import NO_PICTURES, Log
from svlm_cli.sources.pipe import PicturePipe

LEAST_CONNECT_S = 10.0  # until the first picture: a camera may send a key frame every ten seconds only

_ANSWER = r"(?:HTTP error|Server returned|method \w+ failed:) "  # of a server, before the number that says how it is

_NO_TRANSPORT = rf"{_ANSWER}461\b.*"

# Why a connection failed, as a whole line of ffmpeg's or as the reason at its end, first match wins: (pattern, sentence
# after the name, hint, whether to try again).
_FAILURES = (
    (rf"{_ANSWER}401\b.*", "wants a user and a password, or others than it got.", "login", False),
    (rf"{_ANSWER}403\b.*", "does not let this user in.", "login", False),
    (rf"{_ANSWER}404\b.*", "has no such stream: it answers 404.", "path", False),
    (rf"{_ANSWER}40[05]\b.*", "does not understand the request.", "path", False),
    (_NO_TRANSPORT, "does not send the way it was asked to: it answers 461.", "transport", True),
    (rf"{_ANSWER}453\b.*", "has no bandwidth left for another watcher: it answers 453.", "watchers", True),
    (rf"{_ANSWER}454\b.*", "has lost the session: it answers 454.", "", True),
    (
        r"(?:Format|Protocol) .*not on whitelist '.*",
        "sends something else than video, or leads to another kind of address.",
        "",
        False,
    ),
    (NO_PICTURES, "has no video.", "", False),
    (r"Protocol not found", "cannot be read with this ffmpeg, which lacks the protocol.", "ffmpeg", False),
    (r"Failed to resolve hostname .*|Name or service not known", "has an unknown host name.", "host", True),
    (r"Connection refused", "refuses the connection: nothing serves there.", "host", True),
    (r"No route to host|Network is unreachable", "cannot be reached.", "host", True),
    (r"(?:(?:\w+|Socket I/O) )?timed out", "does not answer.", "host", True),
    (r"No such file or directory|No such device(?: or address)?", "is not there.", "device", True),
    (r"Permission denied", "may not be read.", "rights", True),
    (r"Device or resource busy", "is used by another program.", "busy", True),
    (rf"{_ANSWER}5(?:\d\d|XX)\b.*", "cannot serve it at the moment.", "", True),
)
_HINTS = {
    "login": "Put them into a file for --credentials, or into SVLM_USER and SVLM_PASSWORD.",
    "path": "Check the part of the address after the host.",
    "transport": "Try another --rtsp-transport.",
    "watchers": "End others that watch it, or take its smaller stream.",
    "ffmpeg": "Install a complete ffmpeg.",
    "host": "Check the host and the port of the address, and the network.",
    "device": "Check its name, and whether it is plugged in.",
    "rights": "Join the group that may, such as video.",
    "busy": "End that program.",
    "": "",
}


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a connection ended."""

    sentence: str  # after the source's name: "refuses the connection."
    hint: str = ""
    again: bool = True  # whether another try may help
    denied: bool = False  # by the password, so each try may be one of a few


class Feeding(Protocol):
    """Who writes a source into ffmpeg's standard input. `ending` is why it ended, if it is not ffmpeg that knows."""

    @property
    def ending(self) -> Ending | None:
        """Why there is no more."""
        ...

    def close(self) -> None:
        """Stop. ffmpeg is gone."""
        ...


Feed = Callable[[BinaryIO], Feeding]


class Connection(Closing):
    """Iterates over the pictures of one connection; afterwards `ending` says why there are no more.

    `kill` may be called from another thread, and ends a wait.
    """

    def __init__(
        self,
        program: Ffmpeg,
        address: Address,
        rate: Fraction,
        timing: Timing,
        *,
        stall_timeout_s: float,
        feed: Feed | None = None,
    ) -> None:
        self._began_s = time.monotonic()
        self._stall_timeout_s = stall_timeout_s
        self._stalled_s: float | None = None
        self._pipe = PicturePipe(program, address, rate, command=live_command(program, address, rate, timing))
        self._feeding = None if feed is None else feed(self._pipe.stdin)
        self.frames = 0
        self.first_frame_s: float | None = None  # after the call

    def __iter__(self) -> Iterator[Picture]:
        while True:
            patience_s = self._stall_timeout_s if self.frames else max(self._stall_timeout_s, LEAST_CONNECT_S)
            if not self._pipe.wait(patience_s):
                self._stalled_s = patience_s
                self.close()
                return
            picture = self._pipe.read()
            if picture is None:
                return
            if self.first_frame_s is None:
                self.first_frame_s = time.monotonic() - self._began_s
            self.frames += 1
            yield picture

    @property
    def ending(self) -> Ending:
        """Why it ended; after the last picture."""
        if self._stalled_s is not None:
            what = "no picture" if self.frames else "no first picture"
            return Ending(f"showed {what} for {self._stalled_s:g} s.")
        if self._feeding is not None and self._feeding.ending is not None:
            return self._feeding.ending
        if self.frames:
            return Ending("ended the connection.")
        return failure(self._pipe.log)

    @property
    def replaces_tcp(self) -> bool:
        """Whether the camera has no TCP, and sends over UDP."""
        return self._pipe.log.says(_NO_TRANSPORT) is not None

    def kill(self) -> None:
        """End it now."""
        self._pipe.kill()

    def close(self) -> None:
        """Leave nothing of ffmpeg behind."""
        self._pipe.close()
        if self._feeding is not None:
            self._feeding.close()


def failure(log: Log) -> Ending:
    """Why not one picture came."""
    for pattern, sentence, hint, again in _FAILURES:
        if log.says(pattern):
            return Ending(sentence, _HINTS[hint], again, denied=hint == "login")
    return Ending("cannot be read.", f"ffmpeg says: {log.last_error}" if log.last_error else "")
