"""Files in a store that fsspec knows, as s3:// or ftp://: found, fetched, and stored whole.

Trouble with a connection is tried again, and never taken for a missing file. Knows neither videos nor workers. Imports
fsspec only when asked.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import NO_ROOM, InputError, OutputError, OutputExistsError, SvlmError, UsageError
from svlm_cli.core.text import presentable
from svlm_cli.media.network import SCHEMES

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_PATTERN: Final = re.compile(r"[*?[]")
_ANY_DEPTH: Final = "**"
_PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0)  # between tries
_SURE: Final = 2  # connections that must say that a file is missing
_VERSIONS: Final = ("ETag", "etag", "LastModified", "last_modified", "modified", "modify", "mtime", "created")
_MORE_ROOM: Final = "Set TMPDIR to a folder on a larger disk."
Found = TypeVar("Found")


class StoredFileMissingError(InputError):
    """There is no such file in its store."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file, and which version of it is there, as far as its store says."""

    address: SourceAddress
    size: int = 0
    version: int = 0


def is_store(address: str) -> bool:
    """Whether an address is of a store, and not one that svlm watches."""
    match = _SCHEME.match(address)
    if match is None or match[1].lower() in SCHEMES:
        return False
    import fsspec

    return match[1] in fsspec.available_protocols()


def below(folder: SourceAddress, path: str) -> SourceAddress:
    """The address of something in a folder."""
    return SourceAddress(f"{folder.reveal().rstrip('/')}/{path}")


def split_pattern(address: SourceAddress) -> tuple[SourceAddress, tuple[str, ...]]:
    """The folder that a pattern begins in, and its parts; no parts if it is none."""
    scheme, _, rest = address.reveal().partition("://")
    host, *parts = rest.split("/")
    at = next((index for index, part in enumerate(parts) if _PATTERN.search(part)), None)
    if at is None:
        return address, ()
    return SourceAddress(f"{scheme}://{'/'.join((host, *parts[:at]))}"), tuple(parts[at:])


def find(folder: SourceAddress, parts: tuple[str, ...], wanted: Callable[[str], bool]) -> dict[str, StoredFile]:
    """The files that a pattern matches, by their path below `folder`; of folders, all that are `wanted` by their names.

    Without a pattern, `folder` may be a file, whose path is empty. Raises `InputError`.
    """
    any_file = bool(parts) and re.search(r"\.\w+$", parts[-1]) is not None

    def look(store: Any, root: str) -> dict[str, StoredFile]:
        if not parts:
            info = store.info(root)
            if info["type"] != "directory":
                return {"": _stored(folder, info)}
        matched = _matches(store, root, parts) if parts else ((one, True) for one in _walk(store, root))
        kept = [info for info, inside in matched if (any_file and not inside) or wanted(_name(info))]
        paths = {_below(info["name"], root): info for info in kept}
        if any(".." in path.split("/") for path in paths):
            raise InputError(f"{folder} lists names that lead out of it.", "Its server cannot be trusted.")
        return {path: _stored(below(folder, path), info) for path, info in paths.items()}

    return _tried(folder, look)


def fetch(address: SourceAddress, path: Path) -> None:
    """Fetch a file. Raises `InputError`, and `OutputError` if it has no room here."""

    def get(store: Any, name: str) -> None:
        size = store.info(name).get("size")
        try:
            store.get_file(name, str(path))
        except OSError as error:
            if error.errno in NO_ROOM:
                raise OutputError(f"There is no room for a copy of {address} in {path.parent}.", _MORE_ROOM) from None
            raise
        if size is not None and path.stat().st_size != size:
            raise ConnectionError(f"{path.stat().st_size} of {size} bytes came")

    _tried(address, get)


def names_in(folder: SourceAddress) -> frozenset[str]:
    """The names of the files in a folder; none if there is no such folder. Raises `InputError` if nobody can tell."""

    def look(store: Any, root: str) -> frozenset[str]:
        return frozenset(_name(info) for info in store.ls(root, detail=True) if info["type"] != "directory")

    try:
        return _tried(folder, look)
    except StoredFileMissingError:
        return frozenset()


def exists(address: SourceAddress) -> bool:
    """Whether there is such a file. Raises `InputError` if nobody can tell."""
    folder, _, name = address.reveal().rpartition("/")
    return name in names_in(SourceAddress(folder))


