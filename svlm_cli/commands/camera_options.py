"""The options of ``svlm caption`` for live sources: cameras, streams, devices, files that still grow."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from svlm_cli.cli.panels import Panel
from svlm_cli.cli.values import device_option_of, length_of
from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import UsageError
from svlm_cli.media.network import Transport
from svlm_cli.pipeline.batch import Job, Wanted
from svlm_cli.pipeline.cameras import plan_cameras
from svlm_cli.sources.credentials import Credentials
from svlm_cli.sources.files import Decoder
from svlm_cli.sources.opening import SourceOptions, is_file


class OnGap(StrEnum):
    """What happens to a stream's memory after its source was gone."""

    KEEP = "keep"
    RESET = "reset"


class WhenBehind(StrEnum):
    """What a live source does while the model is too slow for it."""

    DROP = "drop"
    CATCH_UP = "catch-up"


@dataclass(frozen=True, slots=True)
class CameraOptions:
    """The options, as given on the command line."""

    name: Annotated[
        list[str] | None,
        Panel.CAMERAS.option(metavar="NAME", help="Name of the camera. For several cameras, repeat it in their order."),
    ] = None
    segment: Annotated[
        str | None,
        Panel.CAMERAS.option(metavar="TIME", help="Start a new file every 15m, 1h, 1d ..., aligned to the clock."),
    ] = None
    input_format: Annotated[
        str | None,
        Panel.CAMERAS.option(metavar="v4l2|x11grab|...", help="The inputs are devices of this kind."),
    ] = None
    input_option: Annotated[
        list[str] | None,
        Panel.CAMERAS.option(
            metavar="KEY=VALUE", help="Option for the device, such as video_size=1280x720. Repeatable."
        ),
    ] = None
    every: Annotated[
        str | None,
        Panel.CAMERAS.option(metavar="TIME", help="Fetch the single picture at an address every 2s, 1m ..."),
    ] = None
    follow: Annotated[
        bool,
        Panel.CAMERAS.option("--follow", help="The file is still being written: continue until it stops growing."),
    ] = False
    stall_timeout: Annotated[
        float,
        Panel.CAMERAS.option(metavar="SECONDS", help="Reconnect after this long without a picture."),
    ] = 8.0
    max_reconnects: Annotated[
        int | None,
        Panel.CAMERAS.option(metavar="N", help="Give up after N failed attempts in a row.", show_default="never"),
    ] = None
    wait: Annotated[
        bool,
        Panel.CAMERAS.option(
            "--wait",
            help="Keep trying to connect, even if the host is unknown or the password wrong. On for several cameras.",
        ),
    ] = False
    on_gap: Annotated[
        OnGap,
        Panel.CAMERAS.option(help="After a reconnection, keep or reset the memory of what was seen."),
    ] = OnGap.KEEP
    when_behind: Annotated[
        WhenBehind,
        Panel.CAMERAS.option(help="If the model is too slow: drop the oldest frames, or fall behind."),
    ] = WhenBehind.DROP
    rtsp_transport: Annotated[
        Transport,
        Panel.CAMERAS.option(help="Transport of RTSP streams."),
    ] = Transport.TCP
    credentials: Annotated[
        Path | None,
        Panel.CAMERAS.option(
            envvar="SVLM_CREDENTIALS",
            metavar="FILE",
            help="A file of users and passwords by host, in the format of ~/.netrc.",
        ),
    ] = None

    @property
    def segment_s(self) -> float | None:
        """How long a file lasts."""
        return None if self.segment is None else length_of(self.segment, "for a file", "15m, 1h or 1d", least_s=1)

    @property
    def every_s(self) -> float | None:
        """How long a single picture stands for the time after it."""
        return None if self.every is None else length_of(self.every, "between two pictures", "2s or 1m", least_s=0.1)

    def source_options(self, start_s: float | None, end_s: float | None, decoder: Decoder) -> SourceOptions:
        """How sources are opened. `UsageError` for options that contradict each other."""
        options = SourceOptions(
            start_s=start_s,
            end_s=end_s,
            decoder=decoder,
            input_format=self.input_format,
            input_options=tuple(device_option_of(text) for text in self.input_option or ()),
            follow=self.follow,
            credentials=Credentials(self.credentials),
            transport=self.rtsp_transport,
            stall_timeout_s=self.stall_timeout,
            max_reconnects=self.max_reconnects,
            waits=self.wait,
            every_s=self.every_s,
            catch_up=self.when_behind is WhenBehind.CATCH_UP,
        )
        options.live()  # checks what it is given
        if self.input_option and self.input_format is None:
            raise UsageError("--input-option is for devices.", "Say which kind with --input-format.")
        return options

    def cameras(self, sources: Sequence[SourceAddress], options: SourceOptions, wanted: Wanted) -> tuple[Job, ...]:
        """The jobs of live sources; none if all are files. `UsageError` for a mixture."""
        files = [source for source in sources if is_file(source, options)]
        if len(files) == len(sources):
            return ()
        if files:
            raise UsageError(
                f"{files[0]} is a file, and others are watched live.",
                "Caption files in a separate call.",
            )
        segmented = self.segment_s is not None
        return plan_cameras(sources, self.name or (), wanted, segmented=segmented)
