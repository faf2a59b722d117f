"""Maps the tracks of a video to ffmpeg options: where each goes in a copy, and its metadata there.

Which tracks are kept is decided in `media/tracks.py`.
"""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from svlm_cli.core.errors import InputError
from svlm_cli.core.process import run
from svlm_cli.media.container import Container
from svlm_cli.media.conversion import input_options
from svlm_cli.media.ffmpeg import Address, Ffmpeg
from svlm_cli.media.header import Stream, StreamKind
from svlm_cli.media.tracks import Track, Tracks

_SUFFIXES = {"mjpeg": "jpg"}  # of pictures with a codec of another name
_COVER_TIMEOUT_S = 60.0


def copied(tracks: Tracks, container: Container) -> list[str]:
    """Copy all kept tracks of ffmpeg's first input, with the words of the second as the first subtitles.

    Metadata stays the same, except that the source's own subtitles lose the default flag.
    """
    videos, sounds = tracks.of(StreamKind.VIDEO), tracks.of(StreamKind.AUDIO)
    subtitles = tracks.of(StreamKind.SUBTITLES)
    covers = tracks.of(StreamKind.COVER) if container is Container.MP4 else ()  # an MKV has them as attachments
    arguments = [*_maps((*videos, *sounds)), "-map", "1:s"]
    arguments += _maps((*subtitles, *covers, *tracks.of(StreamKind.ATTACHMENT), *tracks.of(StreamKind.DATA)))
    arguments += ["-c", "copy"]
    for number, track in enumerate(subtitles, 1):
        arguments += [f"-c:s:{number}", track.codec, f"-disposition:s:{number}", "-default"]
    for number in range(len(videos), len(videos) + len(covers)):
        arguments += [f"-disposition:v:{number}", "attached_pic"]
    for number, track in enumerate(sounds):
        arguments += _title(f"-metadata:s:a:{number}", track.stream, container)
    for number, track in enumerate(subtitles, 1):
        arguments += _title(f"-metadata:s:s:{number}", track.stream, container)
    return arguments


def _maps(tracks: Iterable[Track]) -> list[str]:
    return [part for track in tracks for part in ("-map", f"0:{track.stream.index}")]


def _title(option: str, stream: Stream, container: Container) -> list[str]:
    """A track's title where players look for it; ffmpeg already copies metadata called `title`."""
    title, name = stream.metadata.get("title"), stream.metadata.get("name")  # in an MP4, with FFmpeg 9
    arguments = [option, f"title={name}"] if name and not title else []
    if container is Container.MP4 and (title or name):
        arguments += [option, f"handler_name={title or name}"]
    return arguments


def attached_covers(program: Ffmpeg, source: Address, tracks: Tracks, folder: Path) -> list[str]:
    """Options that attach the source's covers, which are first written to `folder`. Raises `InputError`."""
    arguments = []
    attachments = len(tracks.of(StreamKind.ATTACHMENT))
    for number, track in enumerate(tracks.of(StreamKind.COVER)):
        stream, file = track.stream, folder / f"cover-{number}"
        _extract(program, source, stream, file)
        suffix = _SUFFIXES.get(stream.codec, stream.codec)
        name = stream.metadata.get("filename") or (f"cover.{suffix}" if number == 0 else f"cover-{number}.{suffix}")
        type_ = stream.metadata.get("mimetype") or f"image/{'jpeg' if suffix == 'jpg' else suffix}"
        what = f"-metadata:s:t:{attachments + number}"
        arguments += ["-attach", f"file:{file}", what, f"filename={name}", what, f"mimetype={type_}"]
    return arguments


def _extract(program: Ffmpeg, source: Address, stream: Stream, file: Path) -> None:
    command = [program.path, "-nostdin", "-hide_banner", "-loglevel", "error", *input_options(source)]
    command += ["-map", f"0:{stream.index}", "-c", "copy", "-frames:v", "1", "-f", "image2pipe", f"file:{file}"]
    try:
        run(command, timeout_s=_COVER_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError(f"The cover of {source.name} cannot be read.", "Copy or download the video again.") from error
