"""A hub of models and data sets on loopback: folders served as repositories, with faults on request.

The endpoints are those that ``snapshot_download`` uses: what a revision is, its tree, and its files with ETag, commit
and byte ranges. There is no Xet storage: everything goes through plain HTTP. Knows nothing of what is in the files.
"""

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

Repositories = Mapping[str, Mapping[str, Path]]
"""``organisation/name`` of a model, or ``datasets/organisation/name``, to revision, to folder."""

_API = re.compile(r"/api/(?:models/)?((?:datasets/)?[^/]+/[^/]+)/(revision|tree)/(.+)")
_FILE = re.compile(r"/((?:datasets/)?[^/]+/[^/]+)/resolve/([^/]+)/(.+)")


@dataclass(slots=True)
class Fault:
    """What to do instead of an answer, for requests whose path contains ``where``, ``times`` times."""

    where: str
    status: int = 0  # answer with this status...
    error_code: str = ""  # ...and this X-Error-Code
    truncate_at: int | None = None  # or send this many bytes of the body and hang up
    bytes_per_s: float = 0.0  # or send the body slowly
    endless: bool = False  # or send a body that never ends, whose length is not announced
    body: bytes | None = None  # or answer with this
    headers: Mapping[str, str] = field(default_factory=dict)  # in place of the answer's own
    method: str = "GET"
    times: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    range: str | None


@dataclass(slots=True)
class Hub:
    """What the server serves, how it is to fail, and what it was asked."""

    repositories: Repositories
    endpoint: str = ""
    faults: list[Fault] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def files_asked(self) -> list[str]:
        """The names of the files whose content was asked for, in order."""
        asked = (one.path for one in self.requests if one.method == "GET" and "/resolve/" in one.path)
        return [path.rpartition("/")[2] for path in asked]

    def fault(self, method: str, path: str) -> Fault | None:
        """The fault that this request runs into."""
        for one in self.faults:
            if one.where in path and one.method == method and one.times > 0:
                one.times -= 1
                return one
        return None


def commit_of(revision: str) -> str:
    """The commit that a branch or tag stands at."""
    return hashlib.sha1(revision.encode(), usedforsecurity=False).hexdigest()


@contextmanager
def serve_hub(repositories: Repositories) -> Iterator[Hub]:
    """A running hub; ``hub.endpoint`` is its HF_ENDPOINT."""
    hub = Hub(repositories)
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the base class gave it
        """Tests have no use for an access log."""

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(Request(self.command, path, self.headers.get("Range")))
        fault = self.hub.fault(self.command, path)
        if fault is not None and fault.status:
            self._refuse(fault.status, fault.error_code)
            return
        if fault is not None and fault.body is not None:
            self._head(HTTPStatus.OK, {"Content-Length": str(len(fault.body)), **fault.headers})
            self.wfile.write(fault.body)
            return
        if found := _API.fullmatch(path):
            self._describe(*found.groups())
        elif found := _FILE.fullmatch(path):
            self._serve_file(found[1], found[2], found[3], fault)
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "")

    def _find(self, repository: str, revision: str) -> tuple[Path, str] | None:
        """The folder and the commit of a revision; what is missing is refused."""
        revisions = self.hub.repositories.get(repository)
        if revisions is None:
            self._refuse(HTTPStatus.NOT_FOUND, "RepoNotFound")
            return None
        for name, folder in revisions.items():
            if revision in {name, commit_of(name)}:
                return folder, commit_of(name)
        self._refuse(HTTPStatus.NOT_FOUND, "RevisionNotFound")
        return None

    def _describe(self, repository: str, what: str, revision: str) -> None:
        found = self._find(repository, revision)
        if found is None:
            return
        folder, commit = found
        if what == "revision":
            document: object = {"id": repository, "sha": commit, "siblings": []}
        else:
            files = sorted(path for path in folder.rglob("*") if path.is_file())
            document = [
                {
                    "type": "file",
                    "path": path.relative_to(folder).as_posix(),
                    "size": path.stat().st_size,
                    "oid": _digest(path),
                }
                for path in files
            ]
        body = json.dumps(document).encode()
        self._head(HTTPStatus.OK, {"Content-Type": "application/json", "Content-Length": str(len(body))})
        self.wfile.write(body)

    def _serve_file(self, repository: str, revision: str, name: str, fault: Fault | None) -> None:
        found = self._find(repository, revision)
        if found is None:
            return
        folder, commit = found
        path = folder / name
        if not path.is_file():
            self._refuse(HTTPStatus.NOT_FOUND, "EntryNotFound")
            return
        content = path.read_bytes()
        headers = {"ETag": f'"{_digest(path)}"', "X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        status, start = HTTPStatus.OK, 0
        asked = self.headers.get("Range")
        if asked is not None:
            start = int(asked.removeprefix("bytes=").partition("-")[0])
            status = HTTPStatus.PARTIAL_CONTENT
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        headers |= {"Content-Length": str(len(content) - start)}
        if fault is not None and fault.endless:
            del headers["Content-Length"]  # the end of the connection would be that of the body
        self._head(status, {**headers, **(fault.headers if fault is not None else {})})
        if self.command == "GET":
            self._send(content[start:], fault)

    def _send(self, body: bytes, fault: Fault | None) -> None:
        if fault is not None and fault.truncate_at is not None:
            self.wfile.write(body[: fault.truncate_at])
            self.close_connection = True
        elif fault is not None and fault.endless:
            with suppress(OSError):  # the client has had enough
                while True:
                    self.wfile.write(bytes(1_000_000))
        elif fault is not None and fault.bytes_per_s:
            step = 65_536
            for start in range(0, len(body), step):
                try:
                    self.wfile.write(body[start : start + step])
                except OSError:  # the client has left
                    return
                time.sleep(step / fault.bytes_per_s)
        else:
            self.wfile.write(body)

    def _refuse(self, status: int, error_code: str) -> None:
        self._head(status, {"Content-Length": "0"} | ({"X-Error-Code": error_code} if error_code else {}))

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def _digest(path: Path) -> str:
    return hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()
