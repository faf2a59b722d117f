"""Where the prompts in ``evals/prompts/`` are. Knows not what they say."""

from pathlib import Path
from typing import Final

_OURS: Final = Path(__file__).resolve().parent / "prompts"


def prompts_file(name: str) -> Path:
    """The file of that name."""
    return _OURS / f"{name}.toml"
