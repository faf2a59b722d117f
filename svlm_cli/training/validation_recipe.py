"""The table ``[validation]`` of a recipe: which data is held out, and how it is used. No torch here."""

from dataclasses import dataclass

from svlm_cli.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class ValidationRecipe:
    """Held-out windows for the loss, and videos to caption. Off by default."""

    every: int = 0  # in steps, and after the last one; 0: never
    files: tuple[str, ...] = ()  # annotation files, read like those for training
    seed: int = 1  # of simulated matches; must differ from data.seed
    windows: int = 64  # at most; the same every time
    videos: int = 1  # to caption freely, as by `svlm caption`, but greedily
    video_seconds: int = 60  # per video, at most

    def __post_init__(self) -> None:
        for name, least in (("every", 0), ("seed", 0), ("windows", 1), ("videos", 0), ("video_seconds", 1)):
            value = getattr(self, name)
            if value < least:
                raise UsageError(f"{name} must be {least} or more, not {value}.")
        if self.files and not self.used:
            raise UsageError("every is missing: it says after how many steps to validate.")

    def is_due(self, step: int, steps: int) -> bool:
        """Whether to validate after `step` of `steps`."""
        return self.used and (step % self.every == 0 or step == steps)

    def times(self, steps: int) -> int:
        """How often it runs."""
        return -(-steps // self.every) if self.used else 0

    @property
    def used(self) -> bool:
        """Whether it is on."""
        return self.every > 0
