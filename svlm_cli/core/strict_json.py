"""Strict parsing of untrusted JSON: bounded in size, and without Python's extensions to JSON.

One error for all that can be wrong, in place of the many of the standard library (recursion, digits, characters). Knows
no file, and not what the values are for.
"""

import json
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from svlm_cli.core.bounds import shown

_MOST_DIGITS = 40  # transformers writes 10^30 for a length without limit
_MOST_PARTS = 3_000_000  # a vocabulary of 250,000 entries has a third of them


class JsonError(ValueError):
    """Why a text was refused: a sentence without its full stop."""


def parse(data: bytes | str) -> Any:
    """The value that `data`, UTF-8, holds. `JsonError` if it is not JSON, or exceeds the limits.

    Refused beyond what the standard library refuses: a key that an object has twice, NaN and infinities, numbers of
    more than 40 digits, halves of characters, millions of parts.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        if sum(map(text.count, ",[{")) > _MOST_PARTS:  # of those in texts too: counting is quick
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
