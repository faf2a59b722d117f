"""Checks of software: Python, ffmpeg, torch and what goes with it. Uses no network."""

import os
import platform
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

from svlm_cli.compute.versions import driver_version
from svlm_cli.core.errors import SvlmError
from svlm_cli.core.process import run
from svlm_cli.core.version import __version__
from svlm_cli.doctor.findings import CheckState, Finding
from svlm_cli.media import ffmpeg
from svlm_cli.media.network import SCHEMES

if TYPE_CHECKING:
    from svlm_cli.compute import flash

_DECODERS: Final = ("h264", "hevc", "vp9", "av1", "mpeg4", "mjpeg")
_SOURCES: Final = ("hls", *dict.fromkeys(one.needs for one in SCHEMES.values()))  # demuxers or protocols


def software() -> Iterator[Finding]:
    """All of it, in the order of the report."""
    yield Finding("svlm", CheckState.OK, __version__)
    yield _system()
    yield Finding("python", CheckState.OK, f"{platform.python_version()} at {sys.executable}")
    found = _ffmpeg()
    yield found
    if found.state is CheckState.OK:
        yield _codecs(ffmpeg.find_ffmpeg().path)
    torch = module("torch", "torch")
    yield torch
    if torch.state is CheckState.OK:
        yield _device()
        yield _attention()
    yield _extra("triton", ["triton"], "GPUs need it for svlm's own kernels; torch for CUDA brings it.")
    yield _extra(
        "flash-attn",
        ["flash-attn-4", "flash-attn"],
        "It makes reading frames faster: `pip install --pre flash-attn-4` for a Hopper GPU or a later one, "
        "`pip install 'svlm-cli[flash]'` for others.",
    )
    yield module("transformers", "transformers")
    install = "`pip install 'svlm-cli[train]'`."
    yield _extra("peft", ["peft"], f"`svlm train` needs it for adapters: {install}")
    yield _extra("bitsandbytes", ["bitsandbytes"], f"`svlm train` needs it for four bits and 8-bit moments: {install}")
    yield _decord()


def _system() -> Finding:
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        name = ""
    told = [f"{platform.system()} {platform.release()} on {platform.machine()}", name, f"{os.cpu_count()} cores"]
    return Finding("system", CheckState.OK, ", ".join(filter(None, told)))


def _codecs(program: str) -> Finding:
    """Which videos and cameras this ffmpeg can read, of those that people have."""
    try:
        decoders = _listed(program, "-decoders", r"^ V\S{5} (\S+)")
        demuxers = _listed(program, "-demuxers", r"^ D\S* +(\S+)")
        protocols = _listed(program, "-protocols", r"^  (\S+)")
        filters = _listed(program, "-filters", r"^ \S{3} (\S+)")
    except (OSError, subprocess.SubprocessError):
        return Finding("codecs", CheckState.WARNING, "ffmpeg does not list what it can read.", "Install ffmpeg again.")
    lacks = [name for name in _DECODERS if name not in decoders and f"lib{name}" not in " ".join(decoders)]
    lacks += [name for name in _SOURCES if name not in demuxers | protocols]
    lacks += [] if "subtitles" in filters else ["libass (--burn-in)"]
    has = ", ".join(name for name in (*_DECODERS, *_SOURCES) if name not in lacks)
    if not lacks:
        return Finding("codecs", CheckState.OK, f"ffmpeg reads {has}, and draws words")
    needed = "h264" in lacks
    return Finding(
        "codecs",
        CheckState.WARNING if needed else CheckState.OPTIONAL,
        f"ffmpeg reads {has}; it lacks {', '.join(lacks)}.",
        "If you need those, install a complete ffmpeg (Debian: apt install ffmpeg).",
    )


def _listed(program: str, what: str, pattern: str) -> set[str]:
    text = run([program, "-hide_banner", what], timeout_s=20, check=True).stdout.decode(errors="replace")
    return {name for names in re.findall(pattern, text, re.MULTILINE) for name in names.split(",")}


