"""Shows simulated footage to a model. Knows no engine and no word."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from svlm_cli.evals.world import Rounds
from svlm_cli.simulator.footage.footage import EndlessFootage
from svlm_cli.simulator.footage.photos import read_photos
from svlm_cli.simulator.footage.pictures import PictureBank
from svlm_cli.simulator.footage.render import MODEL_SIZE, render
from svlm_cli.simulator.footage.scenes import FootageScenes


@dataclass(frozen=True, slots=True)
class FootagePlayer:
    """Footage made of the photos in a folder, or only of patterns."""

    photos: str = ""

    @staticmethod
    def of(photos: Path | None) -> "FootagePlayer":
        """Raises `InputError` if the photos cannot be read; the processes that draw could not say it."""
        if photos is None:
            return FootagePlayer()
        read_photos(photos)
        return FootagePlayer(str(photos.absolute()))

    @property
    def size(self) -> tuple[int, int]:
        """See `Player`."""
        return MODEL_SIZE

    def context(self, seed: int) -> str:  # noqa: ARG002 - there is no prior knowledge
        """See `Player`."""
        return ""

    def rounds(self, seeds: Sequence[int], seconds: float, moments: NDArray[np.float64]) -> Rounds:
        """See `Player`."""
        pictures = PictureBank.make(read_photos(Path(self.photos)) if self.photos else ())
        footages = [EndlessFootage(seed) for seed in seeds]
        for round_ in itertools.count():
            times_s = round_ * seconds + moments
            scenes = FootageScenes.join([footage.scenes(times_s) for footage in footages])
            drawn = render(scenes, pictures, MODEL_SIZE)
            yield drawn.reshape(len(footages), len(moments), *MODEL_SIZE, 3)
