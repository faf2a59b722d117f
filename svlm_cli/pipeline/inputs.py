"""Expands the inputs of the command line to videos, each with its place in the output tree.

Files, standard input, folders, patterns, and lists of all these. Knows names and folders; opens no video.
"""

import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.core.streams import ClosedStream
from svlm_cli.media.ffmpeg import path_name
from svlm_cli.outputs.format import Format

STDIN = "-"
VIDEO_SUFFIXES = frozenset(
    """
    .mp4 .m4v .mov .mkv .webm .avi .ts .m2ts .mts .mpg .mpeg .m2v .vob .flv .f4v .wmv .asf .3gp .3g2 .ogv .ogm .mxf .gxf
    .nut .rm .rmvb .divx .dv .dav .h264 .264 .h265 .265 .hevc .ivf .y4m .gif
    """.split()
)
_PATTERN = re.compile(r"[*?[]")
_ANY_DEPTH = "**"
Tell = Callable[[str], None]
"""Called with what was left out, and why: one line each."""


@dataclass(frozen=True, slots=True)
class Input:
    """One video, and its place in the tree that ``--output-dir`` mirrors."""

    source: SourceAddress  # a path, `-`, or an address
    mirrored: Path  # relative, including the file name
    above: Path = Path()  # resolved folder that `mirrored` starts in; empty for addresses

    @classmethod
    def named(cls, source: str) -> "Input":
        """An input that was named itself is mirrored by its file name alone."""
        if source == STDIN:
            return cls(SourceAddress(source), Path("stdin"))
        return cls(SourceAddress(source), Path(Path(source).name), _folder_of(source))

    @classmethod
    def found(cls, path: str, root: Path, own: Path) -> "Input":
        """An input found below a named folder is mirrored below that folder's `own` name, as with ``cp -r``.

        `own` is `root` with links resolved, so that a second call, from anywhere, finds the outputs of the first.
        """
        place = _below(path, root)
        return cls.named(path) if place is None else cls(SourceAddress(path), own.name / place, own.parent)

    @property
    def folder(self) -> Path:
        """The folder that contains it, with links resolved; for standard input, the working directory."""
        source = self.source.reveal()
        return _folder_of("" if source == STDIN else source)


def find_inputs(
    named: Sequence[str | SourceAddress], batch_file: str | None = None, *, tell: Tell = lambda line: None
) -> tuple[Input, ...]:
    """The videos in `named`, then those in `batch_file` (a path, or ``-``), each once.

    A folder stands for all videos below it, a pattern (``*``, ``?``, ``[...]``, ``**``) for its matches; a name that
    exists, or a folder of it that exists, is not a pattern. Files that are found, not named, must be regular: opening a
    pipe would block. `tell` is called with what is left out. Raises `UsageError` and `InputError`.
    """
    if batch_file == STDIN and STDIN in named:
        raise UsageError("Standard input cannot be both a video and a list of videos.", "Put one of them into a file.")
    if STDIN in (batch_file, *named) and (sys.stdin is None or isinstance(sys.stdin, ClosedStream)):
        raise InputError("Standard input is closed.", "Send a video or a list into it, or name a file.")
    names = [*(SourceAddress(one).reveal() for one in named), *(_listed(batch_file) if batch_file is not None else ())]
    if not names:
        raise UsageError("No video was named.", "Name files, folders or patterns, or a list of them with --batch-file.")
    if "" in names:
        raise UsageError("The name of an input is empty.", "Name a file; in a script, look at the variable.")
    if names.count(STDIN) > 1:
        raise UsageError("Standard input can be read once only.", "Name - once.")
    found: dict[str, Input] = {}
    folders: dict[str, Path] = {}
    told: set[str] = set()

    def tell_once(line: str) -> None:
        if line not in told:
            told.add(line)
            tell(line)

    for name in names:
        for one in _expanded(name, tell_once):
            found.setdefault(_identity(one.source.reveal(), folders), one)
    return tuple(found.values())


def _listed(batch_file: str) -> Iterator[str]:
    """The names in a list: one per line, skipping empty lines and comments (``#``), or NUL-terminated (``-print0``)."""
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


def _expanded(name: str, tell: Tell) -> Iterable[Input]:
    if name == STDIN:
        return (Input.named(name),)
    if os.path.isdir(name):  # noqa: PTH112  False for names that are too long
        return _in_folder(Path(name), tell)
    if os.path.lexists(name) or "://" in name:
        return (Input.named(name),)
    fixed, parts = _parted(name)
    if not any(map(_PATTERN.search, parts)):
        if Format.from_suffix(Path(name)) is not None:
            raise UsageError(
                f"{path_name(name)} is not a video, and does not exist.", f"Name an output with -o {name}."
            )
        return (Input.named(name),)
    return _matching(name, fixed, parts, tell)


