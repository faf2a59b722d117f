"""Live sources and recordings elsewhere: what people call each, and which files it gets.

Decided and checked before any model is loaded. Opens nothing.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from svlm_cli.core.errors import UsageError
from svlm_cli.media.ffmpeg import path_name
from svlm_cli.media.locked import refuse_existing
from svlm_cli.media.network import public_name, scheme_of
from svlm_cli.outputs.output import Format
from svlm_cli.pipeline.batch import DEFAULT_FORMAT, STDOUT, Existing, Target, Wanted

_MOMENT = "-%Y%m%d-%H%M%S"  # in the names of files that nobody named


@dataclass(frozen=True, slots=True)
class Camera:
    """A source that is no file here, and what becomes of it."""

    source: str = field(repr=False)  # it may hold a password
    name: str
    targets: tuple[Target, ...]  # their paths are patterns of `strftime`


def plan_cameras(
    sources: Sequence[str],
    names: Sequence[str],
    wanted: Wanted,
    *,
    segmented: bool = False,
) -> tuple[Camera, ...]:
    """The cameras, with the names that people gave them, in order, or those of their addresses.

    Their files are ``NAME-DATE-TIME.FORMAT``, in the wanted folder or here, or what the wanted output says: a pattern
    of `strftime` in which ``{name}`` stands for the camera. `UsageError` for a request that makes no sense.
    """
    if len(names) > len(sources):
        raise UsageError(f"There are {len(names)} names for {len(sources)} sources.", "Give one --name for each.")
    if wanted.output is not None and len(sources) > 1 and "{name}" not in wanted.output:
        raise UsageError(
            "One output file cannot take several cameras.", "Leave -o out, or write {name} in it for the camera."
        )
    given = [*names, *[""] * (len(sources) - len(names))]
    shown = [name or _name_of(source) for name, source in zip(given, sources, strict=True)]
    for name, count in Counter(shown).items():
        if count > 1:
            raise UsageError(f"Two cameras are called {name}.", "Tell them apart with --name, once for each.")
    cameras = tuple(
        Camera(source, name, _targets(source, name, wanted)) for source, name in zip(sources, shown, strict=True)
    )
    for target in (target for camera in cameras for target in camera.targets):
        _check(target, segmented=segmented, overwrite=wanted.existing is Existing.OVERWRITE)
    return cameras


def _name_of(source: str) -> str:
    return path_name(source) if scheme_of(source) is None else public_name(source)


def _targets(source: str, name: str, wanted: Wanted) -> tuple[Target, ...]:
    formats, output = tuple(dict.fromkeys(wanted.formats)), wanted.output
    slug = re.sub(r"[^\w.]+", "-", name.partition("://")[2] or name).strip("-.") or "camera"
    if output == STDOUT:
        return (Target(_only(formats) or DEFAULT_FORMAT, None),)
    if output is not None:
        path = Path(output.replace("{name}", slug))
        format_ = _only(formats) or Format.from_suffix(path)
        if format_ is None:
            raise UsageError(
                f"The name {path_name(output)} does not say which format to write.", "Add -f, as in -f srt."
            )
        return (Target(format_, path),)
    stem = _stem_of_recording(source) or f"{slug.replace('%', '%%')}{_MOMENT}"
    return tuple(Target(one, (wanted.folder or Path()) / f"{stem}.{one}") for one in formats or (DEFAULT_FORMAT,))


def _only(formats: tuple[Format, ...]) -> Format | None:
    if len(formats) > 1:
        raise UsageError(f"One output cannot have {len(formats)} formats.", "Leave -o out, or ask for one format.")
    return formats[0] if formats else None


def _stem_of_recording(source: str) -> str | None:
    """The name of a file on the web, without its suffix; None if it looks like something live."""
    if scheme_of(source) not in ("http", "https"):
        return None
    path = Path(urlsplit(source).path)
    if path.suffix.lower() not in (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".flv", ".mpg"):
        return None
    return re.sub(r"[^\w.-]+", "-", path.stem).strip("-.") or None


def _check(target: Target, *, segmented: bool, overwrite: bool) -> None:
    if target.path is None or "%" not in str(target.path):
        if segmented:
            raise UsageError(
                "--segment makes many files, and -o names one.", "Write the time into it, as in -o cam-%Y%m%d-%H.srt."
            )
        if target.path is not None and not overwrite:
            refuse_existing(target.path)
