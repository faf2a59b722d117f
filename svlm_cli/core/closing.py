"""A context manager that closes itself. Does not know what is closed."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Closing(ABC):
    """Leaving the context always calls `close`."""

    __slots__ = ()

    @abstractmethod
    def close(self) -> None:
        """Release resources. Closing twice is harmless."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
