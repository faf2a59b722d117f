"""Checks of the known models: which are here, what they take, and which one suits this machine. Loads none."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from svlm_cli.checkpoints import catalog, host, recommendation, recommendation_text, resolve
from svlm_cli.checkpoints.folder import size_bytes
from svlm_cli.checkpoints.recommendation import Assessment, Demand
from svlm_cli.core.errors import SvlmError
from svlm_cli.doctor.findings import CheckState, Finding
from svlm_cli.doctor.software import import_quietly

_GIB: Final = 1 << 30


def models() -> Iterator[Finding]:
    """The known ones, and which of them suits this machine."""
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
    told = f"{where}, {needed / _GIB:.2g} GiB of memory on {device} for one stream"
    if free is None or needed <= free:
        return Finding(name, CheckState.OK, told)
    smaller = "--dtype bfloat16 takes half, a" if dtype.itemsize == 4 else "A"  # loading in eight bits takes no less
    advice = f"{smaller} lower --fps a little less; or stop what else uses it."
    return Finding(name, CheckState.WARNING, f"{told}, where {free / _GIB:.1f} GiB are free", advice)
