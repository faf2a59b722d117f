"""One connection to a live source: its pictures, a watchdog, and why it ended.

Does not know earlier or later connections.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO, Protocol

from svlm_cli.core.closing import Closing
from svlm_cli.core.types import Picture
from svlm_cli.media.ffmpeg import Address, Ffmpeg, Timing, live_command
from svlm_cli.media.log import NO_PICTURES, Log, SegmentRequest
from svlm_cli.sources.pace import PicturePace
from svlm_cli.sources.pipe import PicturePipe

LEAST_CONNECT_S = 10.0  # until the server answers, or the first picture
LEAST_FIRST_S = 30.0  # from the answer to the first picture: a camera may take 10 s, and ffmpeg buffer for 10 s more
_LOOK_EVERY_S = 0.5  # polling interval for the answer

_ANSWER = r"(?:HTTP error|Server returned|method \w+ failed:) "  # a server's answer, before its status code
_LOOKUP = r"Failed to resolve hostname .*: |getaddrinfo\(.*\): |"  # a name lookup, before its error
_NO_SUCH_NAME = "Name or service not known|Name does not resolve|No address associated with (?:host)?name"
_NO_TRANSPORT = rf"{_ANSWER}461\b.*"

# Why a connection failed: (pattern, sentence after the source's name, hint, whether to retry a single source that never
# showed a picture). The pattern matches a whole line of ffmpeg's or the reason at its end; the first match wins.
_FAILURES = (
    (rf"{_ANSWER}401\b.*", "requires a user and a password, or rejects the given ones.", "login", False),
    (rf"{_ANSWER}403\b.*", "does not let this user in.", "login", False),
    (rf"{_ANSWER}404\b.*", "has no such stream: it answers 404.", "path", False),
    (rf"{_ANSWER}40[05]\b.*", "does not understand the request.", "path", False),
    (_NO_TRANSPORT, "does not support the requested transport: it answers 461.", "transport", True),
    (rf"{_ANSWER}453\b.*", "has no bandwidth left for another viewer: it answers 453.", "watchers", True),
    (rf"{_ANSWER}454\b.*", "has lost the session: it answers 454.", "", True),
    (
        r"(?:Format|Protocol) .*not on whitelist '.*",
        "sends something other than video, or redirects to another kind of address.",
        "",
        False,
    ),
    (NO_PICTURES, "has no video.", "", True),
    (r"Protocol not found", "cannot be read with this ffmpeg, which lacks the protocol.", "ffmpeg", False),
    (rf"(?:{_LOOKUP})(?:{_NO_SUCH_NAME})", "has an unknown host name.", "host", False),
    (r"Failed to resolve hostname .*", "has a host name that cannot be looked up at the moment.", "host", True),
    (r"Connection refused", "refuses the connection: nothing serves there.", "host", True),
    (r"No route to host|Network is unreachable", "cannot be reached.", "host", True),
    (r"(?:(?:\w+|Socket I/O) )?timed out", "does not answer.", "host", True),
    (r"No such file or directory|No such device(?: or address)?", "is not there.", "device", True),
    (r"Permission denied", "cannot be read: permission denied.", "rights", True),
    (r"Device or resource busy", "is used by another program.", "busy", True),
    (rf"{_ANSWER}5(?:\d\d|XX)\b.*", "cannot serve it at the moment.", "", True),
)
HINTS = {
    "login": "Put them into a file for --credentials, or into SVLM_USER and SVLM_PASSWORD.",
    "path": "Check the part of the address after the host.",
    "transport": "Try another --rtsp-transport.",
    "watchers": "Close its other viewers, or use its smaller stream.",
    "ffmpeg": "Install a complete ffmpeg.",
    "host": "Check the host and the port of the address, and the network.",
    "device": "Check its name, and whether it is plugged in.",
    "rights": "Join the group that may read it, such as video.",
    "busy": "End that program.",
    "": "",
}


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a connection ended or could not be made."""

    sentence: str  # after the source's name: "refuses the connection."
    hint: str = ""
    again: bool = True  # False if the user is at fault, so that a retry cannot help
    denied: bool = False  # the password was rejected; the camera may allow only a few tries
    unseen: bool = False  # there may be video, but none came in time
    over: bool = False  # the source says that it has ended


