"""What the name of a source leads to, and its frames: a file, a recording elsewhere, or something live.

Knows no model and no output.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.media.ffmpeg import Timing, find_ffmpeg
from svlm_cli.media.network import Login, Transport, device_address, network_address, scheme_of
from svlm_cli.sources.credentials import Credentials
from svlm_cli.sources.files import Decoder, FrameStream, open_frames
from svlm_cli.sources.http import Nature, fetch_playlist, look, nature_by_name
from svlm_cli.sources.live import LiveOptions, LiveStream
from svlm_cli.sources.playlist import Following
from svlm_cli.sources.status import SourceStatus


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How sources are opened."""

    start_s: float | None = None
    end_s: float | None = None
    decoder: Decoder = Decoder.FFMPEG
    input_format: str | None = None  # of devices
    input_options: tuple[tuple[str, str], ...] = ()
    follow: bool = False
    credentials: Credentials = field(default_factory=lambda: Credentials(environment={}))
    transport: Transport = Transport.TCP
    stall_timeout_s: float = 8.0
    max_reconnects: int | None = None
    waits: bool = False  # for live sources, whatever is wrong with them
    catch_up: bool = False  # a live source that is held back loses nothing that its sender does not lose

    def live(self, nature: Nature = Nature.LIVE) -> LiveOptions:
        """Those of a live source."""
        playlist = nature is Nature.PLAYLIST
        return LiveOptions(
            stall_timeout_s=self.stall_timeout_s,
            max_reconnects=self.max_reconnects,
            waits=self.waits,
            timing=Timing.SOURCE if playlist or self.catch_up else Timing.ARRIVAL,
            paced=playlist,
        )


def is_file(source: str | SourceAddress, options: SourceOptions) -> bool:
    """Whether `source` is a file or standard input; `UsageError` for an address that nobody can read."""
    return options.input_format is None and scheme_of(SourceAddress(source).reveal()) is None


def open_source(
    source: str | SourceAddress,
    *,
    name: str,
    fps: float,
    options: SourceOptions,
    enough_pixels: int | None = None,
    tell: Callable[[SourceStatus], None] = lambda status: None,
) -> FrameStream | LiveStream:
    """The frames of `source`. `name` is what people call it, and `tell` hears how it is, if it is live.

    Pictures of more than 4K are reduced to `enough_pixels`. A live source is not waited for. `InputError` if a file or
    a recording cannot be read, or a web address is answered with a refusal; `UsageError` for requests that make no
    sense.
    """
    source = SourceAddress(source)
    if is_file(source, options):
        follow_s = options.stall_timeout_s if options.follow else None
        return open_frames(
            source.reveal(),
            fps=fps,
            start_s=options.start_s,
            end_s=options.end_s,
            decoder=options.decoder,
            follow_s=follow_s,
            enough_pixels=enough_pixels,
        )
    program = find_ffmpeg()
    nature, following = Nature.LIVE, None
    if options.input_format is not None:
        address = device_address(
            program, source.reveal(), options.input_format, name=name, options=options.input_options
        )
    else:
        login = options.credentials.login(source)
        address = network_address(source, name=name, login=login, transport=options.transport)
        if scheme_of(source.reveal()) in ("http", "https"):
            nature = _look(source.reveal(), login, name, waits=options.waits)
        if nature is Nature.PLAYLIST:
            following = Following(partial(fetch_playlist, source.reveal(), login))
    if nature is Nature.RECORDING:
        return open_frames(address, fps=fps, start_s=options.start_s, end_s=options.end_s, enough_pixels=enough_pixels)
    if options.start_s is not None or options.end_s is not None:
        raise UsageError(f"{name} is live: it has no --start and no --end.", "Leave them out, and stop it with Ctrl-C.")
    address = replace(address, enough_pixels=enough_pixels)
    return LiveStream(program, address, fps=fps, options=options.live(nature), following=following, tell=tell)


def _look(source: str, login: Login | None, name: str, *, waits: bool) -> Nature:
    try:
        return look(source, login, name=name)
    except InputError:
        if not waits:
            raise
        return nature_by_name(source)  # the connection says what is wrong, again and again
