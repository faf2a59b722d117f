"""``svlm train --dry-run``: what a run would take, as a table or for programs. The counting is in ``training/``."""

from typing import TYPE_CHECKING, Final

import typer

from svlm_cli.commands.messages import sentence
from svlm_cli.commands.tables import add_rows, print_json, table_console

if TYPE_CHECKING:
    from svlm_cli.training.forecast import Forecast
    from svlm_cli.training.recipe import Recipe

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


def tell_forecast(recipe: "Recipe", *, gpus: int, tflops: float, as_json: bool, quiet: bool) -> None:
    """Makes some windows of the recipe, and prints what all of them would take on so many GPUs."""
    from svlm_cli.training.forecast import forecast
    from svlm_cli.training.log import to_nobody, to_stderr

    found = forecast(recipe, gpus=gpus, say=to_nobody if quiet else to_stderr)
    if as_json:
        print_json(found.to_json(tflops))
    else:
        _print(found, tflops)
    if found.notice and not quiet:
        typer.echo(sentence(found.notice), err=True)


def _print(found: "Forecast", tflops: float) -> None:
    from rich.table import Table

    table = Table(box=None, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    add_rows(table, [*_of_data(found), *_of_work(found, tflops), *_of_memory(found)])
    table_console().print(table)


def _of_data(found: "Forecast") -> list[tuple[str, str]]:
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


def _of_work(found: "Forecast", tflops: float) -> list[tuple[str, str]]:
    gpus = "1 GPU" if found.gpus == 1 else f"{found.gpus} GPUs"
    times, windows = found.validation.times, found.validation.windows
    told = f"and, {times:,} times, {windows:,} windows of validation (videos apart)"
    validation = [(told, f"{found.validation_hours(tflops):,.3g}")] if times else []
    return [
        ("model FLOPs a step", f"{found.flops_per_step / 1e12:,.3g} T"),
        (f"hours, if each of {gpus} reaches {tflops:g} TFLOP/s", f"{found.hours(tflops):,.3g}"),
        *validation,
    ]


def _of_memory(found: "Forecast") -> list[tuple[str, str]]:
    parts = [(f"  {name}", getattr(found.budget, part)) for part, name in _PARTS.items()]
    return [
        ("memory of a GPU, at the peak", f"{found.budget.total / _GB:,.2f} GB"),
        *((name, f"{size / _GB:,.2f} GB") for name, size in parts if size),
    ]
