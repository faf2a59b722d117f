"""A reporter that keeps what it is told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class KeepingReporter:
    """Everything, in its order; a run sees no difference to one on stderr."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.warned: list[str] = []
        self.counted: list[tuple[str, int]] = []  # what, and how many were done at last

    def show(self, line: str) -> None:
        self.told.append(line)

    def tell(self, message: str) -> None:
        self.told.append(message)

    def warn(self, message: str, hint: str = "") -> None:
        self.warned.append(f"{message} {hint}".rstrip())

    @contextmanager
    def counting(self, name: str, total: int) -> Iterator[Callable[..., None]]:
        done = 0

        def advance(count: int, note: str = "") -> None:
            nonlocal done
            assert done <= count <= total
            done = count

        yield advance
        self.counted.append((name, done))

    bar = counting
