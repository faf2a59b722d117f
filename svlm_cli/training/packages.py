"""The packages that only some recipes need: one sentence where one is missing, before anything is loaded."""

from importlib.util import find_spec

from svlm_cli.core.errors import UsageError


def require_package(name: str, why: str) -> None:
    """`UsageError` if the package is not installed; `why` is what of the recipe needs it."""
    if find_spec(name) is None:
        raise UsageError(f"{why} needs {name}.", "Install svlm-cli[train].")
