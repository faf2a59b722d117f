"""Checks for packages that only some recipes need, before anything is loaded."""

from importlib.util import find_spec

from svlm_cli.core.errors import UsageError
from svlm_cli.training.parts import Quantisation
from svlm_cli.training.recipe import OptimizerMoments, Recipe


def require_packages(recipe: Recipe) -> None:
    """`UsageError` if one of them is not installed."""
    adapter, moments = recipe.adapter, recipe.optimisation.moments
    for wanted, name, why in (
        (adapter.used, "peft", "[adapter]"),
        (adapter.quantize is not Quantisation.NONE, "bitsandbytes", f'adapter.quantize = "{adapter.quantize}"'),
        (moments is not OptimizerMoments.FLOAT32, "bitsandbytes", f'optimisation.moments = "{moments}"'),
    ):
        if wanted and find_spec(name) is None:
            raise UsageError(f"{why} needs {name}.", "Install svlm-cli[train].")
