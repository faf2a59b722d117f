"""Strict reading of claims files, with one-sentence errors. Knows no claim."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from svlm_cli.core.errors import InputError


@contextmanager
def read_strictly(path: Path, *, otherwise: str, hint: str) -> Iterator[None]:
    """`InputError` if the file cannot be read, or is invalid; it consists of `path` and `otherwise`."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise InputError(f"{path} {otherwise}", hint) from error
