"""LongVideoBench: ``lvb_val.json``, with videos and subtitles. Knows no score."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from svlm_cli.core.bounds import shown
from svlm_cli.evals.benchmarks.rows import numbered, read_list
from svlm_cli.evals.benchmarks.vqa import VideoQuestion, VideoQuestions, file_name, gather, letter
from svlm_cli.jsonl.lines import LineError, number, text, texts, whole
from svlm_cli.questions.question import AnswerKind

LONGVIDEOBENCH_DURATIONS: Final = (15, 60, 600, 3600)  # in seconds


def read_longvideobench(folder: Path) -> VideoQuestions:
    """The questions of the validation set. Raises `InputError`."""
    path = folder / "lvb_val.json"
    seen: Counter[str] = Counter()
    return gather(numbered(path, read_list(path)), lambda row: _questions(row, seen))


def _questions(row: Mapping[str, Any], seen: Counter[str]) -> Iterator[VideoQuestion]:
    group = whole(row, "duration_group")
    if group not in LONGVIDEOBENCH_DURATIONS:
        listed = ", ".join(map(str, LONGVIDEOBENCH_DURATIONS))
        raise LineError(f"cannot be used: duration_group must be one of {listed}, not {shown(group)}")
    video, options = file_name(text(row, "video_path")), texts(row, "candidates", least=2, most=5)
    name = text(row, "video_id")
    yield VideoQuestion(
        id=f"{name}_{seen[name]}",
        task=text(row, "question_category"),
        group=str(group),
        video=video,
        places=(f"videos/{video}", video),
        start_s=None,
        end_s=None,
        text=text(row, "question"),
        options=options,
        answer=letter(whole(row, "correct_choice"), options, "correct_choice"),
        kind=AnswerKind.CHOICE,
        subtitles=f"subtitles/{file_name(text(row, 'subtitle_path'))}",
        subtitles_start_s=number(row, "starting_timestamp_for_subtitles"),
    )
    seen[name] += 1
