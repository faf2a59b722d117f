"""Machines that are made up, and models: what recommendations are tried on."""

from svlm_cli.checkpoints.guide import Guide, MeasuredSpeed, MemoryNeed, Precision, Purpose
from svlm_cli.checkpoints.host import Gpu, Host
from svlm_cli.checkpoints.recommendation import Candidate

GB = 10**9
H200 = Gpu(0, "NVIDIA H200", 150 * GB, 149 * GB)
LAPTOP = Host((), cores=8, ram_bytes=64 * GB, cache="/cache", disk_bytes=500 * GB)


def host_with(*gpus: Gpu, disk_gb: float | None = 500, ram_gb: float | None = 64) -> Host:
    """A machine with these GPUs."""
    ram, disk = (None if one is None else round(one * GB) for one in (ram_gb, disk_gb))
    return Host(gpus, cores=8, ram_bytes=ram, cache="/cache", disk_bytes=disk)


def gpu(free_gb: float | None, *, index: int = 0, name: str = "NVIDIA L4", total_gb: float | None = None) -> Gpu:
    """One of which that much is free."""
    free, total = (None if one is None else round(one * GB) for one in (free_gb, total_gb))
    return Gpu(index, name, total, free)


def model(
    name: str,
    purpose: Purpose,
    gb: float,
    *,
    seconds: float | None = 0.1,
    on_cpu: bool = False,
    present: bool = False,
    embedded: bool = False,
    download_gb: float = 0.0,
    begun_gb: float = 0.0,
) -> Candidate:
    """One that takes so much memory at 2 FPS, a tenth more in eight bits and twice as much in float32."""
    rows = ((Precision.BFLOAT16, gb), (Precision.FP8, gb * 1.1), (Precision.FLOAT32, gb * 2))
    speed: tuple[MeasuredSpeed, ...] = ()
    if seconds is not None:
        kind, dtype = ("CPU", Precision.FLOAT32) if on_cpu else ("NVIDIA H200", Precision.BFLOAT16)
        speed = (MeasuredSpeed(kind, dtype, 2.0, seconds, "README.md", cores=2 if on_cpu else 0),)
    return Candidate(
        name,
        f"What {name} is good at.",
        "MIT",
        Guide(purpose, memory=tuple(MemoryNeed(dtype, 2.0, size) for dtype, size in rows), speed=speed),
        present=present or embedded,
        embedded=embedded,
        download_bytes=round(download_gb * GB),
        begun_bytes=round(begun_gb * GB),
    )


SPEAKER = model("speaker", Purpose.COMMENTARY, 18, download_gb=16)
BIG_BASE = model("big-base", Purpose.GENERAL, 18, download_gb=16)
SMALL_BASE = model("small-base", Purpose.GENERAL, 8, download_gb=7)
GAME = model("game", Purpose.DEMONSTRATION, 0.03, on_cpu=True, embedded=True)
MODELS = (BIG_BASE, GAME, SMALL_BASE, SPEAKER)
