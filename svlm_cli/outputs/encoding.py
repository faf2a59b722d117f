"""How text becomes bytes: character encoding and line ends. Knows no file and no format."""

import codecs
from dataclasses import dataclass

from svlm_cli.core.errors import UsageError


class Encoder:
    """Encodes one text, piece by piece, with at most one byte order mark. Characters it lacks become ``?``."""

    def __init__(self, name: str, line_end: str, *, continued: bool = False) -> None:
        self._encoder = codecs.getincrementalencoder(name)(errors="replace")
        if continued:
            self._encoder.encode("\n")  # the mark is there already
        self._line_end = line_end

    def encode(self, piece: str) -> bytes:
        """The bytes of the next piece."""
        return self._encoder.encode(piece if self._line_end == "\n" else piece.replace("\n", self._line_end))


@dataclass(frozen=True, slots=True)
class Encoding:
    """The name of an encoding, and whether lines end in CRLF."""

    name: str = "utf-8"
    crlf: bool = False

    def __post_init__(self) -> None:
        try:
            "\n".encode(self.name)
            self.encoder()
        except (LookupError, TypeError, ValueError) as error:
            raise UsageError(
                f"There is no text encoding {self.name!r}.", "Use utf-8, utf-8-sig, utf-16, cp1252 or the like."
            ) from error

    def encoder(self, *, continued: bool = False) -> Encoder:
        """A new encoder, for one text, or for the rest of one."""
        return Encoder(self.name, "\r\n" if self.crlf else "\n", continued=continued)


UTF_8 = Encoding()
