"""How the files of measured claims are read: strictly, and what is wrong with one is a sentence. Knows no claim."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from svlm_cli.core.errors import InputError


@contextmanager
def read_strictly(path: Path, *, otherwise: str, hint: str) -> Iterator[None]:
    """`InputError` where it cannot be read, or where it is not what it should be: `path` and `otherwise` say that."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise InputError(f"{path} {otherwise}", hint) from error
