"""A video and its words -> a video with words: as a track that viewers can switch off, or in its pictures.

Sound is copied as it is. Knows files of subtitles, not how they are made.
"""

import re
import subprocess
import tempfile
from enum import StrEnum
from pathlib import Path

from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.media.conversion import Progress, convert, input_options, read_header
from svlm_cli.media.ffmpeg import Address, find_ffmpeg
from svlm_cli.media.part import PartVideo

_CRF = 18  # looks like the original
_NO_FONT = re.compile(r"failed to find any fallback with glyph 0x0\b|Failed to load fontconfig fonts|no font provider")
_MISSING_GLYPH = re.compile(r"failed to find any fallback with glyph 0x[0-9a-f]*[1-9a-f]")
_WIDE = 16 / 9
_UPRIGHT = 1.6  # times larger than the whole line would allow
_EVEN = "scale=trunc(iw/2)*2:trunc(ih/2)*2"  # 4:2:0 has no odd sizes
_TEXT_SUBTITLES = frozenset(("subrip", "srt", "ass", "ssa", "mov_text", "webvtt", "text"))
_SAMPLE = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Start, End, Style, Text
Dialogue: 0:00:00.00,0:00:01.00,Default,Goal
"""


class Container(StrEnum):
    """A file that takes pictures, sound and words; the value is its suffix."""

    MKV = "mkv"
    MP4 = "mp4"

    @classmethod
    def of(cls, path: Path) -> "Container":
        """What the file's name asks for; `UsageError` if it is neither."""
        try:
            return cls(path.suffix.lower().removeprefix("."))
        except ValueError as error:
            raise UsageError(f"{path} is neither .mkv nor .mp4.", "Give it one of these names.") from error

    @property
    def options(self) -> list[str]:
        """How ffmpeg writes it."""
        return ["-f", "matroska"] if self is Container.MKV else ["-f", "mp4", "-movflags", "+faststart"]


def check_burning() -> None:
    """`InputError` unless this machine's ffmpeg can draw words into pictures, and has a font for them."""
    program = find_ffmpeg()
    picture = ["-f", "lavfi", "-i", "color=s=64x64:r=10:d=0.2", "-vf", "subtitles=words.ass"]
    with tempfile.TemporaryDirectory(prefix="svlm-") as folder:
        Path(folder, "words.ass").write_text(_SAMPLE, encoding="utf-8")
        command = [program.path, "-nostdin", "-hide_banner", "-loglevel", "level+warning", *picture]
        command += ["-c:v", "libx264", "-f", "null", "-"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, cwd=folder, check=False)
    said = done.stderr.decode(errors="replace")
    if _NO_FONT.search(said):
        raise InputError(
            "There is no font on this machine to draw words with.",
            "Install one (Debian: apt install fonts-dejavu-core), or use --mux.",
        )
    if done.returncode != 0:
        raise InputError(
            "This ffmpeg cannot draw words into a video: it lacks libass or libx264.",
            "Install a complete ffmpeg (Debian: apt install ffmpeg), or use --mux.",
        )


def mux(source: Address, words: Path, video: PartVideo, container: Container, language: str, done: Progress) -> str:
    """Copy `source` with `words` (SubRip) as its first track of subtitles; what it has itself follows.

    `language` is a code of ISO 639-2, such as ``eng``. Returns what there is to tell. Raises `InputError`,
    `OutputError`.
    """
    program = find_ffmpeg()
    header = read_header(program, source)
    ours = "srt" if container is Container.MKV else "mov_text"
    kept = [index for index, name in enumerate(header.subtitles) if container is Container.MKV or _is_text(name)]
    arguments = input_options(source)
    # The words are on the source's clock; ffmpeg lets what it writes begin at 0.
    arguments += ["-itsoffset", f"{-header.begin_s:.6f}", "-f", "srt", "-i", f"file:{words.absolute()}"]
    arguments += ["-map", "0:v", "-map", "0:a?", "-map", "1:s"]
    arguments += [part for index in kept for part in ("-map", f"0:s:{index}")]
    arguments += ["-c", "copy", "-c:s:0", ours, "-disposition:s:0", "default"]
    for track, index in enumerate(kept, 1):
        text = _is_text(header.subtitles[index])
        arguments += [f"-c:s:{track}", ours if text else "copy", f"-disposition:s:{track}", "0"]
    arguments += ["-metadata:s:s:0", f"language={language}", "-metadata:s:s:0", "title=svlm", *container.options]
    hint = "An .mkv takes more kinds of pictures and sound: try --mux OUT.mkv." if container is Container.MP4 else ""
    convert(program, arguments, video, hint=hint, folder=words.parent, on_progress=done)
    lost = len(header.subtitles) - len(kept)
    return f"{video.name} lacks {lost} tracks of drawn subtitles, which MP4 cannot hold." if lost else ""


def burn_in(
    source: Address, words: Path, video: PartVideo, container: Container, font_size: int, done: Progress
) -> str:
    """Draw `words` (ASS, its font of `font_size` for wide pictures) into the pictures, which are encoded anew as H.264.

    Returns what there is to tell. Raises `InputError`, `OutputError`.
    """
    program = find_ffmpeg()
    header = read_header(program, source)
    size = font_size if header.size is None else round(font_size * _scale(*header.size))
    begin = f"{header.begin_s:.6f}/TB"
    drawn = f"setpts=PTS+{begin},subtitles={words.name}:force_style='FontSize={size}',setpts=PTS-{begin}"
    arguments = [*input_options(source), "-map", "0:V:0", "-map", "0:a?", "-vf", f"{drawn},{_EVEN}"]
    arguments += ["-c:v", "libx264", "-crf", str(_CRF), "-preset", "medium", "-pix_fmt", "yuv420p", "-c:a", "copy"]
    said = convert(
        program,
        [*arguments, *container.options],
        video,
        hint="An .mkv takes more kinds of sound: try --burn-in OUT.mkv." if container is Container.MP4 else "",
        folder=words.parent,
        on_progress=done,
    )
    return f"{video.name}: no font has some of the letters." if _MISSING_GLYPH.search(said) else ""


def _scale(width: int, height: int) -> float:
    """Of the font: a picture that is less wide holds the same lines in smaller letters; an upright one wraps them."""
    fits = min(1.0, width / height / _WIDE)
    return fits * _UPRIGHT if width < height else fits


def _is_text(subtitles: str) -> bool:
    return subtitles in _TEXT_SUBTITLES
