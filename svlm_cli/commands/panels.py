"""The panels that options are shown in, by ``--help`` and by the manual; each option is made by its own."""

from enum import StrEnum
from typing import Any

import typer


class Panel(StrEnum):
    """In the order in which they are shown."""

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
    OTHER = "Other"

    def option(self, *names: str, **settings: Any) -> Any:
        """An option of this panel, as `typer.Option` makes it; without names it is called like its parameter."""
        return typer.Option(*names, rich_help_panel=self, **settings)

    def argument(self, **settings: Any) -> Any:
        """An argument of this panel, as `typer.Argument` makes it."""
        return typer.Argument(rich_help_panel=self, **settings)