def put(path: Path, address: SourceAddress, part: SourceAddress, *, overwrite: bool) -> None:
    """Store a file, first as `part`, so that it has its name when it is whole.

    Raises `OutputExistsError` if it is there already, unless it may `overwrite`, and `OutputError`.
    """
    if not overwrite and exists(address):
        raise OutputExistsError(f"{address} exists already.", "Use --overwrite to replace it.")
    size = path.stat().st_size

    def send(store: Any, name: str) -> None:
        _, half = _opened(part)
        for one in (half, name):
            if folder := one.rpartition("/")[0]:
                store.makedirs(folder, exist_ok=True)
        try:
            store.put_file(str(path), half)
            whole = store.info(half)["size"] == size
            if whole:
                store.mv(half, name)
        except FileNotFoundError:  # another call has removed it
            whole = False
        if not whole:
            raise ConnectionError("a part of it was lost on the way")

    _tried(address, send, failed=OutputError)


def remove_folder(folder: SourceAddress) -> None:
    """Remove a folder with all that is in it, if it is there. Raises `OutputError`."""
    try:
        _tried(folder, lambda store, name: store.rm(name, recursive=True), failed=OutputError)
    except StoredFileMissingError:
        return


def _tried(address: SourceAddress, deed: Callable[[Any, str], Found], *, failed: type[SvlmError] = InputError) -> Found:
    """What comes of a deed, each time with a new connection."""
    missing, reason = 0, ""
    for pause_s in (*_PAUSES_S, None):
        try:
            return deed(*_opened(address))
        except SvlmError:
            raise
        except FileNotFoundError:
            missing += 1
            if missing == _SURE:
                raise StoredFileMissingError(f"{address} does not exist.", "Check its name.") from None
            reason = "it comes and goes"
        except PermissionError:
            raise failed(f"{address} may not be used.", "Check its permissions, and the login.") from None
        except Exception as error:  # noqa: BLE001  each store has errors of its own
            missing, reason = 0, presentable(str(error) or type(error).__name__).rstrip(".")
        if pause_s is not None:
            time.sleep(pause_s)
    raise failed(f"{address} cannot be reached: {reason}.", "Check its store, and the login.")


def _opened(address: SourceAddress) -> tuple[Any, str]:
    """A file system, and the name there."""
    import fsspec.core

    try:
        store, name = fsspec.core.url_to_fs(address.reveal(), skip_instance_cache=True, use_listings_cache=False)
    except ImportError as error:
        raise UsageError(f"{address}: {str(error).rstrip('.')}.", "Every host of the fleet needs it.") from None
    return store, name


def _walk(store: Any, folder: str) -> Iterator[dict[str, Any]]:
    """All files below a folder, but hidden ones."""
    for info in store.ls(folder, detail=True):
        if _name(info).startswith(".") or _is_itself(info, folder):
            continue
        if info["type"] == "directory":
            yield from _walk(store, info["name"])
        else:
            yield info


def _matches(store: Any, folder: str, parts: tuple[str, ...]) -> Iterator[tuple[dict[str, Any], bool]]:
    """The files that match, and whether each is inside a folder that matches."""
    part, rest = parts[0], parts[1:]
    if part == _ANY_DEPTH and rest:
        yield from _matches(store, folder, rest)
    for info in store.ls(folder, detail=True):
        name, is_folder = _name(info), info["type"] == "directory"
        if _is_itself(info, folder) or (name.startswith(".") and not part.startswith(".")):
            continue
        if part == _ANY_DEPTH:
            if is_folder:
                yield from _matches(store, info["name"], parts)
            elif not rest:
                yield info, False
        elif fnmatchcase(name, part):
            if rest and is_folder:
                yield from _matches(store, info["name"], rest)
            elif is_folder:
                yield from ((one, True) for one in _walk(store, info["name"]))
            elif not rest:
                yield info, False


def _name(info: dict[str, Any]) -> str:
    return str(info["name"]).rstrip("/").rpartition("/")[2]


def _is_itself(info: dict[str, Any], folder: str) -> bool:
    """Some stores list a folder's own marker, or a file as what is in it."""
    return bool(str(info["name"]).strip("/") == folder.strip("/"))


def _below(name: str, root: str) -> str:
    return name.strip("/").removeprefix(root.strip("/")).lstrip("/")


def _stored(address: SourceAddress, info: dict[str, Any]) -> StoredFile:
    told = next((str(info[key]) for key in _VERSIONS if info.get(key)), "")
    version = int.from_bytes(sha256(told.encode()).digest()[:7]) if told else 0
    return StoredFile(address, int(info.get("size") or 0), version)
