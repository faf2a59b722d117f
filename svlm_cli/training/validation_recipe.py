"""A recipe's table ``[validation]``: what is kept apart from learning, and what is done with it. No torch here."""

from dataclasses import dataclass

from svlm_cli.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class ValidationRecipe:
    """Held-out windows, of which the model tells its loss, and videos that it comments on. None, unless asked for."""

    every: int = 0  # steps; after the last one too. 0: never
    files: tuple[str, ...] = ()  # annotation files, read as those that are learned from
    seed: int = 1  # of a simulator's matches, another than data.seed
    windows: int = 64  # at most, the same each time
    videos: int = 1  # that are commented on freely, as by `svlm caption`, but greedily
    video_seconds: int = 60  # of each, at most

    def __post_init__(self) -> None:
        for name, least in (("every", 0), ("seed", 0), ("windows", 1), ("videos", 0), ("video_seconds", 1)):
            value = getattr(self, name)
            if value < least:
                raise UsageError(f"{name} must be {least} or more, not {value}.")
        if self.files and not self.used:
            raise UsageError("every is missing: after so many steps the files are used.")

    def is_due(self, step: int, steps: int) -> bool:
        """After a step of so many: after every so many, and after the last."""
        return self.used and (step % self.every == 0 or step == steps)

    def times(self, steps: int) -> int:
        """How often it is due."""
        return -(-steps // self.every) if self.used else 0

    @property
    def used(self) -> bool:
        """Whether there is any."""
        return self.every > 0
