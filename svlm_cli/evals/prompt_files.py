"""Locates the prompts in ``evals/prompts/``. Does not know their contents."""

from pathlib import Path
from typing import Final

_OURS: Final = Path(__file__).resolve().parent / "prompts"


def prompts_file(name: str) -> Path:
    """The path of the file."""
    return _OURS / f"{name}.toml"
