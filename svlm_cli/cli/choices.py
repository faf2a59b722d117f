"""Completion of values: models, formats, keys, rows. Imports nothing heavy."""

import os
from collections.abc import Iterator
from contextlib import suppress

from svlm_cli.core.errors import SvlmError


def models(incomplete: str) -> list[tuple[str, str]]:
    """The known models, and folders."""
    from svlm_cli.checkpoints import catalog

    found = []
    with suppress(SvlmError):  # a broken entry is told elsewhere
        found = [
            (one.name, "" if one.file.model.title == one.name else one.file.model.title)
            for one in catalog.list_models()
        ]
    return [*found, *_folders(incomplete)]


def models_to_run(incomplete: str) -> list[tuple[str, str]]:
    """The same, and what chooses one of them."""
    return [("auto", "the best one that is here"), *models(incomplete)]


def known_models() -> list[tuple[str, str]]:
    """Without folders: what can be fetched."""
    return models("/dev/null/")


def devices() -> list[tuple[str, str]]:
    """Without asking torch which there are, which takes seconds."""
    return [("auto", "a GPU if there is one"), ("cpu", ""), ("cuda", "the first GPU")]


def formats(incomplete: str) -> list[tuple[str, str]]:
    """Those that are not in the list yet, after what is."""
    from svlm_cli.outputs.format import Format

    before, comma, _ = incomplete.rpartition(",")
    return [(f"{before}{comma}{one.value}", one.traits.about) for one in Format if one.value not in before.split(",")]


def rows() -> list[tuple[str, str]]:
    """Of the table of `svlm eval claims`."""
    from svlm_cli.evals.claims.rows import ROWS

    return [(row.name, row.title) for row in ROWS]


def policy_keys() -> list[tuple[str, str]]:
    """Those of a policy, as `--set` takes them."""
    from svlm_cli.checkpoints.policy_changes import defaults

    return [(f"{key}=", f"default: {value}") for key, value in defaults()]


def _folders(incomplete: str) -> Iterator[tuple[str, str]]:
    parent, slash, _ = incomplete.rpartition("/")
    with suppress(OSError):
        entries = sorted(os.scandir(os.path.expanduser(parent + slash) or "."), key=lambda one: one.name)  # noqa: PTH111
        for one in entries:
            if one.is_dir() and not one.name.startswith("."):
                yield f"{parent}{slash}{one.name}/", "a folder"
