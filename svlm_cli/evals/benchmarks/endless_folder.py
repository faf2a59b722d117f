"""A benchmark of simulated matches on disk, in the files of Inf-Streams-Eval. Knows no command line."""

import json
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from svlm_cli.core.errors import UsageError
from svlm_cli.evals.benchmarks.endless import Row, annotate
from svlm_cli.evals.benchmarks.match_folder import Done, MatchFolder, ShownMatches, make_matches
from svlm_cli.outputs.destination import text_file
from svlm_cli.simulator.match.match import Split


@dataclass(frozen=True, slots=True)
class EndlessSetting:
    """Which matches, and how they are rendered. `UsageError` if nothing is left to comment on."""

    seed: int
    matches: int
    seconds: int
    fps: int
    start_s: int  # start of the commentary
    split: Split

    def __post_init__(self) -> None:
        if self.start_s >= self.seconds:
            raise UsageError(
                f"Nothing of a match of {self.seconds} s is left from {self.start_s} s on.",
                "Ask for more --minutes, or an earlier --start.",
            )

    @property
    def seeds(self) -> range:
        """One seed per match."""
        return range(self.seed, self.seed + self.matches)


@dataclass(frozen=True, slots=True)
class EndlessFolder(MatchFolder):
    """The paths in the folder."""

    option: ClassVar[str] = "--benchmark"
    setting_name: ClassVar[str] = "benchmark.json"
    videos_name: ClassVar[str] = "videos"
    annotation_names: ClassVar[tuple[str, ...]] = ("score_all_clips.jsonl", "eval_all_metadata.jsonl")

    @property
    def metadata(self) -> Path:
        """One line per match."""
        return self.annotations[1]

    @property
    def clips(self) -> Path:
        """One line per clip."""
        return self.annotations[0]


def make_benchmark(root: Path, setting: EndlessSetting, *, overwrite: bool, done: Done = lambda count: None) -> int:
    """Make everything missing in the folder; return how many matches existed already. Raises `SvlmError`."""
    folder = EndlessFolder(root)
    there, annotated = make_matches(
        folder,
        ShownMatches(setting.seeds, setting.seconds, setting.fps, setting.split),
        partial(annotate, seconds=setting.seconds, start_s=setting.start_s),
        setting=asdict(setting),
        overwrite=overwrite,
        done=done,
    )
    _write_rows(folder.clips, [row for one in annotated for row in one.clips])
    _write_rows(folder.metadata, [one.metadata for one in annotated if one.metadata is not None])
    return there


def _write_rows(path: Path, rows: list[Row]) -> None:
    with text_file(path, overwrite=True) as file:
        file.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
