"""Questions about simulated matches on disk, in the files of OVO-Bench. Knows no command line."""

import json
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from svlm_cli.core import strict_json
from svlm_cli.evals.benchmarks.endless import video_name
from svlm_cli.evals.benchmarks.match_folder import Done, MatchFolder, ShownMatches, make_matches
from svlm_cli.jsonl.lines import LineError, record
from svlm_cli.outputs.destination import text_file
from svlm_cli.questions.quiz.quiz import questions_about
from svlm_cli.simulator.match.match import Split


@dataclass(frozen=True, slots=True)
class QuestionsSetting:
    """Which matches to ask about, and how they are rendered."""

    seed: int
    matches: int
    seconds: int
    fps: int
    split: Split

    @property
    def seeds(self) -> range:
        """One seed per match."""
        return range(self.seed, self.seed + self.matches)


@dataclass(frozen=True, slots=True)
class QuestionsFolder(MatchFolder):
    """The paths in the folder."""

    option: ClassVar[str] = "--questions"
    setting_name: ClassVar[str] = "questions.json"
    videos_name: ClassVar[str] = "src_videos"
    annotation_names: ClassVar[tuple[str, ...]] = ("ovo_bench_new.json",)

    @property
    def questions(self) -> Path:
        """All questions, as one JSON list."""
        return self.annotations[0]


def made_by(root: Path) -> QuestionsSetting | None:
    """The setting of a folder of questions; None if its matches are not simulated."""
    try:
        setting: QuestionsSetting = record(
            QuestionsSetting, strict_json.parse(QuestionsFolder(root).setting.read_bytes()), "setting"
        )
    except (OSError, strict_json.JsonError, LineError):
        return None
    return setting


def make_questions(root: Path, setting: QuestionsSetting, *, overwrite: bool, done: Done = lambda count: None) -> int:
    """Make everything missing in the folder; return how many matches existed already. Raises `SvlmError`."""
    folder = QuestionsFolder(root)
    there, asked = make_matches(
        folder,
        ShownMatches(setting.seeds, setting.seconds, setting.fps, setting.split),
        partial(questions_about, seconds=setting.seconds),
        setting=asdict(setting),
        overwrite=overwrite,
        done=done,
    )
    rows = [
        {"video": video_name(seed), **row}
        for seed, of_match in zip(setting.seeds, asked, strict=True)
        for row in of_match
    ]
    with text_file(folder.questions, overwrite=True) as file:
        file.write(json.dumps([{"id": number, **row} for number, row in enumerate(rows)], indent=1) + "\n")
    return there
