"""HTTP authentication, basic and digest (RFC 7616). Knows no connection."""

import base64
import hashlib
import re
import secrets
from collections.abc import Sequence
from itertools import zip_longest
from urllib.request import parse_http_list, parse_keqv_list

from svlm_cli.media.network import Login

_HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
_CHALLENGE = re.compile(r"(?:^|,\s*)(Basic|Digest)\s+", re.IGNORECASE)


class Authorization:
    """Answers a server's latest challenge, and sends the answer with later requests before they are refused."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._digest: dict[str, str] | None = None
        self._basic = False
        self._count = 0  # requests signed with this nonce

    def hear(self, challenges: Sequence[str]) -> bool:
        """Take the best of a server's challenges; False if it offers no supported one."""
        self._digest, self._basic, self._count = None, False, 0
        known = dict(_known(challenges))
        self._basic = "basic" in known
        self._digest = known.get("digest")
        return bool(known)

    def header(self, method: str, target: str) -> str | None:
        """The value of the `Authorization` header; None before any challenge."""
        if self._digest is not None:
            return self._digest_header(self._digest, method, target)
        if self._basic:
            pair = f"{self._login.user}:{self._login.password}"
            return f"Basic {base64.b64encode(pair.encode()).decode()}"
        return None

    def _digest_header(self, challenge: dict[str, str], method: str, target: str) -> str:
        self._count += 1
        user, password, realm, nonce = self._login.user, self._login.password, challenge["realm"], challenge["nonce"]
        count, own = f"{self._count:08x}", secrets.token_hex(8)
        algorithm = challenge.get("algorithm", "MD5")

        def hashed(*parts: str) -> str:
            return hashlib.new(_hash(algorithm), ":".join(parts).encode()).hexdigest()

        secret = hashed(user, realm, password)
        if algorithm.lower().endswith("-sess"):
            secret = hashed(secret, nonce, own)
        asked = hashed(method, target)
        fields = {"username": user, "realm": realm, "nonce": nonce, "uri": target}
        bare = {"algorithm": algorithm} if "algorithm" in challenge else {}
        if "qop" in challenge:
            fields |= {"response": hashed(secret, nonce, count, own, "auth", asked), "cnonce": own}
            bare |= {"qop": "auth", "nc": count}
        else:
            fields |= {"response": hashed(secret, nonce, asked)}
        if "opaque" in challenge:
            fields |= {"opaque": challenge["opaque"]}
        quoted = [f'{key}="{_escaped(value)}"' for key, value in fields.items()]
        return "Digest " + ", ".join([*quoted, *(f"{key}={value}" for key, value in bare.items())])


def algorithms(challenges: Sequence[str]) -> list[str]:
    """The authentication schemes: ``BASIC``, or the algorithm of a digest."""
    return [
        scheme.upper() if scheme == "basic" else fields.get("algorithm", "MD5").upper()
        for scheme, fields in _parsed(challenges)
    ]


def _known(challenges: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    """The supported challenges, the strongest last."""
    usable = [one for one in _parsed(challenges) if one[0] == "basic" or _is_usable(one[1])]
    return sorted(usable, key=lambda one: list(_HASHES.values()).index(_hash(one[1].get("algorithm", "MD5"))))


def _parsed(challenges: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    """Scheme and fields of each challenge."""
    found = []
    for text in challenges:
        starts = list(_CHALLENGE.finditer(text))
        for start, following in zip_longest(starts, starts[1:]):
            end = len(text) if following is None else following.start()
            pairs = [pair for pair in parse_http_list(text[start.end() : end]) if re.fullmatch("[^=]+=.+", pair)]
            fields = {key.lower(): value for key, value in parse_keqv_list(pairs).items()}
            found.append((start[1].lower(), fields))
    return found


def _is_usable(challenge: dict[str, str]) -> bool:
    ways = re.split(r"[\s,]+", challenge.get("qop", "auth"))
    return {"realm", "nonce"} <= challenge.keys() and "auth" in ways and bool(_hash(challenge.get("algorithm", "MD5")))


def _hash(algorithm: str) -> str:
    """The algorithm's name in Python's `hashlib`; empty if unsupported."""
    name = _HASHES.get(algorithm.upper().removesuffix("-SESS"), "")
    return name if name in hashlib.algorithms_available else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
