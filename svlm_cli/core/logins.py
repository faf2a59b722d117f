"""Finds and hides the secrets of an address: its login, its query and its fragment.

An address is ``SCHEME://USER:PASSWORD@HOST/PATH?QUERY#FRAGMENT``. People type passwords unescaped, with characters that
would end a host (``/``, ``?``, ``#``). If that makes an address ambiguous, everything that may be a password is hidden
when text is shown, and the address is not opened. Pure. Imported before everything else, so it imports nothing slow.
"""

import re
from collections.abc import Generator, Iterator

SIGNS_IN_A_PASSWORD = "In a password, write %2F for /, %3F for ?, %23 for # and %40 for @."
"""The hint for an ambiguous address."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/+")  # in a path object, two slashes become one
_QUERY = re.compile(r"[?#]")
_SPACE = re.compile(r"\s")
_HOST_END = re.compile(r"[/?#]")
_PORT = r"(?::\d{0,5})?(?=[/?#]|$)"
_HOST = re.compile(rf"(?:\[[\w:.%]+\]|[^/?#@:]*){_PORT}")
# More likely a host than a user: numbers and localhost; and names with a dot, unless numbers follow the @.
_CERTAIN_HOST = re.compile(rf"(?:\[[\w:.%]+\]|localhost|\d+(?:\.\d+){{3}}){_PORT}")
_LIKELY_HOST = re.compile(r"[^/?#@:]+\.[^/?#@:]*(?::\d{1,5})?(?=[/?#])")
_NAMED_PORT = re.compile(r"(?!localhost:|[\d.]+:)[^/?#@:]+:\d{1,5}[/?#]")
# Without a scheme: USER:PASSWORD@HOST, and ?KEY=VALUE.
_WORD_BEGINS = r"(?:^|(?<=[\s\"'`(=,]))"
_BARE_LOGIN = re.compile(rf"{_WORD_BEGINS}(?!{_SCHEME.pattern})[^\s:@/\"'`(=,]*:\S{{0,300}}@(?=\S)")
_BARE_QUERY = re.compile(r"[?#](?=[^\s=/]+=)")
_AFTER_AN_ADDRESS = "'\"`)]>.,;:!?"  # punctuation that may follow an address in a sentence


def is_address(text: str) -> bool:
    """Whether the text starts like an address, of any scheme."""
    return _SCHEME.match(text) is not None


def end_of_login(rest: str) -> int | None:
    """The end of the login in the text after ``://``, including the @: 0 if there is none, None if ambiguous."""
    at = rest.rfind("@")
    before = rest[: max(at, 0)]
    if _HOST_END.search(before) is None:
        return at + 1
    if (":" not in before and "@" not in before) or _CERTAIN_HOST.match(rest):
        return 0
    likely = _LIKELY_HOST.match(rest) and not _CERTAIN_HOST.match(rest, at + 1)
    return 0 if likely else None


def is_readable(address: str) -> bool:
    """Whether it is unambiguous and its port is a number. Otherwise libraries would quote parts of it in errors."""
    rest = address.partition("://")[2] or address
    end = end_of_login(rest)
    return end is not None and _HOST.match(rest, end) is not None


def without_logins(text: str) -> str:
    """`text` with the logins, queries and fragments of all its addresses replaced by ``...``."""
    shown = []
    for line in text.split("\n"):
        done = 0
        for first, last in secret_spans(line):
            shown += [line[done:first], "..."]
            done = last
        shown += [line[done:], "\n"]
    return "".join(shown[:-1])


def secret_spans(line: str) -> Iterator[tuple[int, int]]:
    """The spans of secrets in a line, or in a command-line argument, in order."""
    done, found = 0, [kind.search(line) for kind in (_SCHEME, _BARE_LOGIN, _BARE_QUERY)]
    while True:
        found = [one.re.search(line, done) if one and one.start() < done else one for one in found]
        first = min(filter(None, found), key=lambda one: one.start(), default=None)
        if first is None:
            return
        if first.re is _BARE_QUERY:
            last = _end_of_word(line, first.end())
            yield first.end(), last
        elif first.re is _BARE_LOGIN:
            last = first.end()
            yield first.start(), last - 1
        else:
            last = yield from _spans_of_address(line, first.end())
        done = last


def _spans_of_address(line: str, first: int) -> Generator[tuple[int, int], None, int]:
    """The spans in the address whose scheme ends at `first`; returns where to search for the next address."""
    rest = line[first : _end_of_word(line, first)]
    length = end_of_login(rest)
    if length is None or (length == 0 and _NAMED_PORT.match(rest)):  # a seeming port may be the start of a password
        length = rest.rfind("@") + 1
    if length == 0 and not _HOST.match(rest.rstrip(_AFTER_AN_ADDRESS)):  # a login that is cut off, or contains a space
        at = line.rfind("@", first)
        length = at + 1 - first if at >= 0 else len(rest) + 1
    done = min(first + length, len(line))
    if length > 1:
        yield first, first + length - 1
    last = done + len(line[done : _end_of_word(line, done)].rstrip(_AFTER_AN_ADDRESS))
    query = _QUERY.search(line, done, last)
    if _SCHEME.search(line, done, query.start() if query else last):  # an address in its path
        return done
    if query and query.end() < last:
        yield query.end(), last
    return last


def _end_of_word(line: str, first: int) -> int:
    space = _SPACE.search(line, first)
    return space.start() if space else len(line)
