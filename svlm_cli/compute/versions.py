"""The versions that figures depend on besides the machine: svlm's, and of what it computes with. Needs no torch."""

import platform
import shutil
import subprocess
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from svlm_cli.core.process import run
from svlm_cli.core.version import __version__

_COMPUTING: Final = ("torch", "triton", "flash-attn-4", "flash-attn")


def versions(cuda: str | None) -> dict[str, str]:
    """What is there of it; `cuda` is what torch was built for."""
    found = {"svlm": __version__, "python": platform.python_version()}
    for distribution in _COMPUTING:
        with suppress(PackageNotFoundError):
            found[distribution] = version(distribution)
    if cuda is not None:
        found["cuda"] = cuda
    if driver := driver_version():
        found["driver"] = driver
    return found


def driver_version() -> str:
    """The version of NVIDIA's driver; empty if there is none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    try:
        done = run([program, "--query-gpu=driver_version", "--format=csv,noheader"], timeout_s=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace").partition("\n")[0].strip()
