"""The machine's resources: GPUs, memory, and free disk space where models are stored.

Asks nvidia-smi and the system, because importing torch takes seconds; what cannot be found out is unknown, with a
sentence about it. Knows no model. `Host` is plain data, so tests can make up machines.
"""

import csv
import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from svlm_cli.core.process import run

_QUERY: Final = "index,uuid,name,memory.total,memory.free"
_MIB: Final = 1 << 20
_TIMEOUT_S: Final = 20.0
_MOVE_IT: Final = "Set HF_HOME to a folder of your own."
_LIMITS: Final = (  # per cgroup version: limit, usage, and reclaimable usage
    ("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU visible to torch, with its number in `--device cuda:N`."""

    index: int
    name: str
    total_bytes: int | None = None
    free_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a model would run: a GPU, or the CPU."""

    name: str
    gpu: int | None = None
    total_bytes: int | None = None
    free_bytes: int | None = None
    cores: int = 0

    @property
    def on_cpu(self) -> bool:
        """Whether it is the CPU."""
        return self.gpu is None


@dataclass(frozen=True, slots=True)
class Host:
    """A machine. None means unknown."""

    gpus: tuple[Gpu, ...] = ()
    cores: int = 1
    ram_bytes: int | None = None  # available now
    cache: str = ""  # the folder for downloaded models
    disk_bytes: int | None = None  # free space there
    notes: tuple[str, ...] = ()  # problems, and what could not be found out, one sentence each

    def roomiest(self) -> Spot:
        """The GPU with the most free memory, else the CPU."""
        if not self.gpus:
            return self.cpu()
        return _spot(max(self.gpus, key=lambda one: (one.free_bytes or 0, -one.index)))

    def spot(self, device: str) -> Spot:
        """The meaning of `--device` here: `auto` is the first GPU if there is one, as in torch."""
        kind, _, number = device.partition(":")
        if kind == "cpu" or not self.gpus:
            return self.cpu()
        index = int(number) if number.isdecimal() else 0
        return next((_spot(one) for one in self.gpus if one.index == index), Spot(device, gpu=index))

    def cpu(self) -> Spot:
        """The CPU."""
        return Spot("the CPU", None, None, self.ram_bytes, self.cores)


def _spot(gpu: Gpu) -> Spot:
    return Spot(gpu.name, gpu.index, gpu.total_bytes, gpu.free_bytes)


def look_around() -> Host:
    """The machine that svlm runs on."""
    gpus, gpu_notes = _gpus()
    cache, disk_bytes, disk_notes = _disk()
    return Host(gpus, _cores(), available_bytes(Path("/")), cache, disk_bytes, (*gpu_notes, *disk_notes))


def _gpus() -> tuple[tuple[Gpu, ...], tuple[str, ...]]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return (), ()
    try:
        done = run([program, f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"], timeout_s=_TIMEOUT_S)
    except (OSError, subprocess.SubprocessError):
        return (), ("nvidia-smi does not answer, so no GPU is counted: `svlm doctor` says what torch finds.",)
    text = done.stdout.decode(errors="replace")
    if done.returncode:
        reason = (text.strip().splitlines() or ["no reason given"])[0]
        return (), (f"nvidia-smi fails, so no GPU is counted: {reason}",)
    gpus = gpus_of(text, os.environ.get("CUDA_VISIBLE_DEVICES"))
    if gpus and _is_for_cpus():
        return (), (f"There is a GPU, {gpus[0].name}, but this torch is for CPUs only: `svlm doctor` says more.",)
    if len({one.name for one in gpus}) > 1 and os.environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID":
        return gpus, ("The GPUs differ: CUDA may count them in another order, unless CUDA_DEVICE_ORDER=PCI_BUS_ID.",)
    return gpus, ()


def gpus_of(text: str, visible: str | None) -> tuple[Gpu, ...]:
    """Parse nvidia-smi's lines: the GPUs in `visible`, the value of CUDA_VISIBLE_DEVICES, in its order."""
    found: list[tuple[str, str, str, int | None, int | None]] = []
    for row in csv.reader(text.splitlines(), skipinitialspace=True):
        if len(row) == len(_QUERY.split(",")):
            index, uuid, name, total, free = (cell.strip() for cell in row)
            found.append((index, uuid, name, _bytes(total), _bytes(free)))
    if visible is not None:
        found = _visible(found, [name.strip() for name in visible.split(",")])
    return tuple(Gpu(number, name, total, free) for number, (_, _, name, total, free) in enumerate(found))


def _visible(
    found: Sequence[tuple[str, str, str, int | None, int | None]], names: Sequence[str]
) -> list[tuple[str, str, str, int | None, int | None]]:
    """CUDA's rule: the list ends at the first invalid name."""
    kept = []
    for name in names:
        match = next((one for one in found if name and (one[0] == name or one[1].startswith(name))), None)
        if match is None:
            break
        kept.append(match)
    return kept


def _bytes(mebibytes: str) -> int | None:
    """None for `[N/A]`, if GPU and CPU share memory, or the driver does not tell."""
    return int(mebibytes) * _MIB if mebibytes.isdecimal() else None


def _is_for_cpus() -> bool:
    try:
        return version("torch").endswith("+cpu")
    except PackageNotFoundError:
        return False


def _cores() -> int:
    """The number that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def available_bytes(root: Path) -> int | None:
    """Available memory: the system's, or the rest of a container's limit, if that is less."""
    found = []
    with suppress(OSError, ValueError, IndexError):
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
        found += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    for place, most, held, unused in _LIMITS:
        with suppress(OSError, ValueError):  # no limit: `max`
            folder = root / place
            limit, taken = (int((folder / name).read_text(encoding="ascii")) for name in (most, held))
            found.append(max(limit - taken + _counted(folder / "memory.stat", unused), 0))
    return min(found, default=None)


def _counted(path: Path, key: str) -> int:
    """A number in memory.stat: file cache, for example of a model, is freed when memory is needed."""
    with suppress(OSError, ValueError):
        lines = (line.split() for line in path.read_text(encoding="ascii").splitlines())
        return next((int(words[1]) for words in lines if len(words) == 2 and words[0] == key), 0)
    return 0


def _disk() -> tuple[str, int | None, tuple[str, ...]]:
    """The folder for downloaded models, its free space, and any problems."""
    try:
        from huggingface_hub import constants
    except ImportError as error:
        return "", None, (f"Nothing can be fetched: {error}.",)
    return room_of(Path(constants.HF_HUB_CACHE))


def room_of(cache: Path) -> tuple[str, int | None, tuple[str, ...]]:
    """As `_disk`, for any folder, which need not exist."""
    if os.path.lexists(cache) and not os.path.isdir(cache):  # noqa: PTH112 - Path.is_dir raises without permission
        return str(cache), None, (f"{cache}, where models are kept, is not a folder. {_MOVE_IT}",)
    existing = next((path for path in (cache, *cache.parents) if os.path.isdir(path)), Path.cwd())  # noqa: PTH112
    notes = []
    if existing == cache and not os.access(cache, os.R_OK | os.X_OK):
        notes.append(f"{cache}, where models are kept, cannot be read: what is there is not known. {_MOVE_IT}")
    elif not os.access(existing, os.W_OK):
        notes.append(f"{cache}, where models are kept, cannot be written. {_MOVE_IT}")
    try:
        return str(cache), shutil.disk_usage(existing).free, tuple(notes)
    except OSError as error:
        return str(cache), None, (*notes, f"How much room {cache} has is not known: {error.strerror}.")
