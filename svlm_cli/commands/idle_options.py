"""Options of ``svlm caption`` that would do nothing in a call, and are refused if they were typed.

In the configuration or the environment they are defaults for other calls, and nothing is said of them. What does no
harm wherever it stands, as ``--jobs`` for one video, is not here. Knows what each option is for, not what it does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from svlm_cli.cli.command import given
from svlm_cli.commands.caption_options import CaptionOptions
from svlm_cli.core.errors import UsageError
from svlm_cli.media.network import scheme_of
from svlm_cli.outputs.format import Charset, Format
from svlm_cli.outputs.rotation import fixed_name
from svlm_cli.pipeline.batch import Job, Target

_CUES: Final = {one for one in Format if one.traits.has_cues}
_ANY_CHARSET: Final = {one for one in Format if one.traits.charset is Charset.ANY}


@dataclass(frozen=True, slots=True)
class CaptionCall:
    """What a call is about, as far as options depend on it."""

    asked: CaptionOptions
    targets: tuple[Target, ...]
    schemes: frozenset[str | None]  # of cameras' addresses, None for devices; none at all: files

    @classmethod
    def of(cls, asked: CaptionOptions, jobs: Sequence[Job], *, live: bool) -> "CaptionCall":
        """Of a call for files, or for what is `live`."""
        device = asked.live.input_format is not None
        schemes = {None if device else scheme_of(one.source.reveal()) for one in jobs} if live else ()
        return cls(asked, tuple(one for job in jobs for one in (*job.kept, *job.targets)), frozenset(schemes))

    @property
    def live(self) -> bool:
        """Whether it is about cameras."""
        return bool(self.schemes)

    @property
    def copies(self) -> bool:
        """Whether more is made of the video than words."""
        return any(one is not None for one in (self.asked.mux, self.asked.burn_in, self.asked.report))

    def writes(self, formats: set[Format]) -> bool:
        """Whether any of them is written."""
        return any(one.format in formats for one in self.targets)

    def calls(self, *schemes: str) -> bool:
        """Whether any of its addresses begins so."""
        return not self.schemes.isdisjoint(schemes)


_TABLE: Final[
    tuple[tuple[str, str, Callable[[CaptionCall], bool]], ...]
] = (  # options, what for, whether they are idle
    ("--language", "the track that --mux adds", lambda call: call.asked.mux is None),
    (
        "--max-line-width --max-lines --max-cps",
        "cues, which json and jsonl have not",
        lambda call: not call.writes(_CUES) and not call.copies,
    ),
    ("--encoding", "srt, ass, tsv and txt", lambda call: not call.writes(_ANY_CHARSET)),
    ("--crlf", "formats other than json and jsonl", lambda call: not call.writes(_CUES)),
    ("--raw-tsv", "-f tsv", lambda call: not call.writes({Format.TSV})),
    (
        "--overwrite --skip-existing",
        "files, and the words go to standard output",
        lambda call: not call.copies and all(one.path is None for one in call.targets),
    ),
    (
        "--overwrite",
        "names that are there, and those of cameras hold the time",
        lambda call: call.live and all(one.path is None or fixed_name(one.path) is None for one in call.targets),
    ),
    ("--start --end", "files, and these are live", lambda call: call.live and not call.calls("http", "https")),
    (
        "--name --segment --wait --every --max-reconnects --on-gap --when-behind --rtsp-transport --credentials",
        "cameras and other live sources, and these are files",
        lambda call: not call.live,
    ),
    ("--stall-timeout", "cameras, and for --follow", lambda call: not call.live and not call.asked.live.follow),
    (
        "--jobs --fail-fast --ignore-errors --summary --skip-existing --report --decoder --follow",
        "files, and these are cameras",
        lambda call: call.live,
    ),
    (
        "--every",
        "the address of a picture, as in http://camera/snapshot.jpg",
        lambda call: call.live and not call.calls("http", "https"),
    ),
    ("--rtsp-transport", "rtsp addresses", lambda call: call.live and not call.calls("rtsp", "rtsps")),
    ("--credentials", "addresses, and devices have none", lambda call: call.schemes == {None}),
)


def refuse_idle(call: CaptionCall) -> None:
    """`UsageError` for the first option that was typed and would do nothing."""
    for options, purpose, idle in _TABLE:
        for option in options.split():
            if given(option) and idle(call):
                raise UsageError(f"{option} would do nothing: it is for {purpose}.", "Leave it out.")
