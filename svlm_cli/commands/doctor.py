"""``svlm doctor``: what is there of all that svlm needs or can use, and what to do about what is not.

Looks, and changes nothing: no network, no model is loaded. It must work on a machine where nothing else does, so every
import that can fail happens inside its own check.
"""

import dataclasses
import json
import os
import platform
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from svlm_cli.checkpoints import catalog, resolve
from svlm_cli.commands.messages import ExitCode
from svlm_cli.commands.options import Json
from svlm_cli.core.errors import SvlmError
from svlm_cli.core.text import plain_text
from svlm_cli.media import ffmpeg

if TYPE_CHECKING:
    from svlm_cli.engine import flash

app = typer.Typer(add_completion=False)


class State(StrEnum):
    """What a check found."""

    OK = "ok"
    OPTIONAL = "optional"  # not there, and captions do without it
    MISSING = "missing"  # not there, and captions need it


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    name: str
    state: State
    detail: str
    advice: str = ""


@app.command("doctor")
def doctor(as_json: Json = False) -> None:
    """Say what is there, and what to do about what is not.

    Exits with 0 if captions could be made, else with 1.
    """
    findings = list(_findings())
    ready = all(finding.state is not State.MISSING for finding in findings)
    if as_json:
        typer.echo(json.dumps({"ready": ready, "checks": [dataclasses.asdict(one) for one in findings]}, indent=2))
    else:
        for finding in findings:
            _print(finding)
    if not ready:
        raise typer.Exit(ExitCode.FAILED)


def _print(finding: Finding) -> None:
    typer.echo(plain_text(f"{finding.state.upper():<9} {finding.name:<16} {finding.detail}"))
    if finding.advice:
        typer.echo(plain_text(f"{'':<26} {finding.advice}"))


def _findings() -> Iterator[Finding]:
    yield Finding("python", State.OK, f"{platform.python_version()} at {sys.executable}")
    yield _ffmpeg()
    torch = _module("torch", "torch")
    yield torch
    if torch.state is State.OK:
        yield _device()
        yield _attention()
    yield _module("transformers", "transformers")
    yield _decord()
    yield from _models()
    yield _cache()


def _ffmpeg() -> Finding:
    try:
        program = ffmpeg.find_ffmpeg()
        return Finding("ffmpeg", State.OK, f"{program.version()} at {program.path}")
    except SvlmError as error:
        return Finding("ffmpeg", State.MISSING, error.message, error.hint)


def _module(name: str, distribution: str) -> Finding:
    try:
        _import_quietly(name)
    except (ImportError, OSError) as error:  # OSError: a library of its own does not load
        return Finding(name, State.MISSING, f"It cannot be imported: {error}", f"Run `pip install {distribution}`.")
    return Finding(name, State.OK, version(distribution))


def _import_quietly(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module(name)


def _device() -> Finding:
    torch = _import_quietly("torch")
    threads = f"{torch.get_num_threads()} threads"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a driver that is too old is no device, too
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not count:
        return Finding("device", State.OPTIONAL, f"No CUDA device: models run on the CPU, {threads}.")
    devices = [torch.cuda.get_device_properties(index) for index in range(count)]
    names = (f"cuda:{index} {one.name}, {one.total_memory / 2**30:.0f} GiB" for index, one in enumerate(devices))
    return Finding("device", State.OK, f"{'; '.join(names)}; CPU, {threads}")


def _attention() -> Finding:
    """Which kernels there are to read new frames with, and which one `--attention auto` takes."""
    torch = _import_quietly("torch")
    from svlm_cli.engine import flash

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        device = "cuda" if torch.cuda.is_available() else "cpu"
    where = torch.device(device)
    taken = flash.choose(flash.AttentionKernel.AUTO, where, torch.bfloat16)
    others = (one for one in flash.AttentionKernel if one not in (flash.AttentionKernel.AUTO, taken))
    told = (f"{one} {'can be used' if flash.usable(one, where, torch.bfloat16) else _why_not(one)}" for one in others)
    return Finding("attention", State.OK, f"auto takes {taken} on {device}; {', '.join(told)}.")


def _why_not(kernel: "flash.AttentionKernel") -> str:
    from svlm_cli.engine import flash

    return "does not run here" if flash.installed(kernel) else "is not installed"


def _decord() -> Finding:
    found = _module("decord", "decord")  # after torch: the other way round, one of the two may crash
    if found.state is State.OK:
        return found
    return Finding("decord", State.OPTIONAL, "Not there: `--decoder decord` is off, ffmpeg reads all.", found.advice)


def _models() -> Iterator[Finding]:
    try:
        names = catalog.names()
    except SvlmError as error:
        yield Finding("models", State.MISSING, error.message, error.hint)
        return
    yield from map(_model, names)


def _model(name: str) -> Finding:
    try:
        entry = catalog.find(name)
    except SvlmError as error:
        return Finding(name, State.MISSING, error.message, error.hint)
    folder = resolve.refer(name).present()
    if entry.embedded:
        use = ", and is used unless another is named" if name == catalog.DEFAULT_MODEL else ""
        return Finding(name, State.OK, f"comes with svlm{use}: {folder}{_memory(folder, entry)}")
    if folder is not None:
        return Finding(name, State.OK, f"in {folder}{_memory(folder, entry)}")
    size = f" ({entry.file.weights.size_gb:g} GB)" if entry.file.weights.size_gb else ""
    advice = f"Fetch its weights{size} with `svlm models pull {name}`."
    return Finding(name, State.OPTIONAL, "Not on this machine.", advice)


def _memory(folder: Path | None, entry: catalog.ModelEntry) -> str:
    """What one stream of it takes on the device that it would run on; nothing if that cannot be known."""
    assert folder is not None, "a model that is there"
    try:
        _import_quietly("torch")
        from svlm_cli.engine.device import resolve_device, resolve_dtype
        from svlm_cli.engine.engine import Engine

        device = resolve_device()
        dtype = resolve_dtype("auto", device)
        needed = Engine.footprint(folder, entry.file.policy, device=device, dtype=dtype).total
    except (ImportError, OSError, SvlmError):
        return ""
    return f", {needed / 2**30:.1f} GiB of memory on {device} for one stream"


def _cache() -> Finding:
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE)
    existing = next(path for path in (folder, *folder.parents) if path.is_dir())
    free = f"{shutil.disk_usage(existing).free / 1e9:.0f} GB free"
    return Finding("cache", State.OK, f"{folder}, {_size_bytes(folder) / 1e9:.1f} GB, {free} (HF_HOME moves it)")


def _size_bytes(folder: Path) -> int:
    """Bytes in ``folder``; the links that the cache is full of count for themselves."""
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # a download goes on meanwhile
                size += Path(parent, name).lstat().st_size
    return size
