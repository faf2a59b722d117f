"""The checks of ``svlm doctor`` that look around: models and memory, disk, terminal, settings, hub.

They change nothing, load no model, and send nothing to the hub but the question whether it is there. They must work
where half of the imports fail.
"""

import os
import shutil
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Final

from svlm_cli.checkpoints import catalog, host, recommendation, recommendation_text, resolve
from svlm_cli.checkpoints.folder import size_bytes
from svlm_cli.checkpoints.recommendation import Assessment, Demand
from svlm_cli.commands import settings
from svlm_cli.commands.environment import VARIABLES
from svlm_cli.commands.findings import CheckState, Finding
from svlm_cli.commands.software import import_quietly
from svlm_cli.core.errors import SvlmError
from svlm_cli.core.logins import end_of_login, without_logins
from svlm_cli.core.text import did_you_mean

_GIB: Final = 1 << 30
_LITTLE_DISK: Final = 2e9
_HUB_TIMEOUT_S: Final = 3.0


def surroundings(*, offline: bool) -> Iterator[Finding]:
    """All of it, in the order of the report."""
    yield from _models()
    yield _cache()
    yield _here()
    yield _terminal()
    yield _configuration()
    yield from _environment()
    yield _hub(offline=offline)


def _models() -> Iterator[Finding]:
    try:
        names = catalog.names()
    except SvlmError as error:
        yield Finding("models", CheckState.MISSING, error.message, error.hint)
        return
    assessed = _assessed(names)
    whys = {one.candidate.name: one.why for one in assessed}
    yield from (_model(name, whys.get(name, "")) for name in names)
    best = recommendation.recommended(assessed)
    yield Finding(
        "recommended", CheckState.OPTIONAL if best is None else CheckState.OK, *recommendation_text.headline(best)
    )


def _assessed(names: Iterable[str]) -> Sequence[Assessment]:
    """Which of the sound ones suit this machine, the best first."""
    found = []
    for name in names:
        with suppress(ImportError, OSError, SvlmError):  # other lines say what is broken
            found.append(recommendation.candidate(name))
    return recommendation.ranked(host.look_around(), found, Demand())


def _model(name: str, why: str) -> Finding:
    """One of the known models; `why` it would fit, or not."""
    try:
        entry = catalog.find(name)
    except SvlmError as error:
        return Finding(name, CheckState.MISSING, error.message, error.hint)
    folder = resolve.refer(name).present()
    if folder is not None:
        use = ", and is used unless another is named" if name == catalog.DEFAULT_MODEL else ""
        where = f"comes with svlm{use}: {folder}" if entry.embedded else f"in {folder}"
        return _fitting(name, f"{where}, {size_bytes(folder) / 1e9:.2g} GB", folder, entry)
    size_gb = entry.file.weights.size_gb
    size = f" ({size_gb:g} GB)" if size_gb else ""
    advice = f"Fetch its weights{size} with `svlm models pull {name}`."
    return Finding(name, CheckState.OPTIONAL, f"Not on this machine. {why}".rstrip(), advice)


def _fitting(name: str, where: str, folder: Path, entry: catalog.ModelEntry) -> Finding:
    """A model that is here, with what one stream of it takes on the device that it would run on, if that is known."""
    try:
        import_quietly("torch")
        from svlm_cli.compute.device import free_bytes, resolve_device, resolve_dtype
        from svlm_cli.engine.engine import Engine

        device = resolve_device()
        dtype = resolve_dtype("auto", device)
        needed = Engine.footprint(folder, entry.file.policy, device=device, dtype=dtype).total
        free = free_bytes(device)
    except (ImportError, OSError, SvlmError):
        return Finding(name, CheckState.OK, where)
    told = f"{where}, {needed / _GIB:.1f} GiB of memory on {device} for one stream"
    if free is None or needed <= free:
        return Finding(name, CheckState.OK, told)
    advice = "--dtype fp8 takes half, a lower --fps less; or end what else runs there."
    return Finding(name, CheckState.WARNING, f"{told}, where {free / _GIB:.1f} GiB are free", advice)


