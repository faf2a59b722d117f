"""Checks of what is around: disk, terminal, environment, hub. The hub is only asked whether it is there."""

import os
import shutil
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Final

from svlm_cli.core.logins import end_of_login, without_logins
from svlm_cli.core.text import did_you_mean
from svlm_cli.doctor.findings import CheckState, Finding

_LITTLE_DISK: Final = 2e9
_HUB_TIMEOUT_S: Final = 3.0


def cache() -> Finding:
    """Where models from the hub are kept, and whether there is room for more."""
    try:
        from huggingface_hub import constants
    except ImportError as error:
        return Finding(
            "cache", CheckState.MISSING, f"It cannot be looked for: {error}", "Run `pip install huggingface-hub`."
        )
    folder = Path(constants.HF_HUB_CACHE)
    existing = next(path for path in (folder, *folder.parents) if path.is_dir())
    free = shutil.disk_usage(existing).free
    told = f"{folder}, {_cached_bytes(folder) / 1e9:.1f} GB, {free / 1e9:.0f} GB free"
    if free < _LITTLE_DISK:
        return Finding("cache", CheckState.WARNING, told, "Make room, or set HF_HOME to a folder on a larger disk.")
    return Finding("cache", CheckState.OK, f"{told} (HF_HOME moves it)")


def _cached_bytes(folder: Path) -> int:
    """Bytes in ``folder``; the links that the cache is full of count for themselves."""
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # a download goes on meanwhile
                size += Path(parent, name).lstat().st_size
    return size


def here() -> Finding:
    """Whether captions could be written into this folder."""
    folder = Path.cwd()
    free = shutil.disk_usage(folder).free
    told = f"{folder}, {free / 1e9:.0f} GB free"
    if not os.access(folder, os.W_OK):
        return Finding(
            "folder", CheckState.WARNING, f"{told}, and you cannot write there.", "Write elsewhere: --output-dir."
        )
    if free < _LITTLE_DISK:
        return Finding("folder", CheckState.WARNING, told, "Make room, or write elsewhere: --output-dir.")
    return Finding("folder", CheckState.OK, told)


def terminal() -> Finding:
    """What a live view would find."""
    from rich.console import Console

    console = Console(stderr=True)
    encoding = (sys.stderr.encoding or "unknown").lower()
    if not console.is_terminal:
        return Finding("terminal", CheckState.OPTIONAL, f"None: progress is printed in plain lines, {encoding}.")
    if console.is_dumb_terminal:
        advice = "Set TERM to what your terminal is, such as xterm-256color."
        return Finding(
            "terminal", CheckState.OPTIONAL, "Its cursor cannot be moved: progress is printed in plain lines.", advice
        )
    colours = console.color_system or "no"
    told = f"{console.width} x {console.height}, {colours} colours, {encoding}"
    if not encoding.startswith("utf"):
        return Finding(
            "terminal", CheckState.WARNING, told, "Some words may not be shown correctly: set LANG to C.UTF-8."
        )
    return Finding("terminal", CheckState.OK, f"{told}: bars, and a live view, can be shown")


def environment(known: Mapping[str, bool]) -> Iterator[Finding]:
    """The variables that are set, of the `known` ones; and those that look so and are none. True: it is a secret."""
    set_ = {name: os.environ[name] for name in known if os.environ.get(name)}
    if set_.get("OMP_WAIT_POLICY") == "PASSIVE":  # by svlm itself
        del set_["OMP_WAIT_POLICY"]
    found = [f"{name}={'(hidden)' if known[name] else without_logins(value)}" for name, value in set_.items()]
    yield Finding("environment", CheckState.OK, ", ".join(found) or "none of svlm's variables is set")
    for name in sorted(os.environ):
        if name.startswith("SVLM_") and name not in known:
            hint = did_you_mean(name, list(known)) or "`svlm man` lists the variables that svlm reads."
            yield Finding(
                "variable", CheckState.WARNING, f"{name} is not a variable of svlm's, and has no effect.", hint
            )


def hub(*, offline: bool) -> Finding:
    """Whether models could be fetched. Asked in a thread: looking up a name may take longer than the connection."""
    try:
        from huggingface_hub import constants
    except ImportError as error:
        return Finding("hub", CheckState.OPTIONAL, f"It cannot be asked: {error}", "Run `pip install huggingface-hub`.")
    if offline or constants.HF_HUB_OFFLINE:
        return Finding("hub", CheckState.OPTIONAL, "Not asked: svlm is offline.")
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(_ask(constants.ENDPOINT)), daemon=True)
    asking.start()
    asking.join(_HUB_TIMEOUT_S + 1)
    reason = answers[0] if answers else "it does not answer"
    if not reason:
        return Finding("hub", CheckState.OK, f"{constants.ENDPOINT} answers")
    advice = "Models that are here work without it, best with --offline; to fetch others, fix the connection."
    return Finding("hub", CheckState.OPTIONAL, f"{constants.ENDPOINT} cannot be reached: {reason}.", advice)


def _ask(address: str) -> str:
    """Why it cannot be reached; empty if it can."""
    scheme, mark, rest = address.partition("://")
    try:
        request = urllib.request.Request(f"{scheme}{mark}{rest[end_of_login(rest) or 0 :]}", method="HEAD")
        with urllib.request.urlopen(request, timeout=_HUB_TIMEOUT_S):
            return ""
    except urllib.error.HTTPError:
        return ""  # it is there
    except OSError as error:
        return str(getattr(error, "reason", error))
    except (ValueError, HTTPException):  # which quote a part of what they were given
        return "HF_ENDPOINT, or a proxy's address, is not a URL"
