"""The address of a source, as a value that hides its credentials when printed."""

from svlm_cli.core.text import presentable


class SourceAddress:
    """The name of a file, ``-``, a device, or an address, which may hold a password.

    Printing, formatting and tracebacks show it without logins and queries. It equals the string it was made from, but
    is not a `str`: code that opens it must call `reveal`.
    """

    __slots__ = ("_whole",)

    def __init__(self, whole: "str | SourceAddress") -> None:
        self._whole: str = whole if isinstance(whole, str) else whole.reveal()

    def reveal(self) -> str:
        """The address as typed, credentials included. Only for the code that opens it."""
        return self._whole

    def __str__(self) -> str:
        return presentable(self._whole)

    def __repr__(self) -> str:
        return f"SourceAddress({str(self)!r})"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __eq__(self, other: object) -> bool:
        return self._whole == (other._whole if isinstance(other, SourceAddress) else other)

    def __hash__(self) -> int:
        return hash(self._whole)
