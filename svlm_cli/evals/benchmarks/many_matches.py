"""Many matches of the simulator in the files of public benchmarks, told as they are made. Knows no option."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from svlm_cli.core.reporting import Reporter
from svlm_cli.evals.benchmarks.endless_folder import EndlessSetting, make_benchmark
from svlm_cli.evals.benchmarks.endless_questions import QuestionsSetting, make_questions
from svlm_cli.simulator.match.match import Split

_START_S: Final = 1000  # as Inf-Streams-Eval


@dataclass(frozen=True, slots=True)
class ManyMatches:
    """Which matches, and how they are shown."""

    seed: int
    matches: int
    seconds: int
    fps: int
    split: Split

    def write_games(self, folder: Path, start_s: int | None, reporter: Reporter, *, overwrite: bool) -> None:
        """As Inf-Streams-Eval has them, to be commented on from `start_s` on; None: from 1000 s, or from 0 in shorter
        ones. Raises `SvlmError`.
        """
        if start_s is None:
            start_s = _START_S if self.seconds > _START_S else 0
        setting = EndlessSetting(self.seed, self.matches, self.seconds, self.fps, start_s, self.split)
        with reporter.counting("matches", self.matches) as done:
            there = make_benchmark(folder, setting, overwrite=overwrite, done=done)
        reporter.show(self._made(f"{folder}, to be commented on from {start_s} s on", there))

    def write_questions(self, folder: Path, reporter: Reporter, *, overwrite: bool) -> None:
        """As OVO-Bench has them, with questions about them. Raises `SvlmError`."""
        setting = QuestionsSetting(self.seed, self.matches, self.seconds, self.fps, self.split)
        with reporter.counting("matches", self.matches) as done:
            there = make_questions(folder, setting, overwrite=overwrite, done=done)
        reporter.show(self._made(f"{folder}, with questions about them", there))

    def _made(self, where: str, there: int) -> str:
        many = "1 match" if self.matches == 1 else f"{self.matches} matches"
        kept = f" {there} of them were there already." if there else ""
        return f"{many} of {self.seconds / 60:g} min in {where}.{kept}"
