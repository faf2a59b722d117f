"""Opens a source by its name: a file, a recording elsewhere, or a live source.

Knows no model and no output.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.core.events import SourceStatus
from svlm_cli.media.ffmpeg import Address, Timing, find_ffmpeg
from svlm_cli.media.network import Transport, device_address, network_address, scheme_of
from svlm_cli.sources.connection import Ending, Feed
from svlm_cli.sources.credentials import Credentials
from svlm_cli.sources.files import Decoder, FrameStream, open_frames
from svlm_cli.sources.http import Client, HttpResponse
from svlm_cli.sources.live import LiveOptions, LiveStream
from svlm_cli.sources.nature import Nature, fetch_playlist
from svlm_cli.sources.playlist import Following
from svlm_cli.sources.rtsp import explained
from svlm_cli.sources.sequential import Reading
from svlm_cli.sources.stillness import STILL_S
from svlm_cli.sources.web import WebSource
from svlm_cli.sources.webfeed import WebStill, WebStream

_STILL_TIMES = 3  # intervals for which a refetched picture may be unchanged


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How sources are opened."""

    start_s: float | None = None
    end_s: float | None = None
    decoder: Decoder = Decoder.FFMPEG
    input_format: str | None = None  # of capture devices
    input_options: tuple[tuple[str, str], ...] = ()
    follow: bool = False
    credentials: Credentials = field(default_factory=Credentials)
    transport: Transport = Transport.TCP
    stall_timeout_s: float = 8.0
    max_reconnects: int | None = None
    waits: bool = False  # live sources: keep trying, whatever is wrong
    every_s: float | None = None  # polling interval of an address of one picture
    catch_up: bool = False  # a live source with a slow reader drops nothing itself

    def live(self, nature: Nature = Nature.STREAM) -> LiveOptions:
        """The options of a live source."""
        playlist, pictures = nature is Nature.PLAYLIST, nature in (Nature.PICTURES, Nature.STILL)
        return LiveOptions(
            stall_timeout_s=self.stall_timeout_s,
            max_reconnects=self.max_reconnects,
            waits=self.waits,
            still_s=max(STILL_S, _STILL_TIMES * (self.every_s or 0.0)),
            # Pictures that are sent one by one have no timestamps.
            timing=Timing.SOURCE if playlist or (self.catch_up and not pictures) else Timing.ARRIVAL,
            paced=playlist,
        )


def is_file(source: str | SourceAddress, options: SourceOptions) -> bool:
    """Whether `source` is a file or standard input; `UsageError` for an unsupported address."""
    return options.input_format is None and scheme_of(SourceAddress(source).reveal()) is None


def open_source(
    source: str | SourceAddress,
    *,
    name: str,
    fps: float,
    options: SourceOptions,
    enough_pixels: int | None = None,
    tell: Callable[[SourceStatus], None] = lambda status: None,
) -> FrameStream | LiveStream | WebSource:
    """The frames of `source`. `name` is shown to people; `tell` is called with the state of a live source.

    Pictures larger than 4K are reduced to `enough_pixels`. A live or web source is opened by its first read, not here.
    Raises `InputError` if a file cannot be read, `UsageError` for invalid requests.
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
    opening = _Opening(source, name, fps, options, enough_pixels, tell)
    if options.input_format is not None:
        device, kind = source.reveal(), options.input_format
        return opening.live(device_address(find_ffmpeg(), device, kind, name=name, options=options.input_options))
    if scheme_of(source.reveal()) not in ("http", "https"):
        return opening.live(opening.address(), explain=partial(explained, source))
    return WebSource(opening.client, opening.found, name=name, options=options.live(), tell=tell)


class _Opening:
    """Opens a source that is not a local file."""

    def __init__(
        self,
        source: SourceAddress,
        name: str,
        fps: float,
        options: SourceOptions,
        enough_pixels: int | None,
        tell: Callable[[SourceStatus], None],
    ) -> None:
        self._source = source
        self._name = name
        self._fps = fps
        self._options = options
        self._enough_pixels = enough_pixels
        self._tell = tell

    def address(self) -> Address:
        """The address for ffmpeg."""
        login, transport = self._options.credentials.login(self._source), self._options.transport
        return network_address(self._source, name=self._name, login=login, transport=transport)

    @cached_property
    def client(self) -> Client:
        """The web client for it."""
        return Client(self._source, self._options.credentials.login(self._source))

    def found(self, nature: Nature, answer: HttpResponse, reading: Reading) -> FrameStream | LiveStream:
        """Frames from an answer of a web server."""
        if nature is Nature.RECORDING:
            return self._recording(answer, reading)
        if nature is Nature.PLAYLIST:
            return self.live(self.address(), nature, following=Following(partial(fetch_playlist, self.client)))
        feed = self._still(answer) if nature is Nature.STILL else self._stream(answer, nature)
        return self.live(feed.address(self._name), nature, feed)

    def _recording(self, answer: HttpResponse, reading: Reading) -> FrameStream:
        answer.close()
        return open_frames(
            self.address(),
            fps=self._fps,
            start_s=self._options.start_s,
            end_s=self._options.end_s,
            enough_pixels=self._enough_pixels,
            reading=reading,
        )

    def _stream(self, answer: HttpResponse, nature: Nature) -> WebStream:
        return WebStream(self.client, answer, pictures=nature is Nature.PICTURES)

    def _still(self, answer: HttpResponse) -> WebStill:
        every_s = self._options.every_s
        if every_s is None:
            raise InputError(f"{self._name} is a single picture.", "Fetch it again and again: --every 2s.")
        still = WebStill(self.client, answer, every_s=every_s, fps=self._fps)
        answer.close()
        return still

    def live(
        self,
        address: Address,
        nature: Nature = Nature.STREAM,
        feed: Feed | None = None,
        following: Following | None = None,
        explain: Callable[[Ending], Ending] = lambda ending: ending,
    ) -> LiveStream:
        """A live source with these options."""
        options = self._options
        if options.start_s is not None or options.end_s is not None:
            hint = "Leave them out, and stop it when you like."
            raise UsageError(f"{self._name} is live: it has no start or end to choose.", hint)
        address = replace(address, enough_pixels=self._enough_pixels)
        return LiveStream(
            find_ffmpeg(),
            address,
            fps=self._fps,
            options=options.live(nature),
            feed=feed,
            following=following,
            explain=explain,
            tell=self._tell,
        )
