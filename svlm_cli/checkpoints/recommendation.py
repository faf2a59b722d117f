"""Recommends a known model for a machine: whether it fits, how fast it is there, and the command to type.

Rules over data (`Host`, `Guide`), without disk or network, so any machine can be tested; only `candidates` checks which
models are on disk. Unknown facts count neither for nor against a model, and are mentioned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from svlm_cli.checkpoints import catalog, guide, hub, resolve
from svlm_cli.checkpoints.guide import Guide, MeasuredSpeed, Precision, Purpose
from svlm_cli.checkpoints.host import Host, Spot, look_around
from svlm_cli.core.errors import ModelError

AUTO: Final = "auto"
"""Used as a model's name: the best one that is on this machine."""

_ON_GPU: Final = (Precision.BFLOAT16, Precision.FP8)
_ON_CPU: Final = (Precision.FLOAT32,)
_GB: Final = 1e9


class Fit(StrEnum):
    """Whether a model can run."""

    YES = "yes"
    UNKNOWN = "unknown"  # the machine or the guide does not say enough
    NO = "no"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A known model, and how much of it is on this machine."""

    name: str
    summary: str
    licence: str
    guide: Guide
    fps: float = 2.0  # from its policy
    present: bool = False
    embedded: bool = False
    download_bytes: int = 0  # 0: unknown
    begun_bytes: int = 0  # of an incomplete download


@dataclass(frozen=True, slots=True)
class Demand:
    """Requirements. None: the model's own rate, the most suitable number format."""

    fps: float | None = None
    live: bool = False
    dtype: Precision | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """The assessment of one model on one machine."""

    candidate: Candidate
    spot: Spot
    fps: float
    fits: Fit
    why: str  # a sentence
    dtype: Precision  # to run in
    needs: tuple[tuple[Precision, int], ...]  # in bytes
    speeds: tuple[MeasuredSpeed, ...]  # in that format, or else in another; on any hardware
    own_rate: bool  # whether the model's own rate is used

    @property
    def here(self) -> MeasuredSpeed | None:
        """The speed measured on this hardware; None if there is none."""
        return next((one for one in self.speeds if _is_alike(one, self.spot)), None)

    @property
    def command(self) -> str:
        """The next command: to download the model, or to use it if it is here."""
        if not self.candidate.present:
            return f"svlm models pull {self.candidate.name}"
        words = ["svlm caption VIDEO --model", self.candidate.name]
        if self.spot.gpu:  # `auto` takes 0
            words.append(f"--device cuda:{self.spot.gpu}")
        if self.dtype is Precision.FP8:
            words.append("--dtype fp8")
        if not self.own_rate:
            words.append(f"--fps {self.fps:g}")
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class AutoChoice:
    """The meaning of `--model auto`: the model used, and a better one to download, if there is one."""

    taken: Assessment
    better: Assessment | None


def candidates() -> tuple[Candidate, ...]:
    """All known models. Checks the disk for each. Raises `ModelError` for an invalid catalog."""
    return tuple(map(candidate, catalog.names()))


def candidate(name: str) -> Candidate:
    """One of them. Raises `ModelError` if it is invalid."""
    entry = catalog.find(name)
    weights = entry.file.weights
    present = resolve.refer(entry.name).present() is not None
    return Candidate(
        entry.name,
        entry.file.model.summary,
        entry.file.model.licence,
        guide.read(entry.folder),
        entry.file.policy.vision.fps,
        present=present,
        embedded=entry.embedded,
        download_bytes=0 if entry.embedded else round(weights.size_gb * _GB),
        begun_bytes=0 if present or entry.embedded else hub.begun_bytes(weights.hub),
    )


def assess(model: Candidate, host: Host, spot: Spot, demand: Demand) -> Assessment:
    """Assess one model in one place of the machine."""
    fps = model.fps if demand.fps is None else demand.fps
    formats = (_ON_CPU if spot.on_cpu else _ON_GPU) if demand.dtype is None else (demand.dtype,)
    rows = [row for one in formats if (row := model.guide.need(one, fps)) is not None]
    needs = tuple((row.dtype, round(row.gb * _GB)) for row in rows)
    free = spot.free_bytes
    dtype = next((one for one, need in needs if free is not None and need <= free), formats[0])
    speeds = next(filter(None, (model.guide.speeds(one, fps) for one in (dtype, *Precision))), ())
    fits, why = _wants_gpu(model, spot, fps)
    if fits is Fit.YES:
        fits, why = _memory(needs, spot) if needs else _beyond(model, formats, spot, fps)
    for fit, reason in (_pace(speeds, spot, demand), _room(model, host)):
        if reason and fits is not Fit.NO:
            fits, why = fit, reason
    return Assessment(model, spot, fps, fits, why, dtype, needs, speeds, demand.fps is None)


def _wants_gpu(model: Candidate, spot: Spot, fps: float) -> tuple[Fit, str]:
    known = model.guide
    if not spot.on_cpu or not known.memory or any(one.on_cpu for one in known.speed):
        return Fit.YES, ""
    need = known.need(Precision.BFLOAT16, fps)
    size = f" with {gigabytes(need.gb * _GB)} of free memory" if need is not None else ""
    return (
        Fit.NO,
        f"It wants a GPU{size}: on a CPU every word needs a pass over all weights; its speed has not been measured.",
    )


