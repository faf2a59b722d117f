"""Strict parsing of untrusted JSON: of bounded size, and without Python's extensions.

One error for everything that can be wrong, instead of the standard library's many (recursion, digits, characters).
Knows no file, and not what the values are for.
"""

import json
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from svlm_cli.core.bounds import shown

_MOST_DIGITS = 40  # transformers writes 10^30 for "no limit"
_MOST_PARTS = 3_000_000  # a vocabulary of 250,000 entries needs a third


class JsonError(ValueError):
    """Why a text was rejected: a sentence without its full stop."""


def parse(data: bytes | str) -> Any:
    """The value of `data` in UTF-8. `JsonError` if it is not JSON, or exceeds the limits.

    Also rejected: duplicate keys in an object, NaN and infinities, numbers of more than 40 digits, lone surrogates, and
    millions of values.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        if sum(map(text.count, ",[{")) > _MOST_PARTS:  # also counts those in strings: fast, and close enough
            raise JsonError(f"it has more than {_MOST_PARTS} parts")
        value = json.loads(
            text, parse_int=_whole, parse_float=_number, parse_constant=_no_number, object_pairs_hook=_object
        )
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError as error:
        raise JsonError("it is nested too deeply") from error
    except JsonError:
        raise
    except UnicodeError as error:
        raise JsonError("its text is not UTF-8") from error
    except ValueError as error:
        raise JsonError(f"it is not JSON: {error}") from error
    return value


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise JsonError(f"it has the key {shown(twice)} twice")
    return found


def _whole(text: str) -> int:
    if len(text.removeprefix("-")) > _MOST_DIGITS:
        raise JsonError(f"it has a number of {len(text)} digits")
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise JsonError(f"it has the number {text:.40}, which is too large")
    return value


def _no_number(text: str) -> Any:
    raise JsonError(f"it has {text} in place of a number")
