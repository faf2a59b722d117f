"""A store in this process, `shaky://`, which loses connections, files and bytes as a test wants it to."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from svlm_cli.fleet import store


class Shaky(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """`troubles` are raised by the next calls of a method, one each; a float loses that share of what is sent."""

    protocol = "shaky"
    store: dict[str, Any] = {}  # noqa: RUF012  as the base has it
    pseudo_dirs = [""]  # noqa: RUF012
    troubles: dict[str, list[Exception | float]] = {}  # noqa: RUF012
    connections = 0

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        Shaky.connections += 1

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        bare = path.removeprefix("shaky://").partition("@")[2] or path.removeprefix("shaky://")
        return super()._strip_protocol(bare)

    def _trouble(self, method: str) -> float:
        left = self.troubles.get(method, [])
        trouble = left.pop(0) if left else 0.0
        if isinstance(trouble, Exception):
            raise trouble
        return trouble

    def ls(self, path: str, detail: bool = True, **more: Any) -> Any:
        self._trouble("ls")
        return super().ls(path, detail=detail, **more)

    def info(self, path: str, **more: Any) -> Any:
        self._trouble("info")
        return super().info(path, **more)

    def get_file(self, rpath: str, lpath: str, **more: Any) -> None:
        lost = self._trouble("get_file")
        super().get_file(rpath, lpath, **more)
        if lost:
            with open(lpath, "r+b") as file:  # noqa: PTH123
                file.truncate(int(file.seek(0, 2) * (1 - lost)))

    def put_file(self, lpath: str, rpath: str, **more: Any) -> None:
        lost = self._trouble("put_file")
        super().put_file(lpath, rpath, **more)
        if lost:
            self.pipe_file(rpath, self.cat_file(rpath)[: int(self.info(rpath)["size"] * (1 - lost))])

    def mv(self, path1: str, path2: str, **more: Any) -> None:
        self._trouble("mv")
        super().mv(path1, path2, **more)


@contextmanager
def shaky_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shaky]:
    """An empty one; what goes wrong is tried again at once."""
    fsspec.register_implementation("shaky", f"{__name__}.Shaky", clobber=True)
    monkeypatch.setattr(store, "_PAUSES_S", (0.0,) * len(store._PAUSES_S))
    Shaky.store.clear()
    Shaky.pseudo_dirs[:] = [""]
    Shaky.troubles.clear()
    yield Shaky(skip_instance_cache=True)
    Shaky.store.clear()
    Shaky.pseudo_dirs[:] = [""]
    Shaky.troubles.clear()
