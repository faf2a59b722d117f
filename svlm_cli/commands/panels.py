"""The panels that options are shown in, by ``--help`` and by the manual; each option names its own."""

from enum import StrEnum


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
