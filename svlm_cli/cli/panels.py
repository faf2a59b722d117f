"""The panels that ``--help`` and the manual show options in; each option is made by its own."""

from enum import StrEnum
from typing import Any

import typer


class Panel(StrEnum):
    """Shown in the order in which a command's options are declared."""

    INPUT = "Input"
    OUTPUT = "Output"
    MODEL = "Model"
    COMMENTARY = "Commentary"
    SUBTITLES = "Subtitles"
    COPIES = "Video with words"
    CAMERAS = "Cameras"
    MATCH = "Match"
    WINDOWS = "Windows"
    PLANNING = "Planning"
    MEASURING = "Measuring"
    OTHER = "Options"  # Typer's own, where --help is

    def option(self, *names: str, **settings: Any) -> Any:
        """An option of this panel, as `typer.Option` makes it; without names it is called like its parameter."""
        return typer.Option(*names, rich_help_panel=self, **settings)