def _ffmpeg() -> Finding:
    try:
        program = ffmpeg.find_ffmpeg()
        return Finding("ffmpeg", CheckState.OK, f"{program.version()} at {program.path}")
    except SvlmError as error:
        return Finding("ffmpeg", CheckState.MISSING, error.message, error.hint)


def module(name: str, distribution: str) -> Finding:
    """A package that can be imported, or not."""
    try:
        import_quietly(name)
    except (ImportError, OSError) as error:  # OSError: a library of its own does not load
        return Finding(
            name, CheckState.MISSING, f"It cannot be imported: {error}", f"Run `pip install {distribution}`."
        )
    return Finding(name, CheckState.OK, version(distribution))


def import_quietly(name: str) -> Any:
    """A module, without the warnings that it has for programmers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module(name)


def _device() -> Finding:
    torch = import_quietly("torch")
    threads = f"{torch.get_num_threads()} threads"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # with a driver that is too old, there is no device either
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not count:
        return _no_device(torch.version.cuda, threads)
    devices = [torch.cuda.get_device_properties(index) for index in range(count)]
    names = (f"cuda:{index} {one.name}, {one.total_memory / 2**30:.0f} GiB" for index, one in enumerate(devices))
    driver = driver_version()
    with_driver = f"driver {driver}, " if driver else ""
    return Finding(
        "device", CheckState.OK, f"{'; '.join(names)}; {with_driver}CUDA {torch.version.cuda}; CPU, {threads}"
    )


def _no_device(cuda: str | None, threads: str) -> Finding:
    told, driver = f"No CUDA device: models run on the CPU, {threads}.", driver_version()
    if not driver:
        return Finding("device", CheckState.OPTIONAL, told)
    if cuda is None:
        advice = "This torch is for CPUs only: install one for CUDA, see https://pytorch.org/get-started."
    else:
        advice = f"This torch wants CUDA {cuda}: update the driver, or install a torch for an older CUDA."
    return Finding(
        "device", CheckState.WARNING, f"There is a GPU (driver {driver}) that torch cannot use. {told}", advice
    )


def _extra(name: str, distributions: Sequence[str], advice: str) -> Finding:
    """A package that is looked for and not imported, since to import it takes a GPU; any of those named does."""
    for distribution in distributions:
        try:
            return Finding(name, CheckState.OK, version(distribution))
        except PackageNotFoundError:
            continue
    return Finding(name, CheckState.OPTIONAL, "Not installed.", advice)


def _attention() -> Finding:
    """Which kernels there are to read new frames with, and which one `--attention auto` takes."""
    torch = import_quietly("torch")
    from svlm_cli.compute import flash

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        device = "cuda" if torch.cuda.is_available() else "cpu"
    where = torch.device(device)
    taken = flash.choose(flash.AttentionKernel.AUTO, where, torch.bfloat16)
    others = (one for one in flash.AttentionKernel if one not in (flash.AttentionKernel.AUTO, taken))
    told = (f"{one} {'can be used' if flash.usable(one, where, torch.bfloat16) else _why_not(one)}" for one in others)
    return Finding("attention", CheckState.OK, f"auto takes {taken} on {device}; {', '.join(told)}.")


def _why_not(kernel: "flash.AttentionKernel") -> str:
    from svlm_cli.compute import flash

    return "does not run here" if flash.installed(kernel) else "is not installed"


def _decord() -> Finding:
    found = module("decord", "decord")  # after torch: the other way round, one of the two may crash
    if found.state is CheckState.OK:
        told = f"{found.detail}; its own FFmpeg is 4.1.6 of 2020, and opens only what the ffmpeg above has identified."
        return replace(found, detail=told)
    return Finding(
        "decord",
        CheckState.OPTIONAL,
        "Not installed: `--decoder decord` is off, and ffmpeg reads everything.",
        found.advice,
    )
