"""Adds words to a video: as a track that viewers can switch off, or drawn into its pictures.

Audio is copied. Knows subtitle files, not how they are made.
"""

import re
import tempfile
from pathlib import Path

from svlm_cli.core.errors import InputError
from svlm_cli.core.process import run
from svlm_cli.media.container import Container
from svlm_cli.media.conversion import Header, Progress, convert, input_options, read_header
from svlm_cli.media.copying import attached_covers, copied
from svlm_cli.media.ffmpeg import Address, find_ffmpeg
from svlm_cli.media.header import StreamKind
from svlm_cli.media.message import read_messages
from svlm_cli.media.part import PartVideo
from svlm_cli.media.tracks import COPYING, Tracks, choose_tracks, refuse_unfit

_CRF = 18  # visually lossless
_NO_FONT = re.compile(
    r"fontselect: failed to find any fallback with glyph 0x0 .*|Failed to load fontconfig fonts!"
    r"|(?:no|can't find selected) font provider.*"
)
_MISSING_GLYPH = re.compile(r"fontselect: failed to find any fallback with glyph 0x0*[1-9a-fA-F][0-9a-fA-F]* .*")
_WIDE = 16 / 9
_UPRIGHT = 1.6  # enlargement over the font size at which the whole line would fit
_EVEN = "scale=trunc(iw/2)*2:trunc(ih/2)*2"  # 4:2:0 requires even sizes
_SAMPLE = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Start, End, Style, Text
Dialogue: 0:00:00.00,0:00:01.00,Default,Goal
"""


def check_burning() -> None:
    """`InputError` unless ffmpeg on this machine can draw text and has a font."""
    program = find_ffmpeg()
    picture = ["-f", "lavfi", "-i", "color=s=64x64:r=10:d=0.2", "-vf", "subtitles=words.ass"]
    with tempfile.TemporaryDirectory(prefix="svlm-") as folder:
        Path(folder, "words.ass").write_text(_SAMPLE, encoding="utf-8")
        command = [program.path, "-nostdin", "-hide_banner", "-loglevel", "level+warning", *picture]
        command += ["-c:v", "libx264", "-f", "null", "-"]
        done = run(command, cwd=Path(folder))
    said = read_messages(done.stderr.decode(errors="replace").split("\n"))
    if any(_NO_FONT.fullmatch(message.text) for message in said):
        raise InputError(
            "There is no font on this machine to draw words with.",
            "Install one (Debian: apt install fonts-dejavu-core), or use --mux.",
        )
    if done.returncode != 0:
        raise InputError(
            "This ffmpeg cannot draw words into a video: it lacks libass or libx264.",
            "Install a complete ffmpeg (Debian: apt install ffmpeg), or use --mux.",
        )


def check_mux(source: Address, video: PartVideo, container: Container) -> str:
    """What `mux` would return, before there are words. Raises what `mux` would: `InputError`, `OutputError`."""
    program = find_ffmpeg()
    return _told(choose_tracks(program, source, read_header(program, source), container, video.name), video, container)


def mux(source: Address, words: Path, video: PartVideo, container: Container, language: str, done: Progress) -> str:
    """Copy `source` with `words` (SubRip) as its first subtitle track, before its own subtitles.

    `language` is an ISO 639-2 code, such as ``eng``. Returns a warning for the user, or nothing. Raises `InputError`,
    `OutputError`.
    """
    program = find_ffmpeg()
    header = read_header(program, source)
    tracks = choose_tracks(program, source, header, container, video.name)
    arguments = [*COPYING, *input_options(source)]
    arguments += ["-itsoffset", f"{-header.begin_s:.6f}", "-f", "srt", "-i", f"file:{words.absolute()}"]
    arguments += [*copied(tracks, container), *_with_its_gap(header)]
    arguments += ["-c:s:0", container.words, "-disposition:s:0", "default", "-metadata:s:s:0", f"language={language}"]
    arguments += ["-metadata:s:s:0", "title=svlm"]
    needs = {StreamKind.VIDEO: len(tracks.of(StreamKind.VIDEO)), StreamKind.SUBTITLES: 1}
    with tempfile.TemporaryDirectory(prefix="svlm-") as folder:
        if container is Container.MKV:
            arguments += attached_covers(program, source, tracks, Path(folder))
        convert(program, arguments, video, container, needs, hint="", folder=words.parent, on_progress=done)
    return _told(tracks, video, container)


def _told(tracks: Tracks, video: PartVideo, container: Container) -> str:
    loss = tracks.loss(container)
    return f"{video.name} lacks {loss}, which {container.upper()} cannot hold." if loss else ""


def check_burn_in(source: Address, video: PartVideo, container: Container) -> None:
    """Raise what `burn_in` would, as far as that is known without words: `InputError`, `OutputError`."""
    check_burning()
    program = find_ffmpeg()
    sound = read_header(program, source).of(StreamKind.AUDIO)
    refuse_unfit(program, source, sound, container, video.name, "--burn-in")


def burn_in(
    source: Address, words: Path, video: PartVideo, container: Container, font_size: int, done: Progress
) -> str:
    """Draw `words` (ASS, with `font_size` for 16:9 pictures) into the pictures, and re-encode them as H.264.

    Returns a warning for the user, or nothing. Raises `InputError`, `OutputError`.
    """
    program = find_ffmpeg()
    header = read_header(program, source)
    size = font_size if header.size is None else round(font_size * _scale(*header.size))
    begin = f"{header.begin_s:.6f}/TB"
    drawn = f"setpts=PTS+{begin},subtitles={words.name}:force_style='FontSize={size}',setpts=PTS-{begin}"
    arguments = [*input_options(source), "-map", "0:V:0", "-map", "0:a?", "-vf", f"{drawn},{_EVEN}"]
    arguments += _with_its_gap(header)
    arguments += ["-c:v", "libx264", "-crf", str(_CRF), "-preset", "medium", "-pix_fmt", "yuv420p", "-c:a", "copy"]
    misses_glyphs = convert(
        program,
        arguments,
        video,
        container,
        {StreamKind.VIDEO: 1},
        hint="An .mkv can hold more kinds of sound: try --burn-in OUT.mkv." if container is Container.MP4 else "",
        folder=words.parent,
        on_progress=done,
        notable=lambda message: _MISSING_GLYPH.fullmatch(message.text) is not None,
    )
    return f"{video.name}: no font has some of the letters." if misses_glyphs else ""


def _with_its_gap(header: Header) -> list[str]:
    """Keep the gap that players show before the first moment; by default, ffmpeg's output starts at 0."""
    return ["-output_ts_offset", f"{header.begin_s:.6f}"] if header.begin_s > 0 else []


def _scale(width: int, height: int) -> float:
    """Font scale: narrower pictures fit the same lines in smaller letters; upright ones wrap them."""
    fits = min(1.0, width / height / _WIDE)
    return fits * _UPRIGHT if width < height else fits
