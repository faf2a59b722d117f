"""A recommendation as text: the machine, what fits, how fast it is, what to do; and as JSON."""

from collections.abc import Sequence
from typing import Any, Final

from svlm_cli.checkpoints import catalog, guide
from svlm_cli.checkpoints.guide import MeasuredSpeed, Purpose
from svlm_cli.checkpoints.host import Host
from svlm_cli.checkpoints.recommendation import Assessment, AutoChoice, Fit, gigabytes
from svlm_cli.core.text import presentable

COLUMNS: Final = ("NAME", "FITS", "MEMORY", "MEASURED SPEED", "HERE", "GOOD AT", "COMMAND")
_NONE: Final = "None of the known models can run on this machine as it is."
_CAVEATS: Final = {
    Purpose.GENERAL: "How well it captions live video has not been measured.",
    Purpose.MOTION: "No model that can name things fits.",
    Purpose.DEMONSTRATION: "No model that was trained on real footage fits.",
}


def headline(best: Assessment | None) -> tuple[str, str]:
    """The recommendation with the model's strength, and the command, as a line of ``svlm doctor``."""
    if best is None:
        return _NONE, "`svlm models recommend` says why."
    candidate = best.candidate
    caveat = _CAVEATS.get(candidate.guide.purpose, "")
    size = f" ({gigabytes(candidate.download_bytes)})" if candidate.download_bytes else ""
    way = "Use it" if candidate.present else f"Fetch it{size}"
    return f"{candidate.name}: {candidate.summary} {caveat}".rstrip(), f"{way}: {best.command}"


def default_line(name: str) -> str:
    """What users should know who have named no model, and hear the one called `name`."""
    introduction = guide.read(catalog.find(name).folder).introduction
    return f"{name} speaks{f': {introduction}' if introduction else '.'}"


def auto_line(choice: AutoChoice) -> str:
    """Which model `auto` takes, and a better one that would fit."""
    taken = choice.taken
    told = f"auto takes {taken.candidate.name}: {taken.candidate.summary}"
    if taken.fits is not Fit.YES:
        told = f"{told} {taken.why}"
    if choice.better is None:
        return told
    better = choice.better.candidate
    size = f" ({gigabytes(better.download_bytes)})" if better.download_bytes else ""
    return f"{told} A better one, {better.name}{size}, would fit: {choice.better.command}"


def advice(best: Assessment | None, *, live: bool) -> str:
    """The headline and the reasons, as one text."""
    told, way = headline(best)
    if best is None:
        return f"{told} {way}"
    doubt = ""
    if live and best.here is None:
        doubt = f" Whether it keeps up here, `svlm bench latency --model {best.candidate.name}` says once it is here."
    return f"Recommended: {told} {best.why} Speed: {_speed(best)}.{doubt} {way}"


def cells(one: Assessment) -> tuple[str, ...]:
    """A row of the table with `COLUMNS`."""
    candidate = one.candidate
    return (candidate.name, one.fits, _memory(one), _cell(one), _here(one), candidate.summary, one.command)


def machine_line(machine: Host) -> str:
    """The machine that the table is for, in one line."""
    spot = machine.roomiest()
    if spot.on_cpu:
        free = "unknown" if spot.free_bytes is None else gigabytes(spot.free_bytes)
        told = f"No GPU: {spot.cores} CPU cores, memory free: {free}"
    else:
        free = "memory unknown" if spot.free_bytes is None else f"{gigabytes(spot.free_bytes)} free"
        others = f", the roomiest of {len(machine.gpus)} GPUs" if len(machine.gpus) > 1 else ""
        told = f"{spot.name} (cuda:{spot.gpu}), {free}{others}"
    disk = "unknown" if machine.disk_bytes is None else gigabytes(machine.disk_bytes)
    return f"{told}; disk free for models: {disk}"


def _memory(one: Assessment) -> str:
    return ", ".join(f"{gigabytes(need)} {dtype}" for dtype, need in one.needs) or "unknown"


def _nearest(one: Assessment) -> MeasuredSpeed | None:
    """The measurement on this hardware, else on the same kind, else on any. Not extrapolated."""
    same_kind = (speed for speed in one.speeds if speed.on_cpu == one.spot.on_cpu)
    return one.here or next(same_kind, None) or next(iter(one.speeds), None)


def _cell(one: Assessment) -> str:
    """A speed, briefly."""
    speed = _nearest(one)
    if speed is None:
        return "not measured"
    rate = "" if speed.fps == one.fps else f" at {speed.fps:g} FPS"
    return f"{_times(speed)} x{rate} on {speed.where}{'' if speed is one.here else ', not here'}"


def _speed(one: Assessment) -> str:
    """A speed in a sentence, with its conditions."""
    speed = _nearest(one)
    if speed is None:
        return "not measured"
    told = f"{_times(speed)} x real time at {speed.fps:g} FPS in {speed.dtype}, measured on {speed.where}"
    how = f" ({speed.how})" if speed.how else ""
    return f"{told}{how}{'' if speed is one.here else '; here not measured'}"


def _times(speed: MeasuredSpeed) -> str:
    return f"{speed.times_real_time:.{0 if speed.times_real_time >= 10 else 1}f}"


def _here(one: Assessment) -> str:
    candidate = one.candidate
    if candidate.embedded:
        return "comes with svlm"
    if candidate.present:
        return "yes"
    if candidate.begun_bytes:
        return f"begun: {gigabytes(candidate.begun_bytes)} of {gigabytes(candidate.download_bytes)}"
    return "no"


def document(machine: Host, assessed: Sequence[Assessment], best: Assessment | None, *, live: bool) -> dict[str, Any]:
    """As JSON."""
    spot = machine.roomiest()
    return {
        "machine": {
            "gpus": [
                {
                    "device": f"cuda:{one.index}",
                    "name": one.name,
                    "total_bytes": one.total_bytes,
                    "free_bytes": one.free_bytes,
                }
                for one in machine.gpus
            ],
            "cores": machine.cores,
            "ram_free_bytes": machine.ram_bytes,
            "cache": machine.cache,
            "disk_free_bytes": machine.disk_bytes,
            "notes": [presentable(note) for note in machine.notes],
        },
        "device": "cpu" if spot.on_cpu else f"cuda:{spot.gpu}",
        "models": [_row(one) for one in assessed],
        "recommended": None if best is None else best.candidate.name,
        "sentence": presentable(advice(best, live=live)),
        "command": None if best is None else best.command,
    }


def _row(one: Assessment) -> dict[str, Any]:
    candidate = one.candidate
    return {
        "name": candidate.name,
        "fits": one.fits,
        "why": presentable(one.why),
        "purpose": candidate.guide.purpose,
        "good_at": candidate.summary,
        "licence": candidate.licence,
        "fps": one.fps,
        "dtype": one.dtype,
        "memory_bytes": {str(dtype): need for dtype, need in one.needs},
        "speeds": [
            {
                "times_real_time": round(speed.times_real_time, 2),
                "hardware": speed.where,
                "dtype": speed.dtype,
                "fps": speed.fps,
                "how": speed.how,
                "source": speed.source,
                "like_this_machine": speed is one.here,
            }
            for speed in one.speeds
        ],
        "present": candidate.present,
        "download_bytes": candidate.download_bytes or None,
        "begun_bytes": candidate.begun_bytes,
        "command": one.command,
    }
