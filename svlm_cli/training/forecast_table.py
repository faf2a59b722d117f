"""A forecast as rows of a table: data, work, memory."""

from typing import Final

from svlm_cli.training.forecast import Forecast

_GB: Final = 1e9
_PARTS: Final = {
    "learned": "weights that are learned",
    "frozen": "weights that are not",
    "gradients": "gradients",
    "moments": "AdamW's moments",
    "activations": "activations",
    "passing": "logits, or a layer that is computed again",
    "gathered": "gathered from other GPUs",
    "runtime": "CUDA and what lies between",
}


def forecast_rows(found: Forecast, tflops: float) -> list[tuple[str, str]]:
    """All rows, for GPUs that reach this many model TFLOP/s."""
    return [*_of_data(found), *_of_work(found, tflops), *_of_memory(found)]


def _of_data(found: Forecast) -> list[tuple[str, str]]:
    window = found.window
    epochs = [] if found.windows_per_epoch is None else [("epochs", f"{found.epochs:.2f}")]
    return [
        ("parameters", f"{found.parameters / 1e6:,.1f} M"),
        ("of them learned", f"{found.learned_parameters / 1e6:,.1f} M"),
        ("steps", f"{found.steps:,}"),
        ("windows a step", f"{found.windows_per_step:,}"),
        *epochs,
        (f"tokens a window, of {found.sampled} that were made", f"{window.tokens:,.0f}"),
        ("of them visual", f"{window.visual:,.0f}"),
        ("of them learned", f"{window.learned:,.0f}"),
        ("tokens in all", f"{found.tokens / 1e6:,.1f} M"),
    ]


def _of_work(found: Forecast, tflops: float) -> list[tuple[str, str]]:
    gpus = "1 GPU" if found.gpus == 1 else f"{found.gpus} GPUs"
    times, windows = found.validation.times, found.validation.windows
    told = f"and, {times:,} times, {windows:,} windows of validation (videos apart)"
    validation = [(told, f"{found.validation_hours(tflops):,.3g}")] if times else []
    return [
        ("model FLOPs a step", f"{found.flops_per_step / 1e12:,.3g} T"),
        (f"hours, if each of {gpus} reaches {tflops:g} TFLOP/s", f"{found.hours(tflops):,.3g}"),
        *validation,
    ]


def _of_memory(found: Forecast) -> list[tuple[str, str]]:
    parts = [(f"  {name}", getattr(found.budget, part)) for part, name in _PARTS.items()]
    return [
        ("memory of a GPU, at the peak", f"{found.budget.total / _GB:,.2f} GB"),
        *((name, f"{size / _GB:,.2f} GB") for name, size in parts if size),
    ]
