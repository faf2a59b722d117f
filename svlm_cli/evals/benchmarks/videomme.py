"""Video-MME: a Parquet file of questions, with videos and subtitles by video id. Knows no score."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import InputError
from svlm_cli.core.text import plain_text
from svlm_cli.evals.benchmarks.rows import read_rows
from svlm_cli.evals.benchmarks.vqa import VideoQuestion, VideoQuestions, file_name, gather, without_letters
from svlm_cli.jsonl.lines import LineError, text, texts
from svlm_cli.questions.question import AnswerKind

VIDEOMME_DURATIONS: Final = ("short", "medium", "long")
_PLACES: Final = ("*.parquet", "videomme/*.parquet", "*.jsonl")


def read_videomme(folder: Path) -> VideoQuestions:
    """The questions of ``*.parquet`` in the folder or in ``videomme/``, or of ``*.jsonl`` with the same rows.

    Raises `InputError`, and `UsageError` if Parquet is not supported.
    """
    files = next(filter(None, (sorted(folder.glob(place)) for place in _PLACES)), [])
    match files:
        case []:
            raise InputError(
                f"{plain_text(str(folder))} holds no questions of Video-MME.", "Put its Parquet file there."
            )
        case [path]:
            return gather(read_rows(path), _questions)
        case _:
            listed = ", ".join(one.name for one in files)
            raise InputError(f"{plain_text(str(folder))} holds several files: {listed}.", "Leave one of them there.")


def _questions(row: Mapping[str, Any]) -> Iterator[VideoQuestion]:
    duration, video = text(row, "duration"), file_name(f"{text(row, 'videoID')}.mp4")
    if duration not in VIDEOMME_DURATIONS:
        raise LineError(
            f"cannot be used: duration must be one of {', '.join(VIDEOMME_DURATIONS)}, not {shown(duration)}"
        )
    yield VideoQuestion(
        id=text(row, "question_id"),
        task=text(row, "task_type"),
        group=duration,
        video=video,
        places=(f"video/{video}", f"data/{video}"),
        start_s=None,
        end_s=None,
        text=text(row, "question"),
        options=without_letters(texts(row, "options", least=4, most=4)),
        answer=text(row, "answer"),
        kind=AnswerKind.CHOICE,
        subtitles=f"subtitle/{video.removesuffix('.mp4')}.srt",
    )
