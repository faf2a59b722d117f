"""What somebody named to be watched, as one value that cannot be printed whole."""

from svlm_cli.core.text import presentable


class SourceAddress:
    """The name of a file, ``-``, a device, or an address, which may hold a password.

    However it is printed, formatted or found in a traceback, it comes without logins and queries. It equals the text
    that it was made of, and is no text itself, so that whoever opens it has to say `reveal`.
    """

    __slots__ = ("_whole",)

    def __init__(self, whole: "str | SourceAddress") -> None:
        self._whole: str = whole if isinstance(whole, str) else whole.reveal()

    def reveal(self) -> str:
        """As it was typed. For what opens it alone."""
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
