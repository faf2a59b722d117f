"""What was named on the command line -> the videos, each with its place in a tree of outputs.

Files, standard input, folders, patterns, and lists of all these. Knows names and folders; opens no video.
"""

import glob
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.media.ffmpeg import path_name

STDIN = "-"
VIDEO_SUFFIXES = frozenset(
    """
    .mp4 .m4v .mov .mkv .webm .avi .ts .m2ts .mts .mpg .mpeg .m2v .vob .flv .f4v .wmv .asf .3gp .3g2 .ogv .ogm .mxf .gxf
    .nut .rm .rmvb .divx .dv .dav .h264 .264 .h265 .265 .hevc .ivf .y4m .gif
    """.split()
)
_PATTERN = re.compile(r"[*?[]")


@dataclass(frozen=True, slots=True)
class Input:
    """One video, and where it stands in the tree that ``--output-dir`` mirrors."""

    source: str  # a path, or `-`
    mirrored: Path  # relative, with the video's own name

    @classmethod
    def named(cls, source: str, root: Path | None = None) -> "Input":
        """A video's place is its path below the working directory; if it lies elsewhere, below `root`, or its name.

        Where it goes depends on no other input, so that a second call finds what the first one wrote.
        """
        if source == STDIN:
            return cls(source, Path("stdin"))
        place = _below(source, Path(os.curdir)) or (root and _below(source, root))
        return cls(source, place or Path(Path(source).name))


def find_inputs(named: Sequence[str], batch_file: str | None = None) -> tuple[Input, ...]:
    """The videos that `named` stands for, then those of `batch_file` (a path, or ``-``), each once.

    A folder stands for all videos below it, a pattern (``*``, ``?``, ``[...]``, ``**``) for those that it matches; a
    file that is there is that file, whatever its name. Raises `UsageError` and `InputError`.
    """
    if batch_file == STDIN and STDIN in named:
        raise UsageError("Standard input cannot be both a video and a list of videos.", "Put one of them into a file.")
    names = [*named, *(_listed(batch_file) if batch_file is not None else ())]
    if not names:
        raise UsageError("No video was named.", "Name files, folders or patterns, or a list of them with --batch-file.")
    if names.count(STDIN) > 1:
        raise UsageError("Standard input can be read once only.", "Name - once.")
    found: dict[str, Input] = {}
    for name in names:
        for one in _expanded(name):
            found.setdefault(one.source if one.source == STDIN else os.path.abspath(one.source), one)  # noqa: PTH100
    return tuple(found.values())


def _listed(batch_file: str) -> Iterator[str]:
    """The names in a list: one a line, without empty lines and comments (``#``), or ended by NUL (``find -print0``)."""
    try:
        data = sys.stdin.buffer.read() if batch_file == STDIN else Path(batch_file).read_bytes()
    except OSError as error:
        raise InputError(
            f"The list {path_name(batch_file)} cannot be read: {error.strerror}.", "Check its name."
        ) from error
    if b"\0" in data:
        return (os.fsdecode(name) for name in data.split(b"\0") if name)
    lines = (os.fsdecode(line).strip() for line in data.removeprefix(b"\xef\xbb\xbf").splitlines())
    return (line for line in lines if line and not line.startswith("#"))


def _expanded(name: str) -> Iterable[Input]:
    if name == STDIN:
        return (Input.named(name),)
    if os.path.isdir(name):  # noqa: PTH112  a name that is too long is no folder
        return _in_folder(Path(name), Path(name).absolute().parent)
    if os.path.lexists(name) or "://" in name or not _PATTERN.search(name):
        return (Input.named(name),)
    return _matching(name)


def _in_folder(folder: Path, root: Path) -> list[Input]:
    paths = _videos_below(folder)
    if not paths:
        raise InputError(f"There is no video in the folder {path_name(folder)}.", "Check its name, or name the files.")
    return [Input.named(str(path), root) for path in paths]


def _matching(pattern: str) -> list[Input]:
    """Files and folders that match; if the pattern leaves the suffix open, only files that have one of a video."""
    fixed = Path(re.split(r"[^/]*[*?[]", pattern, maxsplit=1)[0] or os.curdir)
    root = fixed.absolute().parent
    any_file = re.search(r"\.\w+$", pattern) is not None
    found: list[Input] = []
    for match in sorted(map(Path, glob.iglob(pattern, recursive=True)), key=_natural):  # noqa: PTH207  also absolute
        if match.is_dir():
            found += [Input.named(str(path), root) for path in ([] if "**" in pattern else _videos_below(match))]
        elif any_file or _is_video(match):
            found.append(Input.named(str(match), root))
    if not found:
        raise InputError(f"No video matches {path_name(pattern)}.", "Check the pattern, or name a folder.")
    return found


def _videos_below(folder: Path) -> list[Path]:
    """In a natural order, without hidden files and folders; links to folders are not followed."""
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [one for one in folders if not one.startswith(".")]
        found += [Path(parent, name) for name in files if not name.startswith(".") and _is_video(Path(name))]
    return sorted(found, key=_natural)


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """`match9` before `match10`."""
    parts = re.split(r"(\d+)", str(path))
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part.casefold()) for part in parts]


def _below(path: str | os.PathLike[str], folder: Path) -> Path | None:
    """`path` as seen from `folder`; None if it does not lie below it. No link is followed."""
    try:
        return Path(os.path.abspath(path)).relative_to(os.path.abspath(folder))  # noqa: PTH100  resolves no link
    except ValueError:
        return None
