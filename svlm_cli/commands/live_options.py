"""The options of ``svlm caption`` for what goes on by itself: cameras, streams, devices, files that still grow."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from svlm_cli.commands.panels import Panel
from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import UsageError
from svlm_cli.media.network import Transport
from svlm_cli.pipeline.batch import Wanted
from svlm_cli.pipeline.cameras import Camera, plan_cameras
from svlm_cli.sources.credentials import Credentials
from svlm_cli.sources.files import Decoder
from svlm_cli.sources.opening import SourceOptions, is_file

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_RESERVED = ("protocol_whitelist", "format_whitelist", "f", "i")


class OnGap(StrEnum):
    """What becomes of a stream's memory when its source was away."""

    KEEP = "keep"
    RESET = "reset"


class WhenBehind(StrEnum):
    """What a live source does while the model is too slow for it."""

    DROP = "drop"
    CATCH_UP = "catch-up"


@dataclass(frozen=True, slots=True)
class LiveArguments:
    """As they stand on the command line."""

    name: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="What to call a camera; once for each, in their order.",
            rich_help_panel=Panel.CAMERAS,
        ),
    ] = None
    segment: Annotated[
        str | None,
        typer.Option(
            "--segment",
            metavar="TIME",
            help="Begin new files every 15m, 1h, 1d ..., by the clock.",
            rich_help_panel=Panel.CAMERAS,
        ),
    ] = None
    input_format: Annotated[
        str | None,
        typer.Option(
            "--input-format",
            metavar="v4l2|x11grab|...",
            help="The sources are devices of this kind.",
            rich_help_panel=Panel.CAMERAS,
        ),
    ] = None
    input_option: Annotated[
        list[str] | None,
        typer.Option(
            "--input-option",
            metavar="KEY=VALUE",
            help="For the device, as in video_size=1280x720. Repeatable.",
            rich_help_panel=Panel.CAMERAS,
        ),
    ] = None
    every: Annotated[
        str | None,
        typer.Option(
            "--every",
            metavar="TIME",
            help="Fetch an address of a single picture every 2s, 1m ...",
            rich_help_panel=Panel.CAMERAS,
        ),
    ] = None
    follow: Annotated[
        bool,
        typer.Option(
            "--follow",
            help="The file is still written: go on until it has stopped growing.",
            rich_help_panel=Panel.CAMERAS,
        ),
    ] = False
    stall_timeout: Annotated[
        float,
        typer.Option(
            "--stall-timeout",
            metavar="SECONDS",
            help="Without a picture for so long, connect again.",
            rich_help_panel=Panel.CAMERAS,
        ),
    ] = 8.0
    max_reconnects: Annotated[
        int | None,
        typer.Option(
            "--max-reconnects",
            metavar="N",
            help="Give up after N failures in a row. Default: never.",
            rich_help_panel=Panel.CAMERAS,
        ),
    ] = None
    wait: Annotated[
        bool,
        typer.Option(
            "--wait",
            help="Wait for a camera whatever is wrong: no such host or path, a wrong password. Several always wait.",
            rich_help_panel=Panel.CAMERAS,
        ),
    ] = False
    on_gap: Annotated[
        OnGap,
        typer.Option(
            "--on-gap",
            help="After a reconnection, keep what was seen in mind, or begin anew.",
            rich_help_panel=Panel.CAMERAS,
        ),
    ] = OnGap.KEEP
    when_behind: Annotated[
        WhenBehind,
        typer.Option(
            "--when-behind",
            help="If the model is too slow, drop the oldest frames, or fall behind.",
            rich_help_panel=Panel.CAMERAS,
        ),
    ] = WhenBehind.DROP
    rtsp_transport: Annotated[
        Transport,
        typer.Option("--rtsp-transport", help="What carries a camera's video.", rich_help_panel=Panel.CAMERAS),
    ] = Transport.TCP
    credentials: Annotated[
        Path | None,
        typer.Option(
            "--credentials",
            envvar="SVLM_CREDENTIALS",
            metavar="FILE",
            help="Users and passwords by host, in the form of ~/.netrc.",
            rich_help_panel=Panel.CAMERAS,
        ),
    ] = None

    @property
    def segment_s(self) -> float | None:
        """How long a file lasts."""
        return None if self.segment is None else _length_s(self.segment, "for a file", "15m, 1h or 1d", least_s=1)

    @property
    def every_s(self) -> float | None:
        """How long a single picture stands for the time after it."""
        return None if self.every is None else _length_s(self.every, "between two pictures", "2s or 1m", least_s=0.1)

    @property
    def follow_s(self) -> float | None:
        """How long a file may not grow that is still written."""
        return self.stall_timeout if self.follow else None

    def source_options(self, start_s: float | None, end_s: float | None, decoder: Decoder) -> SourceOptions:
        """How the sources are opened; `UsageError` for what makes no sense."""
        options = SourceOptions(
            start_s=start_s,
            end_s=end_s,
            decoder=decoder,
            input_format=self.input_format,
            input_options=tuple(_pair(text) for text in self.input_option or ()),
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

    def cameras(self, sources: Sequence[SourceAddress], options: SourceOptions, wanted: Wanted) -> tuple[Camera, ...]:
        """What becomes of the sources, if they are no files here; `UsageError` if some are and some are not."""
        files = [source for source in sources if is_file(source, options)]
        if len(files) == len(sources):
            return ()
        if files:
            raise UsageError(
                f"{files[0]} is a file, and others are watched live.",
                "Caption files in a call of their own.",
            )
        segmented = self.segment_s is not None
        return plan_cameras(sources, self.name or (), wanted, segmented=segmented)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"\w+", key) or key in _RESERVED:
        raise UsageError(f"{text} is not an option for a device.", "Write it like video_size=1280x720.")
    return key, value


def _length_s(text: str, what_for: str, examples: str, *, least_s: float) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip())
    seconds = float(match[1]) * _UNITS_S[match[2] or "s"] if match else 0.0
    if seconds < least_s:
        raise UsageError(f"{text} is no length {what_for}.", f"Write it like {examples}.")
    return seconds
