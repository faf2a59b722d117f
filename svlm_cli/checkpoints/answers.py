"""Checks a hub's answers before huggingface_hub uses their revisions, tags and names as paths.

The server in HF_ENDPOINT is not trusted. Knows no model and no model file.
"""

import re
import shutil
from collections.abc import Iterable, Mapping
from errno import ENOSPC
from pathlib import Path
from typing import Any, Final

from svlm_cli.core import strict_json
from svlm_cli.core.bounds import shown

_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_TAG: Final = re.compile(r"[\w.+=-]{0,199}[\w+=-]", re.ASCII)  # not only dots
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f\\]")
_MOST_BYTES: Final = 32_000_000  # for an answer held in memory: a list of 100,000 files


class AnswerError(Exception):
    """Why an answer is invalid: a sentence without its end, in which the hub is "it"."""


def is_commit(text: str) -> bool:
    """Whether it is a commit hash, and so safe as a folder name."""
    return _COMMIT.fullmatch(text) is not None


def check_answers(cache: Path) -> None:
    """From now on, check all answers to huggingface_hub (`AnswerError`), and whether `cache` has room for them."""
    from huggingface_hub import get_session, set_client_factory

    plain: Any = get_session()
    if not isinstance(plain, _Careful):
        options = {"event_hooks": plain.event_hooks, "follow_redirects": plain.follow_redirects}
        kind: Any = type("CarefulClient", (_Careful, type(plain)), {"cache": cache})
        set_client_factory(lambda: kind(timeout=plain.timeout, **options))


class _Careful:
    """A mixin for the library's client, whose class depends on its version."""

    cache: Path

    def send(self, request: Any, *, stream: bool = False, **options: Any) -> Any:
        """Like the client's own, but checks every answer, and limits those that are not streamed."""
        response = super().send(request, stream=True, **options)  # type: ignore[misc]  # the client's
        try:
            _check_headers(request.method, response.headers)
            if stream:
                self._require_room(response.headers.get("Content-Length", ""))
                return response
            body = _bounded(response.iter_bytes())
            if response.is_success and "/api/" in request.url.path:
                _check_document(strict_json.parse(body))
        except strict_json.JsonError as error:
            response.close()
            raise AnswerError(str(error)) from error
        except BaseException:
            response.close()
            raise
        response.close()
        coded = ("content-encoding", "content-length", "transfer-encoding")
        headers = [(name, value) for name, value in response.headers.multi_items() if name not in coded]
        return type(response)(response.status_code, headers=headers, content=body, request=response.request)

    def _require_room(self, length: str) -> None:
        place = next(path for path in (self.cache, *self.cache.parents) if path.is_dir())
        if length.isdecimal() and int(length[:30]) > shutil.disk_usage(place).free:
            raise OSError(ENOSPC, "No space left on device")


def _bounded(pieces: Iterable[bytes]) -> bytes:
    """The whole answer, decompressed."""
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > _MOST_BYTES:
            raise AnswerError(f"it sends more than {_MOST_BYTES / 1e6:g} MB where a list of files should come")
    return bytes(body)


def _check_headers(method: str, headers: Mapping[str, str]) -> None:
    commit = headers.get("X-Repo-Commit")
    if commit is not None and not is_commit(commit):
        raise AnswerError(f"it sent an invalid commit id, {shown(commit)}")
    for name in ("X-Linked-Etag", "ETag") if method == "HEAD" else ():
        tag = headers.get(name)
        if tag is not None and not _TAG.fullmatch(tag.removeprefix("W/").strip('"')):
            raise AnswerError(f"it sent an invalid file tag, {shown(tag)}")


def _check_document(document: Any) -> None:
    """Check the description of a revision, or a list of files."""
    one = document if isinstance(document, dict) else {}
    if one.get("sha") is not None and not is_commit(str(one["sha"])):
        raise AnswerError(f"it sent an invalid commit id, {shown(one['sha'])}")
    files = document if isinstance(document, list) else one.get("siblings")
    for file in files if isinstance(files, list) else ():
        _check_file(file if isinstance(file, dict) else {})


def _check_file(file: Mapping[str, Any]) -> None:
    for name in (file.get("path"), file.get("rfilename")):
        if name is not None and not _stays_inside(str(name)):
            raise AnswerError(f"it lists a file with an unsafe name, {shown(name)}")
    large = file.get("lfs")
    for tag in (file.get("oid"), file.get("xetHash"), large.get("oid") if isinstance(large, dict) else None):
        if tag is not None and not _TAG.fullmatch(str(tag)):
            raise AnswerError(f"it sent an invalid file tag, {shown(tag)}")


def _stays_inside(name: str) -> bool:
    return not (_UNSAFE.search(name) or name.startswith("/") or ".." in name.split("/"))
