"""Parses the messages of a request into a video and a question. Knows no engine, and only lmms-eval's data format.

A request has one video, or pictures, and a question. Anything else is rejected, because a partial answer would be
scored like a complete one.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.core.moments import CLIP_FPS
from svlm_cli.core.text import plain_text
from svlm_cli.evals.benchmarks.footage import Footage

_FILE: Final = "file://"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about a stretch of video."""

    footage: Footage
    text: str
    system: str | None = None  # None: the model's own


class PictureShelf:
    """Saves pictures in folders, a form in which MVBench has videos; the same pictures share a folder."""

    def __init__(self, folder: Path, *, enough_bytes: int = 1 << 30) -> None:
        """It is full once it holds `enough_bytes`."""
        self._folder, self._enough_bytes, self._held_bytes = folder, enough_bytes, 0

    @property
    def is_full(self) -> bool:
        """Whether to clear it before adding more."""
        return self._held_bytes >= self._enough_bytes

    def put(self, pictures: Sequence[Any]) -> Footage:
        """The frames of a clip, at 2 fps, from PIL images or file names. Raises `InputError`."""
        encoded = [_png(one) for one in pictures]
        folder = self._folder / hashlib.sha256(b"".join(hashlib.sha256(one).digest() for one in encoded)).hexdigest()
        if not folder.is_dir():
            folder.mkdir(parents=True)
            for index, one in enumerate(encoded):
                (folder / f"{index}.png").write_bytes(one)
                self._held_bytes += len(one)
        return Footage(folder, None, None, CLIP_FPS)

    def clear(self) -> None:
        """Remove all pictures."""
        for folder in self._folder.glob("*"):
            shutil.rmtree(folder, ignore_errors=True)
        self._held_bytes = 0


def content_of(visual: object) -> dict[str, Any]:
    """The content part for a visual from a task's `doc_to_visual`: a video's path, or a picture."""
    if isinstance(visual, Mapping) and "type" not in visual:
        return {"type": "video", "url": visual}
    if isinstance(visual, Mapping):
        return {"url": visual, **visual}
    return {"type": "video" if isinstance(visual, str | os.PathLike) else "image", "url": visual}


def read_messages(messages: Iterable[Mapping[str, Any]], shelf: PictureShelf) -> Asked:
    """Text before and after the visuals is one question, in order. Raises `UsageError` and `InputError`."""
    system: list[str] = []
    texts: list[str] = []
    videos: list[Footage] = []
    pictures: list[object] = []
    for message in messages:
        role, content = message["role"], message["content"]
        if role not in ("user", "system"):
            raise UsageError(f"svlm is asked one question at a time, and this request has a turn of the role {role}.")
        for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            match part["type"]:
                case "text":
                    (system if role == "system" else texts).append(part["text"])
                case "video":
                    videos.append(_video(part))
                case "image":
                    pictures.append(part["url"])
                case other:
                    raise UsageError(f"svlm sees and reads, and this request holds {shown(other)}.")
    if len(videos) + bool(pictures) != 1:
        raise UsageError(_wrong_count(len(videos), bool(pictures)), "Choose a task about one video each.")
    if not any(text.strip() for text in texts):
        raise UsageError("This request asks nothing: it has no text.")
    footage = videos[0] if videos else shelf.put(pictures)
    return Asked(footage, "\n".join(texts), "\n".join(system) if system else None)


def require_there(asked: Iterable[Asked]) -> None:
    """`InputError` that names the first missing video, and says how many are missing."""
    paths = dict.fromkeys(one.footage.path for one in asked)
    missing = [path for path in paths if not path.exists()]
    if missing:
        more = f", nor {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(f"There is no video {plain_text(str(missing[0]))}{more}.", "Fetch it, or correct the folder.")


def _wrong_count(videos: int, pictures: bool) -> str:
    if videos > 1:
        return f"svlm looks at one video, and this request has {videos}."
    if pictures:
        return "svlm looks at a video or at pictures, and this request has both."
    return "svlm looks at videos, and this request shows none."


def _video(part: Mapping[str, Any]) -> Footage:
    """A path, or a mapping with a path; the stretch may be in the mapping or beside it."""
    url, start_s, end_s = part["url"], part.get("start_time"), part.get("end_time")
    if isinstance(url, Mapping):
        start_s, end_s = url.get("video_start", start_s), url.get("video_end", end_s)
        url = url.get("url") or url.get("path") or url.get("video")
    if not isinstance(url, str | os.PathLike) or ("://" in str(url) and not str(url).startswith(_FILE)):
        raise UsageError(f"svlm reads videos from files, and this request has {shown(url)}.")
    for time_s in (start_s, end_s):
        if time_s is not None and (isinstance(time_s, bool) or not isinstance(time_s, int | float) or time_s < 0):
            raise UsageError(f"A stretch of {plain_text(str(url))} cannot begin or end at {shown(time_s)}.")
    if end_s is not None and end_s <= (start_s or 0):
        raise UsageError(f"Nothing of {plain_text(str(url))} can be seen from {start_s or 0:g} s to {end_s:g} s.")
    return Footage(Path(str(url).removeprefix(_FILE)), start_s, end_s)


def _png(picture: object) -> bytes:
    """PNG, encoded for speed rather than size."""
    from io import BytesIO

    from PIL import Image

    written, name = BytesIO(), "A picture of this request"
    try:
        if isinstance(picture, str | os.PathLike):
            name = plain_text(str(picture))
            with Image.open(picture) as image:
                image.convert("RGB").save(written, "png", compress_level=1)
        elif isinstance(picture, Image.Image):
            picture.convert("RGB").save(written, "png", compress_level=1)
        else:
            raise UsageError(f"svlm cannot show {shown(picture)} as a picture.")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{name} cannot be read as a picture.", "Fetch it again.") from error
    return written.getvalue()
