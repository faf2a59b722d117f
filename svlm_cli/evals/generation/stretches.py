"""What is to be commented on: stretches of videos. Knows no model."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a video that is to be commented on."""

    video: str  # as predictions name it: ``ID.mp4``; of an event: its video
    path: Path
    start_s: float
    end_s: float
    context: str  # previous text
    title: str = ""
    event_id: str = ""  # of LiveSports