def _memory(needs: Sequence[tuple[Precision, int]], spot: Spot) -> tuple[Fit, str]:
    dtype, least = min(needs, key=lambda one: one[1])
    told = f"{gigabytes(least)} of memory in {dtype}"
    if spot.free_bytes is None:
        return Fit.UNKNOWN, f"It takes {told}; how much {spot.name} has free is not known."
    if least <= spot.free_bytes:
        return Fit.YES, f"It takes {told}, and {spot.name} has {gigabytes(spot.free_bytes)} free."
    if spot.total_bytes is not None and least <= spot.total_bytes:
        return Fit.NO, (
            f"It takes {told}; {spot.name} has {gigabytes(spot.free_bytes)} free of "
            f"{gigabytes(spot.total_bytes)}: stop what else uses it."
        )
    return Fit.NO, f"It takes {told}, and {spot.name} has {gigabytes(spot.free_bytes)} free."


def _beyond(model: Candidate, formats: Sequence[Precision], spot: Spot, fps: float) -> tuple[Fit, str]:
    """At a rate above the guide's: memory is at least that of its highest rate."""
    rows = filter(None, map(model.guide.floor, formats))
    lowest = min(rows, key=lambda one: one.gb, default=None)
    told = f"How much memory it takes at {fps:g} FPS is not known"
    if lowest is None or spot.free_bytes is None or lowest.gb * _GB <= spot.free_bytes:
        return Fit.UNKNOWN, f"{told}."
    return Fit.NO, (
        f"{told}, but at {lowest.fps:g} it is {gigabytes(lowest.gb * _GB)}, and {spot.name} has "
        f"{gigabytes(spot.free_bytes)} free."
    )


def _pace(speeds: Sequence[MeasuredSpeed], spot: Spot, demand: Demand) -> tuple[Fit, str]:
    """Why it is too slow; empty if nothing is known against it."""
    alike = next((one for one in speeds if _is_alike(one, spot)), None)
    if demand.live and alike is not None and alike.times_real_time < 1:
        return Fit.NO, f"It is too slow for live video: {alike.times_real_time:.2g} x real time on {alike.where}."
    return Fit.YES, ""


def _room(model: Candidate, host: Host) -> tuple[Fit, str]:
    """Why it cannot be downloaded; empty if nothing is known against it."""
    left = max(model.download_bytes - model.begun_bytes, 0)
    if model.present or host.disk_bytes is None or left <= host.disk_bytes:
        return Fit.YES, ""
    return Fit.NO, (
        f"Its download of {gigabytes(left)} does not fit: {host.cache} has {gigabytes(host.disk_bytes)} free. "
        "Make room, or set HF_HOME to a folder on a larger disk."
    )


def _is_alike(speed: MeasuredSpeed, spot: Spot) -> bool:
    """Whether the hardware is equivalent: the same GPU, or a CPU of at least as many cores."""
    if speed.on_cpu:
        return spot.on_cpu and spot.cores >= speed.cores
    return not spot.on_cpu and speed.hardware == spot.name


def ranked(host: Host, models: Sequence[Candidate], demand: Demand, spot: Spot | None = None) -> tuple[Assessment, ...]:
    """All models, best first: those that fit, then those for real footage, then larger ones.

    Assessed for the GPU with the most free memory, unless `spot` is given.
    """
    where = host.roomiest() if spot is None else spot
    return tuple(sorted((assess(one, host, where, demand) for one in models), key=_rank))


def _rank(one: Assessment) -> tuple[int, int, int, str]:
    fits, purposes = list(Fit), list(Purpose)
    return (
        fits.index(one.fits),
        purposes.index(one.candidate.guide.purpose),
        -one.candidate.download_bytes,
        one.candidate.name,
    )


def recommended(assessed: Sequence[Assessment]) -> Assessment | None:
    """The best that fits, else the best for which that is unknown; None if none can run."""
    best = min(assessed, key=_rank, default=None)
    return None if best is None or best.fits is Fit.NO else best


def choose(host: Host, models: Sequence[Candidate], demand: Demand, device: str) -> AutoChoice:
    """The best model on this machine, for `--model auto`. Raises `ModelError` if none can run."""
    assessed = ranked(host, models, demand, host.spot(device))
    here = [one for one in assessed if one.candidate.present]
    taken = recommended(here)
    if taken is None:
        told = (f"{one.candidate.name}: {one.why}" for one in here)
        problem = (
            " ".join(("None of the models on this machine fits.", *told))
            if here
            else "No known model is on this machine."
        )
        raise ModelError(problem, "`svlm models recommend` says which would fit; --model NAME takes one all the same.")
    best = recommended([one for one in assessed if one.fits is Fit.YES])
    return AutoChoice(taken, best if best is not None and _rank(best) < _rank(taken) else None)


def choose_here(device: str, dtype: str, fps: float | None) -> AutoChoice:
    """The same for this machine, with `device` and `dtype` as their options name them."""
    there = look_around()
    usual = Precision.FLOAT32 if there.spot(device).on_cpu else Precision.BFLOAT16  # what --dtype auto loads
    precision = usual if dtype == AUTO else Precision(dtype)
    return choose(there, candidates(), Demand(fps, dtype=precision), device)


def gigabytes(size: float) -> str:
    """A size in a unit that allows comparison."""
    return f"{size / _GB:.1f} GB" if size >= _GB else f"{size / 1e6:.0f} MB"