def _in_folder(folder: Path, tell: Tell) -> list[Input]:
    if not os.access(folder, os.R_OK | os.X_OK):
        raise InputError(f"The folder {path_name(folder)} cannot be read: permission denied.", "Check its permissions.")
    paths = _videos_below(str(folder), tell)
    if not paths:
        raise InputError(f"There is no video in the folder {path_name(folder)}.", "Check its name, or name the files.")
    return _found(paths, folder)


def _parted(pattern: str) -> tuple[Path, tuple[str, ...]]:
    """The leading part that exists literally, with any brackets, and the remaining names and patterns."""
    fixed, parts = Path(), Path(pattern).parts
    while parts and os.path.lexists(fixed / parts[0]):
        fixed, parts = fixed / parts[0], parts[1:]
    return fixed, parts


def _matching(pattern: str, fixed: Path, parts: tuple[str, ...], tell: Tell) -> list[Input]:
    """Matching files and folders; if the pattern leaves the suffix open, only files with a video's suffix."""
    any_file = re.search(r"\.\w+$", pattern) is not None
    paths: list[str] = []
    for path in _matches(str(fixed), parts, tell):
        if os.path.isdir(path):  # noqa: PTH112
            paths += [] if _ANY_DEPTH in parts else _videos_below(path, tell)
        elif (any_file or _is_video(path)) and not pattern.endswith("/") and _is_regular(path, tell):
            paths.append(path)
    if not paths:
        raise InputError(f"No video matches {path_name(pattern)}.", "Check the pattern, or name a folder.")
    return _found(paths, fixed)


def _found(paths: Iterable[str], root: Path) -> list[Input]:
    """The inputs at `paths`, in natural order."""
    own = Path(os.path.realpath(root))
    return [Input.found(str(Path(path)), root, own) for path in sorted(paths, key=_natural)]


def _matches(found: str, parts: tuple[str, ...], tell: Tell) -> Iterator[str]:
    """The paths that `parts` lead to from `found`; a name that exists is not a pattern."""
    if not parts:
        yield found
        return
    part, rest = parts[0], parts[1:]
    path = os.path.join(found, part)  # noqa: PTH118
    if os.path.lexists(path):
        yield from _matches(path, rest, tell)
    elif part == _ANY_DEPTH:
        for folder, files in _walk(found, tell):
            yield from _matches(folder, rest, tell) if rest else files
    elif _PATTERN.search(part):
        for entry in _entries(found, tell, hidden=part.startswith(".")):
            if fnmatchcase(entry.name, part):
                yield from _matches(entry.path, rest, tell)


def _videos_below(folder: str, tell: Tell) -> list[str]:
    return [path for _, files in _walk(folder, tell) for path in files if _is_video(path) and _is_regular(path, tell)]


def _walk(folder: str, tell: Tell) -> Iterator[tuple[str, list[str]]]:
    """Each folder below, including `folder`, and its files. Skips hidden entries; does not follow links to folders."""
    waiting = [folder]
    while waiting:
        folder = waiting.pop()
        files: list[str] = []
        for entry in _entries(folder, tell):
            (waiting if entry.is_dir(follow_symlinks=False) else files).append(entry.path)
        yield folder, files


def _entries(folder: str, tell: Tell, *, hidden: bool = False) -> list[os.DirEntry[str]]:
    """The entries of `folder`; none if it is not a folder or not readable."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if hidden or not entry.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        tell(f"The folder {path_name(Path(folder))} is left out: {error.strerror}.")
        return []


def _is_regular(path: str, tell: Tell) -> bool:
    """Whether a file that was found, not named, can be a video: opening a pipe, for example, would block."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116
    except OSError as error:
        tell(f"{path_name(Path(path))} is left out: {error.strerror}.")
        return False
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        tell(f"{path_name(Path(path))} is left out: it is not a regular file.")
    return stat.S_ISREG(mode)


def _is_video(path: str) -> bool:
    return Path(path).suffix.lower() in VIDEO_SUFFIXES


def _natural(path: str) -> list[tuple[int, int, str]]:
    """`match9` before `match10`."""
    parts = re.split(r"(\d+)", path)
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part.casefold()) for part in parts]


def _below(path: str | os.PathLike[str], folder: Path) -> Path | None:
    """`path` relative to `folder`; None if it is not below it. Links are not followed."""
    try:
        return Path(os.path.abspath(path)).relative_to(os.path.abspath(folder))  # noqa: PTH100  does not resolve links
    except ValueError:
        return None


def _folder_of(path: str) -> Path:
    return Path(os.path.realpath(os.path.dirname(path)))  # noqa: PTH120  a Path would drop `.` and `..` too early


def _identity(source: str, folders: dict[str, Path]) -> str:
    """A key that is equal for the same file reached through different folders; a link to a file has its own.

    `folders` caches resolved folders, as many files share few folders.
    """
    if source == STDIN or "://" in source:
        return source
    folder, name = os.path.split(source)
    if folder not in folders:
        folders[folder] = _folder_of(source)
    return str(folders[folder] / name)
