"""Which streams a copy of a video can hold, and in which form. Finds out by letting ffmpeg make trial copies.

Knows nothing about the words that are added.
"""

import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from svlm_cli.core.errors import OutputError
from svlm_cli.core.process import run
from svlm_cli.media.container import Container
from svlm_cli.media.conversion import Header, input_options
from svlm_cli.media.ffmpeg import Address, Ffmpeg
from svlm_cli.media.header import Stream, StreamKind
from svlm_cli.media.message import read_messages

COPYING = ["-fflags", "+genpts"]  # AVI files lack presentation times, which copies need
"""Options for an input that is copied."""

_TRIAL_TIMEOUT_S = 20.0
_PAST_THE_END = ("-ss", "1000000")  # makes ffmpeg write a header and nothing else
_FIRST_SECOND = ("-t", "1")
_OWN_TAGS = ("text", "tmcd")  # chapters and time code, which MP4 stores as tracks: ffmpeg writes new ones
_NAMES = {
    StreamKind.COVER: ("cover", "covers"),
    StreamKind.SUBTITLES: ("track of subtitles", "tracks of subtitles"),
    StreamKind.ATTACHMENT: ("attachment", "attachments"),
    StreamKind.DATA: ("track of data", "tracks of data"),
}


@dataclass(frozen=True, slots=True)
class Track:
    """One stream that is kept."""

    stream: Stream
    codec: str  # "copy", or a text codec


@dataclass(frozen=True, slots=True)
class Tracks:
    """The kept streams of a video: video and audio first, in the order in which ffmpeg numbers tracks."""

    kept: tuple[Track, ...]
    lost: tuple[Stream, ...]

    def of(self, kind: StreamKind) -> tuple[Track, ...]:
        """The kept tracks of a kind."""
        return tuple(track for track in self.kept if track.stream.kind is kind)

    def loss(self, container: Container) -> str:
        """What a copy will lack, in words; empty if nothing."""
        counts = Counter(stream.kind for stream in self.lost)
        drawn = "drawn " if container is Container.MP4 else ""
        things = []
        for kind, (one, several) in _NAMES.items():
            if count := counts[kind]:
                codecs = ", ".join(sorted({one.codec for one in self.lost if one.kind is kind} - {"none"}))
                name = (one if count == 1 else several).replace("subtitles", f"{drawn}subtitles")
                things.append(f"{count} {name} ({codecs})" if codecs else f"{count} {name}")
        return " and ".join(things)


def choose_tracks(program: Ffmpeg, source: Address, header: Header, container: Container, name: str) -> Tracks:
    """What `container` can hold of the source. `OutputError` if the file `name` would lack video or audio."""
    seen_and_heard = header.of(StreamKind.VIDEO) + header.of(StreamKind.AUDIO)
    refuse_unfit(program, source, seen_and_heard, container, name, "--mux")
    kept, lost = [Track(stream, "copy") for stream in seen_and_heard], []
    codecs: dict[tuple[StreamKind, str, str], str | None] = {}
    for stream in header.of(StreamKind.SUBTITLES, StreamKind.COVER, StreamKind.ATTACHMENT, StreamKind.DATA):
        if stream.kind is StreamKind.DATA and stream.tag in _OWN_TAGS:
            continue
        alike = (stream.kind, stream.codec, stream.tag)
        if alike not in codecs:
            codecs[alike] = _codec(program, source, stream, container)
        codec = codecs[alike]
        if codec is None:
            lost.append(stream)
        else:
            kept.append(Track(stream, codec))
    return Tracks(tuple(kept), tuple(lost))


def refuse_unfit(
    program: Ffmpeg, source: Address, streams: Sequence[Stream], container: Container, name: str, option: str
) -> None:
    """Raise `OutputError` if the file `name`, requested by `option`, cannot hold a copy of these streams."""
    if not streams:
        return
    said = _trial(program, source, streams, container, _FIRST_SECOND)
    if said is None:
        return
    unfit = [one for one in streams if _trial(program, source, [one], container, _PAST_THE_END) is not None]
    why = said.rstrip(".") or "ffmpeg gives no reason"
    if unfit:
        what = "the pictures" if unfit[0].kind is StreamKind.VIDEO else "the sound"
        why = f"{container.upper()} cannot hold {what} of {source.name} ({unfit[0].codec})"
    hint = (
        f"An .mkv can hold more kinds of pictures and sound: try {option} OUT.mkv."
        if container is Container.MP4
        else ""
    )
    raise OutputError(f"{name} cannot be written: {why}.", hint or "Convert the video to H.264 and AAC first.")


def _codec(program: Ffmpeg, source: Address, stream: Stream, container: Container) -> str | None:
    """The form in which `container` takes a stream; None if it does not."""
    if stream.kind is StreamKind.COVER and container is Container.MKV:
        return "copy"  # any picture can be attached
    if _trial(program, source, [stream], container, _PAST_THE_END) is None:
        return "copy"
    if stream.kind is not StreamKind.SUBTITLES:
        return None
    said = _trial(program, source, [stream], container, _PAST_THE_END, codec=container.words)
    return container.words if said is None else None


def _trial(
    program: Ffmpeg,
    source: Address,
    streams: Sequence[Stream],
    container: Container,
    extent: tuple[str, str],
    *,
    codec: str = "copy",
) -> str | None:
    """The error message of ffmpeg if it cannot write these streams; None if it can, or does not fail soon."""
    command = [program.path, "-nostdin", "-hide_banner", "-nostats", "-loglevel", "level+error", "-y", *extent]
    command += [*COPYING, *input_options(source)]
    command += [part for stream in streams for part in ("-map", f"0:{stream.index}")]
    command += ["-c", codec, "-f", container.muxer, "file:/dev/null"]
    try:
        done = run(command, timeout_s=_TRIAL_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return None
    except OSError as error:
        raise program.not_started(error) from error
    if done.returncode == 0:
        return None
    messages = read_messages(done.stderr.decode(errors="replace").split("\n"))
    return source.presentable(next((message.text for message in messages if message.text.strip()), ""))
