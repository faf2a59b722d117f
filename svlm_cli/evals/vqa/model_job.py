"""What all models are asked, and one model's part: setting, file, ways. Knows no terminal."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from svlm_cli.checkpoints.policy_changes import PolicyChanges
from svlm_cli.checkpoints.resolve import Checkpoint
from svlm_cli.compute.device import dtype_name, hardware_name
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import PolicyOverrides, StreamPolicy
from svlm_cli.core.text import did_you_mean, slug
from svlm_cli.core.version import __version__
from svlm_cli.engine.place import EnginePlace
from svlm_cli.engine.tokenizer import Tokenizer
from svlm_cli.evals.benchmarks.endless_questions import QuestionsSetting
from svlm_cli.evals.benchmarks.vqa import VideoQuestion, fingerprint_of_questions
from svlm_cli.evals.claims.setting import fingerprint
from svlm_cli.evals.vqa.asked import WayOutcome
from svlm_cli.evals.vqa.benchmarks import VqaBenchmark
from svlm_cli.evals.vqa.choices import Way
from svlm_cli.evals.vqa.interview import Interview
from svlm_cli.evals.vqa.results import GrowingResults, VqaRun, VqaSetting
from svlm_cli.evals.vqa.run import FoundQuestions
from svlm_cli.evals.vqa.ways import WaySetting, with_room
from svlm_cli.jsonl.locked_lines import empty
from svlm_cli.networks.weights import load_family
from svlm_cli.outputs.destination import make_folder


def choose_questions(
    questions: Sequence[VideoQuestion], tasks: Sequence[str], limit: int | None
) -> Sequence[VideoQuestion]:
    """The first questions of these tasks, or of all. `UsageError` for an unknown task."""
    known = [*dict.fromkeys(one.task for one in questions)]
    for task in tasks:
        if task not in known:
            hint = did_you_mean(task, known) or f"There is {', '.join(known)}."
            raise UsageError(f"There are no questions of a task {task}.", hint)
    return [one for one in questions if not tasks or one.task in tasks][:limit]


@dataclass(frozen=True, slots=True, eq=False)
class Questioning:
    """What all models are asked."""

    benchmark: VqaBenchmark
    folder: Path
    questions: Sequence[VideoQuestion]  # all in the benchmark
    interview: Interview
    found: FoundQuestions  # those of this call
    subtitles: bool
    matches: QuestionsSetting | None  # set if questions are about simulated matches

    @property
    def videos(self) -> int:
        """The number of videos."""
        return len({one.video for one in self.found.questions})

    def run(self, checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype, jobs: int) -> VqaRun:
        """The run's description for its results."""
        setting = VqaSetting(
            self.benchmark,
            fingerprint_of_questions(tuple(self.questions)),
            self.interview.prompts.fingerprint,
            checkpoint.title,
            fingerprint(checkpoint.folder, checkpoint.adapter),
            dtype_name(dtype),
            self.interview.by,
            self.subtitles,
        )
        return VqaRun(
            setting,
            len(self.questions),
            __version__,
            torch.__version__,
            folder=self.folder.resolve().name,  # only its name, because results are shared
            device=device.type,
            hardware=hardware_name(device),
            jobs=jobs,
        )

    def to_json(self, outcomes: "Sequence[tuple[ModelJob, WayOutcome]]") -> Mapping[str, Any]:
        """What a call has done, for programs."""
        rows = [job.to_json(outcome) for job, outcome in outcomes]
        count = len(self.found.questions)
        return {"eval": str(self.benchmark), "questions": count, "videos": self.videos, "ways": rows}


@dataclass(frozen=True, slots=True, eq=False)
class ModelJob:
    """One model, its way of looking, and its results file."""

    what: Questioning
    checkpoint: Checkpoint
    output: Path
    run: VqaRun
    ways: tuple[WaySetting, ...]

    @property
    def name(self) -> str:
        """The model's name."""
        return self.run.setting.model

    @contextmanager
    def open(self, *, overwrite: bool) -> Iterator[GrowingResults]:
        """Its file, locked and checked against the request. Raises `InputError` and `OutputError`."""
        if overwrite:
            empty(self.output)
        with GrowingResults(self.output, self.run) as results:
            results.describe({one.id: one.choices for one in self.what.questions}, self.what.matches)
            for setting in self.ways:
                results.begin(setting.way, setting.to_json())
            yield results

    def policy_with_room(self) -> Callable[[WaySetting, Sequence[VideoQuestion]], StreamPolicy]:
        """Returns a way's policy with room for the questions."""
        folder, interview = self.checkpoint.folder, self.what.interview

        def policy_of(setting: WaySetting, questions: Sequence[VideoQuestion]) -> StreamPolicy:
            queries = [query for one in questions for query in interview.queries(one, setting.way)]
            return with_room(setting, queries, Tokenizer(folder), load_family(folder))

        return policy_of

    def to_json(self, outcome: WayOutcome) -> dict[str, Any]:
        """What one way has done."""
        return {
            "model": self.name,
            "model_files": self.run.setting.model_files,
            "way": outcome.way,
            "output": str(self.output),
            "answered": outcome.answered,
            "right": outcome.right,
            "failed": outcome.failed,
            "wall_s": round(outcome.wall_s, 3),
        }


@dataclass(frozen=True, slots=True)
class Looking:
    """How all models look, and with which policy."""

    ways: Sequence[Way]
    changes: PolicyChanges
    overrides: PolicyOverrides
    frames: int
    recent_frames: int
    seed: int

    def jobs(
        self, what: Questioning, models: Sequence[Checkpoint], place: EnginePlace, output: Path, *, jobs: int
    ) -> list[ModelJob]:
        """One for each model, whose answers go to `output`, or of several to files in that folder.

        `UsageError` for two of one name, and for a policy that cannot be.
        """
        found: list[ModelJob] = []
        for checkpoint in models:
            run = what.run(checkpoint, place.device, place.dtype, jobs)
            path = output / f"{slug(run.setting.model, otherwise='model')}.jsonl" if len(models) > 1 else output
            if any(one.output == path for one in found):
                raise UsageError(f"Two models would write {path}.", "Give their folders different names.")
            found.append(ModelJob(what, checkpoint, path, run, self._settings(checkpoint.policy)))
        if len(models) > 1:
            make_folder(output, "Choose another -o.")
        return found

    def _settings(self, policy: StreamPolicy) -> tuple[WaySetting, ...]:
        policy = self.changes.applied(policy, self.overrides)
        return tuple(
            WaySetting.of(way, policy, frames=self.frames, recent_frames=self.recent_frames, seed=self.seed)
            for way in dict.fromkeys(self.ways)
        )
