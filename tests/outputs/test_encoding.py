"""Text as bytes: encodings with and without a mark, line ends, and what an encoding lacks."""

from pathlib import Path

import pytest

from svlm_cli.core.errors import UsageError
from svlm_cli.outputs.destination import open_destination
from svlm_cli.outputs.encoding import Encoding
from svlm_cli.outputs.format import Format


@pytest.mark.parametrize("name", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1"])
def test_pieces_are_one_text(tmp_path: Path, name: str) -> None:
    """Guards against a byte order mark before every piece."""
    file = open_destination(tmp_path / "o.txt", overwrite=False, encoding=Encoding(name, crlf=True))
    for piece in ("Tor für Köln!\n", "2 : 1\n"):
        file.write(piece)
    file.close(complete=True)
    assert (tmp_path / "o.txt").read_bytes() == "Tor für Köln!\r\n2 : 1\r\n".encode(name)


def test_what_an_encoding_lacks_is_a_question_mark() -> None:
    """Guards an hour of words against one character."""
    assert Encoding("cp1252").encoder().encode("曼联 – é") == b"?? \x96 \xe9"


@pytest.mark.parametrize("name", ["utf-9", "rot13", "base64", "", "no\0name"])
def test_what_encodes_no_text_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no text encoding"):
        Encoding(name)


def test_some_formats_are_always_utf_8() -> None:
    wanted = Encoding("cp1252", crlf=True)
    assert Format.SRT.encoded(wanted) == wanted
    assert Format.VTT.encoded(wanted) == Encoding("utf-8", crlf=True)
    assert Format.JSONL.encoded(wanted) == Format.JSON.encoded(wanted) == Encoding()
