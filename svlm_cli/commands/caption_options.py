"""The options of ``svlm caption``, and their conversion to the settings of a session."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from svlm_cli.checkpoints.policy_changes import PolicyChanges
from svlm_cli.cli import choices
from svlm_cli.cli.panels import Panel
from svlm_cli.cli.values import formats_of, seconds_of
from svlm_cli.commands import options
from svlm_cli.commands.camera_options import CameraOptions, OnGap
from svlm_cli.commands.loading import speaker
from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import PolicyOverrides, StreamPolicy
from svlm_cli.fleet.store import is_store
from svlm_cli.outputs.encoding import UTF_8, Encoding
from svlm_cli.outputs.format import Format
from svlm_cli.outputs.live.showing import LiveMode, Showing
from svlm_cli.outputs.progress import ProgressStyle
from svlm_cli.outputs.style import DEFAULT_STYLE, CueStyle
from svlm_cli.outputs.summary import SummaryStyle
from svlm_cli.pipeline.batch import STDOUT, Existing, Job, Wanted
from svlm_cli.pipeline.captioning import CallSettings
from svlm_cli.pipeline.inputs import STDIN, Input, find_inputs
from svlm_cli.pipeline.settings import SessionSettings
from svlm_cli.sources.files import Decoder
from svlm_cli.sources.opening import SourceOptions

if TYPE_CHECKING:
    from svlm_cli.pipeline.products import Product


@dataclass(frozen=True, slots=True)
class CaptionOptions(options.EngineOptions):
    """What was asked for, an option a field, in the order of the help."""

    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT",
            help="Videos, folders of videos, or patterns such as 'season/**/*.mp4'; `-` reads one video from stdin.",
            show_default=False,
        ),
    ] = None
    batch_file: options.BatchFile = None
    streams: Annotated[
        int,
        Panel.INPUT.option(
            "--jobs", "-j", min=1, metavar="N", help="How many videos are captioned at once, in one batch."
        ),
    ] = 1
    fail_fast: Annotated[bool, Panel.INPUT.option("--fail-fast", help="Stop at the first video that fails.")] = False
    fleet: Annotated[
        str | None,
        Panel.INPUT.option(
            "--fleet",
            metavar="local|ADDRESS",
            help="Spread videos or cameras over all GPUs of this machine or of a Ray cluster; without GPUs, over "
            "the cores.",
        ),
    ] = None
    ignore_errors: Annotated[
        bool,
        Panel.INPUT.option(
            "--ignore-errors", help="Report videos that cannot be read, but do not fail because of them."
        ),
    ] = False
    model: options.Model = None
    adapter: options.Adapter = None
    output: Annotated[
        str | None,
        Panel.OUTPUT.option(
            "--output",
            "-o",
            metavar="FILE|-",
            help="Write here instead of STEM.srt beside the video. Fields, as in '{dir}/{stem}.en.{ext}', are {dir}, "
            "{stem}, {name}, {parent} and {ext}.",
        ),
    ] = None
    output_dir: Annotated[
        str | None,
        Panel.OUTPUT.option(
            metavar="DIR",
            help="Write into DIR as `cp -r` does: the folder season gives DIR/season/a/x.srt, x.mp4 gives DIR/x.srt.",
        ),
    ] = None
    formats: Annotated[
        str,
        Panel.OUTPUT.option(
            "--format",
            "-f",
            metavar=",".join(Format),
            autocompletion=choices.formats,
            help="Output formats, separated by commas.",
            show_default="srt, or by the suffix of -o FILE",
        ),
    ] = ""
    overwrite: options.Overwrite = False
    skip_existing: Annotated[
        bool,
        Panel.OUTPUT.option("--skip-existing", help="Keep existing files, and write only those that are missing."),
    ] = False
    mux: Annotated[
        Path | None,
        Panel.COPIES.option(
            metavar="OUT.mkv|mp4", help="Also write a copy of the video with the words as a subtitle track."
        ),
    ] = None
    burn_in: Annotated[
        Path | None,
        Panel.COPIES.option(
            metavar="OUT.mp4|mkv", help="Also write a copy of the video with the words drawn into its pictures."
        ),
    ] = None
    report: Annotated[
        Path | None,
        Panel.COPIES.option(
            metavar="OUT.html", help="Also write a web page with pictures, words, search and a player."
        ),
    ] = None
    language: Annotated[
        str,
        Panel.COPIES.option(metavar="CODE", help="Language of the track that --mux adds, as an ISO 639-2 code."),
    ] = "eng"
    max_line_width: Annotated[
        int,
        Panel.SUBTITLES.option(
            metavar="COLUMNS", help="Maximum columns of a line of subtitles; Chinese characters and emoji take 2."
        ),
    ] = DEFAULT_STYLE.max_line_width
    max_lines: Annotated[int, Panel.SUBTITLES.option(metavar="N", help="Maximum number of lines of a cue.")] = (
        DEFAULT_STYLE.max_lines
    )
    max_cps: Annotated[
        float,
        Panel.SUBTITLES.option(metavar="N", help="Reading speed that cues are timed for, in columns per second."),
    ] = DEFAULT_STYLE.max_cps
    encoding: Annotated[
        str,
        Panel.SUBTITLES.option(
            metavar="NAME", help="Encoding of srt, ass, tsv and txt, such as utf-8-sig. Other formats are always UTF-8."
        ),
    ] = UTF_8.name
    crlf: Annotated[
        bool,
        Panel.SUBTITLES.option("--crlf", help="End lines with CRLF, except in json and jsonl."),
    ] = False
    raw_tsv: Annotated[
        bool,
        Panel.SUBTITLES.option(
            "--raw-tsv", help="In tsv, do not put a ' before text that a spreadsheet would read as a formula."
        ),
    ] = False
    start: Annotated[str | None, Panel.INPUT.option(metavar="TIME", help="Where to start: seconds, or [H:]MM:SS.")] = (
        None
    )
    end: Annotated[str | None, Panel.INPUT.option(metavar="TIME", help="Where to stop: seconds, or [H:]MM:SS.")] = None
    query: options.Query = None
    keep_query: Annotated[
        bool | None,
        Panel.COMMENTARY.option(
            "--keep-query/--no-keep-query", help="Repeat the query in every round, not only in the first."
        ),
    ] = None
    context: options.Context = ""
    mode: options.ForgetsBy = None
    temperature: options.Temperature = None
    decoder: Annotated[Decoder, Panel.INPUT.option(help="Decoder of video files.")] = Decoder.FFMPEG
    live: CameraOptions = field(default_factory=CameraOptions)
    progress: Annotated[ProgressStyle, Panel.OTHER.option(help="How progress is shown on stderr.")] = ProgressStyle.AUTO
    summary: Annotated[
        SummaryStyle,
        Panel.OTHER.option(
            help="Report how each video went: a table on stderr if there are several, or one JSON document on stdout."
        ),
    ] = SummaryStyle.TABLE
    screen: Annotated[
        LiveMode,
        Panel.OTHER.option(
            "--live", help="A full-screen view of pictures, words and numbers. `auto`: for cameras, on a terminal."
        ),
    ] = LiveMode.AUTO

    def inputs(self) -> tuple[Input, ...]:
        """The videos. To be asked for once: a list on standard input is gone then."""
        return find_inputs(self.sources or (), self.batch_file, tell=self.warn)

    def wanted(self) -> Wanted:
        """Where the words go. `UsageError` for what makes no sense."""
        if self.overwrite and self.skip_existing:
            raise UsageError("--overwrite and --skip-existing contradict each other.", "Leave one of them out.")
        existing = Existing.OVERWRITE if self.overwrite else Existing.SKIP if self.skip_existing else Existing.REFUSE
        return Wanted(formats_of(self.formats), self.output, self.folder, existing)

    @property
    def folder(self) -> Path | None:
        """`--output-dir`, if it is a folder of this machine and not of a fleet's store."""
        if self.output_dir is None or (self.fleet is not None and is_store(self.output_dir)):
            return None
        return Path(self.output_dir)

    def showing(self) -> Showing:
        """How people want to see what happens."""
        beside = self.output is None and self.output_dir is None
        to_stdout = self.output == STDOUT or (beside and STDIN in (self.sources or ()))
        folder = self.folder or Path()
        return Showing(self.screen, self.progress, self.quiet, speaker(self), folder, to_stdout)

    def source_options(self) -> SourceOptions:
        """How sources are opened. `UsageError` for what makes no sense."""
        return self.live.source_options(seconds_of(self.start), seconds_of(self.end), self.decoder)

    def cameras(self, listed: Sequence[Input]) -> tuple[Job, ...]:
        """What is to be watched: of the inputs that a list names, or else of the arguments, if they are not files here.

        `UsageError` if some are and some are not.
        """
        sources = [one.source for one in listed] or [SourceAddress(one) for one in self.sources or ()]
        wanted = self.wanted()
        if self.fleet is not None:  # the files of a call that was killed are continued
            wanted = replace(wanted, existing=Existing.OVERWRITE)
        cameras = self.live.cameras(sources, self.source_options(), wanted)
        if cameras and (self.mux is not None or self.burn_in is not None):
            raise UsageError("--mux and --burn-in copy a video that is a file.", "Leave them out for cameras.")
        return cameras

    def settings(self, *, live: bool, several: bool) -> SessionSettings:
        """What holds for every source of a call, of which there may be `several`. `UsageError` for what makes no sense.

        Several cameras all wait, whatever is wrong with one of them.
        """
        wanted = self.wanted()
        return SessionSettings(
            sources=replace(self.source_options(), waits=self.live.wait or (live and several)),
            query=self.query,
            context=self.context,
            seed=self.seed,
            resets=self.live.on_gap is OnGap.RESET,
            model=speaker(self),
            several=several and not live,
            existing=wanted.existing,
            make_folders=wanted.makes_folders,
            segment_s=self.live.segment_s if live else None,
            style=self.style,
            encoding=Encoding(self.encoding, self.crlf),
            raw_tsv=self.raw_tsv,
        )

    def call(self, *, live: bool) -> CallSettings:
        """What the call is told of, and what comes of its errors."""
        return CallSettings(
            live=live,
            streams=self.streams,
            quiet=self.quiet,
            table=self.summary is SummaryStyle.TABLE,
            to_stdout=self.output == STDOUT,
            fail_fast=self.fail_fast,
            ignore_errors=self.ignore_errors,
        )

    @property
    def style(self) -> CueStyle:
        """How cues are made."""
        return CueStyle(self.max_line_width, self.max_lines, self.max_cps)

    def products(self, jobs: Sequence[Job]) -> tuple["Product", ...]:
        """What is made of the video beside files of words; checked as far as can be."""
        if self.mux is None and self.burn_in is None and self.report is None:
            return ()
        from svlm_cli.pipeline.wanted_products import WantedProducts

        wanted = WantedProducts(
            self.mux,
            self.burn_in,
            self.report,
            self.language,
            speaker(self),
            self.style,
            overwrite=self.overwrite,
            skip_existing=self.skip_existing,
        )
        return wanted.plan(jobs, self)

    def output_names(self, job: Job) -> list[str]:
        """All that is made of a video, whether it is there already or not."""
        copies = [str(path) for path in (self.mux, self.burn_in, self.report) if path is not None]
        return [target.name for target in (*job.kept, *job.targets)] + copies

    def changed(self, policy: StreamPolicy, changes: PolicyChanges) -> StreamPolicy:
        """A model's policy with what was asked for instead: by options, else by --set, else by --policy."""
        overrides = PolicyOverrides(
            mode=self.mode, fps=self.fps, keep_query=self.keep_query, temperature=self.temperature
        )
        return changes.applied(policy, overrides)