def _cache() -> Finding:
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


def _here() -> Finding:
    """Whether captions could be written into this folder."""
    folder = Path.cwd()
    free = shutil.disk_usage(folder).free
    told = f"{folder}, {free / 1e9:.0f} GB free"
    if not os.access(folder, os.W_OK):
        return Finding(
            "folder", CheckState.WARNING, f"{told}, and you may not write there.", "Write elsewhere: --output-dir."
        )
    if free < _LITTLE_DISK:
        return Finding("folder", CheckState.WARNING, told, "Make room, or write elsewhere: --output-dir.")
    return Finding("folder", CheckState.OK, told)


def _terminal() -> Finding:
    """What a live view would find."""
    from rich.console import Console

    console = Console(stderr=True)
    encoding = (sys.stderr.encoding or "unknown").lower()
    if not console.is_terminal:
        return Finding("terminal", CheckState.OPTIONAL, f"None: progress comes in plain lines, {encoding}.")
    if console.is_dumb_terminal:
        advice = "Set TERM to what your terminal is, such as xterm-256color."
        return Finding(
            "terminal", CheckState.OPTIONAL, "It cannot move its cursor: progress comes in plain lines.", advice
        )
    colours = console.color_system or "no"
    told = f"{console.width} x {console.height}, {colours} colours, {encoding}"
    if not encoding.startswith("utf"):
        return Finding("terminal", CheckState.WARNING, told, "Words may not be shown as they are: set LANG to C.UTF-8.")
    return Finding("terminal", CheckState.OK, f"{told}: bars, and a live view, can be shown")


def _configuration() -> Finding:
    """The configuration file, and whether it can be understood as a whole."""
    from svlm_cli.commands.config import in_force_of

    try:
        found = settings.read()
        if not found.exists:
            return Finding("config", CheckState.OK, f"none; it would be {found.path}")
        count = sum(one.source == "config" for one in in_force_of(found))
    except ImportError as error:
        return Finding("config", CheckState.WARNING, f"It cannot be checked: {error}", "Install svlm-cli again.")
    except SvlmError as error:
        return Finding("config", CheckState.WARNING, error.message, error.hint)
    return Finding("config", CheckState.OK, f"{found.path}: {count} settings; `svlm config` shows all")


def _environment() -> Iterator[Finding]:
    """The variables that are set, of those that svlm knows; and those that look so and are none."""
    known = {one.name: one.secret for one in VARIABLES}
    known |= dict.fromkeys(_option_variables(), False)
    set_ = {name: os.environ[name] for name in known if os.environ.get(name)}
    if set_.get("OMP_WAIT_POLICY") == "PASSIVE":  # by svlm itself
        del set_["OMP_WAIT_POLICY"]
    found = [f"{name}={'(hidden)' if known[name] else without_logins(value)}" for name, value in set_.items()]
    yield Finding("environment", CheckState.OK, ", ".join(found) or "none of svlm's variables is set")
    for name in sorted(os.environ):
        if name.startswith("SVLM_") and name not in known:
            hint = did_you_mean(name, list(known)) or "`svlm man` lists those that there are."
            yield Finding("variable", CheckState.WARNING, f"{name} is no variable of svlm's, and does nothing.", hint)


def _option_variables() -> list[str]:
    from svlm_cli.commands.app import whole
    from svlm_cli.commands.described import leaves

    try:
        root = whole()
    except ImportError:  # a package is missing, which other lines say
        return [settings.variable_of(key) for key in settings.shared()]
    commands = [root, *(command for _, command in leaves(root))]
    return [one.envvar for command in commands for one in command.params if one.envvar]


def _hub(*, offline: bool) -> Finding:
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
    advice = "Models that are here work without it, best with --offline; to fetch others, mend the connection."
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
