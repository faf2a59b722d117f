"""Questions about videos, and results of them, that tests write down."""

from dataclasses import replace
from typing import Any

from svlm_cli.evals.benchmarks.vqa import VideoQuestion
from svlm_cli.evals.vqa.benchmarks import VqaBenchmark
from svlm_cli.evals.vqa.results import NO_MOMENT, VqaResult, VqaRun, VqaSetting
from svlm_cli.questions.question import AnswerKind

CHOICE = VideoQuestion(
    id="1",
    task="OCR",
    group="realtime",
    video="a.mp4",
    places=("a.mp4",),
    start_s=None,
    end_s=9.0,
    text="What is it?",
    options=("cup", "plate", "pan"),
    answer="A",
    kind=AnswerKind.CHOICE,
)
COUNT = replace(CHOICE, text="clap their hands", options=(), answer="10", kind=AnswerKind.COUNT)
STEP = replace(CHOICE, text="Stir", options=(), answer="no", kind=AnswerKind.STEP)
PROACTIVE = replace(
    CHOICE, text="Say it at 3.", options=(), answer="3", kind=AnswerKind.PROACTIVE, asked_s=20.0, due_s=29.0
)


def result(task: str, *, right: bool, group: str = "", video: str = "v0", **other: Any) -> VqaResult:
    """Of the way "window", with an id that tells what it is of."""
    name = other.pop("id", f"{video}/{group}/{task}/{right}")
    row = {"context": "", "way": "window", "answered": "A", "answered_s": NO_MOMENT, "letters": (), "failed": ""}
    return VqaResult(**{"id": name, "task": task, "group": group, "video": video, "right": right, **row, **other})


def run(benchmark: VqaBenchmark = VqaBenchmark.OVO_BENCH, *, asked: int = 4, **setting: str) -> VqaRun:
    """What results are about."""
    words = {
        "questions": "0a",
        "prompts": "1b",
        "model": "my-model",
        "model_files": "2c",
        "dtype": "float32",
        **setting,
    }
    return VqaRun(VqaSetting(benchmark, **words, answer="letters", subtitles=False), asked, "0.1", "2.13.0")