class Feeding(Protocol):
    """Writes a source into ffmpeg's standard input. `ending` says why it stopped, if ffmpeg cannot know."""

    @property
    def ending(self) -> Ending | None:
        """Why there is no more data; None if ffmpeg knows."""
        ...

    def close(self) -> None:
        """Stop. ffmpeg has exited by now."""
        ...


Feed = Callable[[BinaryIO], Feeding]


class Connection(Closing):
    """Iterates over the pictures of one connection; afterwards `ending` says why it ended.

    `pace` learns the picture interval from it and sets its timeout. `kill` may be called from another thread and
    ends a wait.
    """

    def __init__(
        self,
        program: Ffmpeg,
        address: Address,
        rate: Fraction,
        timing: Timing,
        *,
        stall_timeout_s: float,
        pace: PicturePace | None = None,
        feed: Feed | None = None,
    ) -> None:
        self._began_s = time.monotonic()
        self._stall_timeout_s = stall_timeout_s
        self._stalled_s: float | None = None
        self._pace = pace or PicturePace()
        self._pipe = PicturePipe(program, address, rate, command=live_command(program, address, rate, timing))
        self._feeding = None if feed is None else feed(self._pipe.stdin)
        self.frames = 0
        self.first_frame_s: float | None = None  # seconds from the start of the connection
        self.wake_s: Callable[[], float] | None = None  # the longest time to wait for a picture before yielding None

    def __iter__(self) -> Iterator[Picture | None]:
        """Yields None whenever `wake_s` pass without a picture."""
        while True:
            quiet_s = 0.0
            waits_since_s = time.monotonic()
            while not self._pipe.wait(self._nap_s(quiet_s)):
                quiet_s = time.monotonic() - waits_since_s
                if quiet_s >= self._patience_s:
                    self._give_up(quiet_s)
                    return
                if self.wake_s is not None and self.wake_s() <= 0:
                    yield None
            picture = self._pipe.read()
            if picture is None:
                return
            self._note(time.monotonic() - waits_since_s)
            yield picture

    @property
    def _patience_s(self) -> float:
        if self.frames:
            return self._pace.patience_s(self._stall_timeout_s)
        return max(self._stall_timeout_s, LEAST_FIRST_S if self._pipe.log.answered else LEAST_CONNECT_S)

    def _nap_s(self, quiet_s: float) -> float:
        nap_s = self._patience_s - quiet_s
        if not self.frames:
            nap_s = min(nap_s, _LOOK_EVERY_S)
        return nap_s if self.wake_s is None else min(nap_s, self.wake_s())

    def _note(self, waited_s: float) -> None:
        if self.first_frame_s is None:
            self.first_frame_s = time.monotonic() - self._began_s
        else:
            self._pace.note(waited_s)
        self.frames += 1

    def _give_up(self, quiet_s: float) -> None:
        if self.frames and self._pace.usual_s is None:
            self._pace.note(quiet_s)  # the camera can take this long: wait longer in the next connection
        self._stalled_s = quiet_s
        self.close()

    @property
    def ending(self) -> Ending:
        """Why the connection ended. Call it after the last picture."""
        if self._stalled_s is not None:
            what = "no picture" if self.frames else "no first picture"
            return Ending(f"showed {what} for {self._stalled_s:.3g} s.")
        if self._feeding is not None and self._feeding.ending is not None:
            return self._feeding.ending
        if self.frames:
            return Ending("ended the connection.")
        return failure(self._pipe.log)

    @property
    def requests(self) -> dict[int, tuple[SegmentRequest, ...]]:
        """The latest segment requests of ffmpeg, by its number for the playlist."""
        return self._pipe.log.requests

    @property
    def replaces_tcp(self) -> bool:
        """Whether the camera supports no TCP, so that the stream has to use UDP."""
        return self._pipe.log.says(_NO_TRANSPORT) is not None

    def kill(self) -> None:
        """End the connection now."""
        self._pipe.kill()

    def close(self) -> None:
        """Kill ffmpeg and release its resources."""
        self._pipe.close()
        if self._feeding is not None:
            self._feeding.close()


def failure(log: Log) -> Ending:
    """Why no picture arrived, from ffmpeg's log."""
    for pattern, sentence, hint, again in _FAILURES:
        if log.says(pattern):
            return Ending(sentence, HINTS[hint], again, denied=hint == "login", unseen=pattern is NO_PICTURES)
    return Ending("cannot be read.", f"ffmpeg says: {log.last_error}" if log.last_error else "")
