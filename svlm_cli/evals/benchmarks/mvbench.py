"""MVBench: twenty files of questions about short videos, one per task. Knows no score."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import InputError
from svlm_cli.core.text import plain_text
from svlm_cli.evals.benchmarks.rows import read_rows
from svlm_cli.evals.benchmarks.vqa import VideoQuestion, VideoQuestions, file_name, gather, letter
from svlm_cli.jsonl.lines import LineError, number, text, texts
from svlm_cli.pipeline.questions import LETTERS
from svlm_cli.questions.question import AnswerKind


@dataclass(frozen=True, slots=True)
class _Task:
    folder: str  # of its videos
    frames_fps: float | None = None  # set if each video is a folder of pictures


_CHARADES: Final = _Task("star/Charades_v1_480")
_CLEVRER: Final = _Task("clevrer/video_validation")
_PERCEPTION: Final = _Task("perception/videos")
_TASKS: Final[Mapping[str, _Task]] = {
    "action_sequence": _CHARADES,
    "action_prediction": _CHARADES,
    "action_antonym": _Task("ssv2_video"),
    "fine_grained_action": _Task("Moments_in_Time_Raw/videos"),
    "unexpected_action": _Task("FunQA_test/test"),
    "object_existence": _CLEVRER,
    "object_interaction": _CHARADES,
    "object_shuffle": _PERCEPTION,
    "moving_direction": _CLEVRER,
    "action_localization": _Task("sta/sta_video"),
    "scene_transition": _Task("scene_qa/video"),
    "action_count": _PERCEPTION,
    "moving_count": _CLEVRER,
    "moving_attribute": _CLEVRER,
    "state_change": _PERCEPTION,
    "fine_grained_pose": _Task("nturgbd"),
    "character_order": _PERCEPTION,
    "egocentric_navigation": _Task("vlnqa"),
    "episodic_reasoning": _Task("tvqa/frames_fps3_hq", frames_fps=3.0),
    "counterfactual_inference": _CLEVRER,
}
MVBENCH_TASKS: Final = tuple(_TASKS)
_ABOVE: Final = ("video/", "", "video/data0613/", "data0613/")  # data0613.zip contains videos added later


def read_mvbench(folder: Path) -> VideoQuestions:
    """The questions of all twenty files in ``json/``. Raises `InputError`."""
    files = {task: folder / "json" / f"{task}.json" for task in MVBENCH_TASKS}
    absent = [path.name for path in files.values() if not path.is_file()]
    if absent:
        raise InputError(
            f"{plain_text(str(folder / 'json'))} lacks {', '.join(absent)}.",
            "MVBench is the mean of its twenty tasks: fetch them all.",
        )
    return tuple(one for task, path in files.items() for one in _read(path, task))


def _read(path: Path, task: str) -> VideoQuestions:
    numbers = count()
    return gather(read_rows(path), lambda row: _questions(row, task, next(numbers)))


def _questions(row: Mapping[str, Any], task: str, index: int) -> Iterator[VideoQuestion]:
    video = file_name(text(row, "video"))
    options, answer = texts(row, "candidates", least=2, most=len(LETTERS)), text(row, "answer")
    if answer not in options:
        raise LineError(f"cannot be used: the answer {shown(answer)} is not one of the candidates")
    bounded = row.get("start") is not None or row.get("end") is not None
    yield VideoQuestion(
        id=f"{task}_{index}",
        task=task,
        group="",
        video=f"{_TASKS[task].folder}/{video}",
        places=tuple(f"{above}{_TASKS[task].folder}/{video}" for above in _ABOVE),
        start_s=number(row, "start") if bounded else None,
        end_s=number(row, "end") if bounded else None,
        text=text(row, "question"),
        options=options,
        answer=letter(options.index(answer), options, "answer"),
        kind=AnswerKind.CHOICE,
        frames_fps=_TASKS[task].frames_fps,
    )
