"""How a web server asks for a password, and whether an answer is right: basic, or digest (RFC 7616), counted anew."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from urllib.request import parse_http_list, parse_keqv_list

_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
_ANSWERS = 2  # to one nonce; then there is another one


class Door:
    """Opens for a login that is given in one of some ways. A ``{nonce}`` in them is replaced by a number."""

    def __init__(self, login: tuple[str, str], ways: Sequence[str]) -> None:
        self._login = login
        self._ways = ways
        self._nonce = 0
        self._answers = 0  # to this nonce

    def challenges(self) -> list[str]:
        """What to ask whom it did not open for."""
        return [way.replace("{nonce}", str(self._nonce)) for way in self._ways]

    def opens(self, answer: str, target: str) -> bool:
        """Whether this is the right answer to what was asked, and no old one."""
        scheme, _, rest = answer.partition(" ")
        if scheme == "Basic":
            return rest == base64.b64encode(":".join(self._login).encode()).decode()
        if scheme != "Digest" or self._answers == _ANSWERS:
            self._nonce, self._answers = self._nonce + 1, 0
            return False
        self._answers += 1
        fields = parse_keqv_list(parse_http_list(rest))
        return (
            fields["response"] == digest(fields, "GET", self._login)
            and (fields["username"], fields["uri"], fields["nonce"]) == (self._login[0], target, str(self._nonce))
            and int(fields.get("nc", str(self._answers)), 16) == self._answers
        )


def digest(fields: Mapping[str, str], method: str, login: tuple[str, str]) -> str:
    """The response that belongs to the other fields of an answer."""
    algorithm = fields.get("algorithm", "MD5").upper()

    def hashed(*parts: str) -> str:
        return _HASHES[algorithm.removesuffix("-SESS")](":".join(parts).encode()).hexdigest()

    secret = hashed(login[0], fields["realm"], login[1])
    if algorithm.endswith("-SESS"):
        secret = hashed(secret, fields["nonce"], fields["cnonce"])
    counted = (fields["nc"], fields["cnonce"], fields["qop"]) if "qop" in fields else ()
    return hashed(secret, fields["nonce"], *counted, hashed(method, fields["uri"]))
