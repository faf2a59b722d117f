"""Simulated footage as pictures, stretch by stretch, and as a log of JSON lines. Does not know where files go."""

import json
import math
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from svlm_cli.core.types import Picture
from svlm_cli.evals.match_files import Stretch
from svlm_cli.simulator.footage.events import SeenEvent
from svlm_cli.simulator.footage.footage import EndlessFootage
from svlm_cli.simulator.footage.photos import read_photos
from svlm_cli.simulator.footage.pictures import PictureBank
from svlm_cli.simulator.footage.render import render
from svlm_cli.simulator.footage.speech import words

SIZE: Final = (360, 648)  # nearly 16:9


@dataclass(frozen=True, slots=True, eq=False)
class FootageRecording:
    """Footage as `Recording` has it."""

    footage: EndlessFootage
    bank: PictureBank

    @staticmethod
    def of(seed: int, photos: Path | None) -> "FootageRecording":
        """Footage made of the photos in a folder, or only of patterns. `InputError` if they cannot be read."""
        pictures = () if photos is None else read_photos(photos)
        return FootageRecording(EndlessFootage(seed), PictureBank.make(pictures))

    @property
    def size(self) -> tuple[int, int]:
        """See `Recording`."""
        return SIZE

    @property
    def context(self) -> str:
        """See `Recording`."""
        return ""

    def pictures(self, stretch: Stretch, fps: int) -> Picture:
        """See `Recording`."""
        first, last = (math.ceil(time_s * fps - 1e-9) for time_s in stretch)
        return render(self.footage.scenes(np.arange(first, last) / fps), self.bank, SIZE)

    def event_lines(self, stretch: Stretch) -> str:
        """See `Recording`. What does not apply to an event is left out."""
        start_s, end_s = stretch
        begun = (one for one in self.footage.log(start_s, end_s).events if start_s <= one.start_s < end_s)
        return "".join(f"{json.dumps(_row(one))}\n" for one in begun)

    def said(self, stretch: Stretch) -> dict[int, str]:
        """See `Recording`."""
        spoken: dict[int, str] = defaultdict(str)
        for word in words(self.footage, *stretch):
            spoken[word.second] += f" {word.text}"
        return spoken


def _row(event: SeenEvent) -> dict[str, object]:
    row = {name: value for name, value in asdict(event).items() if value not in ("", None)}
    return row if event.speed else {name: value for name, value in row.items() if name != "speed"}
