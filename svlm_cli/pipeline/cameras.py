"""Live sources and web addresses: the name to show and the output files of each.

Decided and checked before any model is loaded. Opens nothing.
"""

import re
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import UsageError
from svlm_cli.core.text import presentable, slug
from svlm_cli.media.ffmpeg import path_name
from svlm_cli.media.locked import refuse_existing
from svlm_cli.media.network import public_name, scheme_of, split_url
from svlm_cli.outputs.destination import refuse_closed_output
from svlm_cli.outputs.format import Format
from svlm_cli.outputs.rotation import fixed_name
from svlm_cli.pipeline.batch import DEFAULT_FORMAT, STDOUT, Existing, Job, Target, Wanted

_MOMENT = "-%Y%m%d-%H%M%S"  # added to default file names
_SIGN = re.compile(r"%[-_0^#+]*\d*[EO]?[A-Za-z+]")  # a `strftime` field


def plan_cameras(
    sources: Sequence[str | SourceAddress],
    names: Sequence[str],
    wanted: Wanted,
    *,
    segmented: bool = False,
) -> tuple[Job, ...]:
    """A job per camera, with the given names, in order, or names made from the addresses.

    Files are ``NAME-DATE-TIME.FORMAT`` in the wanted or current folder, or named by the wanted output: a `strftime`
    pattern in which ``{name}`` stands for the camera. `UsageError` for an invalid request.
    """
    if len(names) > len(sources):
        raise UsageError(
            f"There are more names, {len(names)}, than sources, {len(sources)}.", "Give one --name for each."
        )
    if wanted.output is not None and len(sources) > 1 and "{name}" not in wanted.output:
        raise UsageError(
            "One output file cannot hold several cameras.", "Leave -o out, or write {name} in it for the camera."
        )
    addresses = tuple(map(SourceAddress, sources))
    given = [presentable(name).strip() for name in (*names, *[""] * (len(sources) - len(names)))]
    public = map(camera_name, addresses)  # for all, so that an invalid address is reported now
    shown = [name or otherwise for name, otherwise in zip(given, public, strict=True)]
    for name, count in Counter(shown).items():
        if count > 1:
            raise UsageError(f"Two cameras are called {name}.", "Tell them apart with --name, once for each.")
    cameras = tuple(
        Job(address, _targets(address, name, wanted), name=name) for address, name in zip(addresses, shown, strict=True)
    )
    _refuse_collisions(cameras)
    for target in (target for camera in cameras for target in camera.targets):
        _check(target, segmented=segmented, overwrite=wanted.existing is Existing.OVERWRITE)
    return cameras


def refuse_taken(jobs: Sequence[Job]) -> None:
    """Raise `OutputExistsError` if a file that is to be written is there already."""
    for path in (fixed_name(one.path) for job in jobs for one in job.targets if one.path is not None):
        if path is not None:
            refuse_existing(path)


def camera_name(address: SourceAddress) -> str:
    """The default name of a source."""
    return str(address) if scheme_of(address.reveal()) is None else public_name(address)


def _targets(address: SourceAddress, name: str, wanted: Wanted) -> tuple[Target, ...]:
    formats, output = tuple(dict.fromkeys(wanted.formats)), wanted.output
    stem = slug(name, otherwise="camera")
    if output == STDOUT:
        return (Target(_only(formats) or DEFAULT_FORMAT, None),)
    if output is not None:
        _refuse_signs(output)
        path = Path(output.replace("{name}", stem))
        format_ = _only(formats) or Format.from_suffix(path)
        if format_ is None:
            raise UsageError(
                f"The name {path_name(output)} does not say which format to write.", "Add -f, as in -f srt."
            )
        return (Target(format_, path),)
    stem = _stem_of_recording(address) or f"{stem}{_MOMENT}"
    folder = Path(str(wanted.folder or "").replace("%", "%%"))
    return tuple(Target(one, folder / f"{stem}.{one}") for one in formats or (DEFAULT_FORMAT,))


def _refuse_signs(output: str) -> None:
    """Raise `UsageError` for a pattern whose fields expand to more than a part of a file name."""
    for sign in _SIGN.findall(output.replace("%%", "")):
        meant = time.strftime(sign)
        if "/" in meant or not meant.isprintable():
            raise UsageError(
                f"{sign} in -o stands for {meant.strip() or 'a space'}, which cannot be part of a file's name.",
                "Write the date as %Y-%m-%d.",
            )
    if Path(time.strftime(output)).name in ("", ".."):
        raise UsageError(f"-o {path_name(output)} does not give a file name.", "Write it like cam-%Y%m%d-%H.srt.")


def _refuse_collisions(cameras: Sequence[Job]) -> None:
    """Check that no two cameras write to one file, also on a case-insensitive disk."""
    takers: dict[str, str] = {}
    for camera in cameras:
        for target in camera.targets:
            key = str(target.path).casefold()
            if takers.setdefault(key, camera.name) != camera.name:
                raise UsageError(
                    f"{takers[key]} and {camera.name} would be written to the same files.",
                    "Tell them apart with --name, by more than capitals and signs, and write {name} in -o.",
                )


def _only(formats: tuple[Format, ...]) -> Format | None:
    if len(formats) > 1:
        raise UsageError(f"One output cannot have {len(formats)} formats.", "Leave -o out, or ask for one format.")
    return formats[0] if formats else None


def _stem_of_recording(address: SourceAddress) -> str | None:
    """The name of a file on the web, without its suffix; None if it looks like a live source."""
    if scheme_of(address.reveal()) not in ("http", "https"):
        return None
    path = Path(split_url(address)[0].path)
    if path.suffix.lower() not in (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".flv", ".mpg"):
        return None
    return slug(path.stem, otherwise="") or None


def _check(target: Target, *, segmented: bool, overwrite: bool) -> None:
    if target.path is None:
        refuse_closed_output()
    path = None if target.path is None else fixed_name(target.path)
    if segmented and (target.path is None or path is not None):
        raise UsageError(
            "--segment makes many files, and -o names one.", "Write the time into it, as in -o cam-%Y%m%d-%H.srt."
        )
    if path is not None and not overwrite:
        refuse_existing(path)
