"""StreamingBench: its four kinds of questions, as JSON (from the repository) or CSV (from the hub). Knows no score."""

import ast
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import InputError
from svlm_cli.core.text import plain_text
from svlm_cli.evals.benchmarks.rows import numbered, read_csv, read_list
from svlm_cli.evals.benchmarks.vqa import (
    ASKED_AFTER_DUE_S,
    VideoQuestion,
    VideoQuestions,
    file_name,
    gather,
    without_letters,
)
from svlm_cli.jsonl.lines import LineError, inside, text, texts
from svlm_cli.questions.question import AnswerKind

_LAST_S: Final = 60
_OUTPUT: Final = "ground_truth_output"  # only in proactive questions
_CONTEXTUAL: Final = "contextual"
_CONTEXTUAL_TASKS: Final = (  # in the files of another group
    "Misleading Context Understanding",
    "Misleading Context Recognition",  # the same, as named in the CSV
    "Anomaly Context Understanding",
)
_SAMPLE: Final = re.compile(r".*_(?P<sample>\d+)_\d+")
_BARE: Final = re.compile(r"sample_\d+/video\.mp4")
_TIME: Final = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{1,3})")


class SeenContext(StrEnum):
    """How much of a video may be seen for a question."""

    MINUTE = "last 60 s"  # the benchmark's main setting
    ALL = "all before"


@dataclass(frozen=True, slots=True)
class _Part:
    """One kind of questions: its files, and how to parse their rows."""

    json: str
    csv: tuple[str, ...]
    group: str
    folder: str = ""  # of its videos on the hub; "": each task has its own
    in_turn: bool = False  # each question follows the earlier ones about its video


STREAMING_GROUPS: Final = ("real-time", "omni", _CONTEXTUAL)
_PARTS: Final = (
    _Part("questions_real", ("Real_Time_Visual_Understanding",), "real-time", "Real-Time Visual Understanding"),
    _Part("questions_omni", ("Omni_Source_Understanding", "Contextual_Understanding"), "omni"),
    _Part(
        "questions_sqa",
        ("Sequential_Question_Answering",),
        _CONTEXTUAL,
        "Sequential Question Answering",
        in_turn=True,
    ),
    _Part("questions_proactive", ("Proactive_Output",), _CONTEXTUAL, "Proactive Output"),
)


def read_streaming_bench(folder: Path, context: SeenContext = SeenContext.MINUTE) -> VideoQuestions:
    """The questions of all existing parts, preferably from JSON. Raises `InputError`."""
    found: dict[str, VideoQuestion] = {}
    for one in (one for part in _PARTS for one in _read_part(folder, part, context)):
        if one.id in found:
            raise InputError(
                f"Two files in {plain_text(str(folder))} hold the question {shown(one.id)}.", "Fetch them again."
            )
        found[one.id] = one
    if not found:
        raise InputError(
            f"{plain_text(str(folder))} holds no questions of StreamingBench.",
            f"Put {_PARTS[0].json}.json or {_PARTS[0].csv[0]}.csv there, or another of its files.",
        )
    return _unmistakable(tuple(found.values()))


def _read_part(folder: Path, part: _Part, context: SeenContext) -> VideoQuestions:
    json_file = _first(folder, ("", "src/data/"), f"{part.json}.json")
    if json_file is not None:
        return _read_json(json_file, part, context)
    csv_files = (_first(folder, ("", "StreamingBench/"), f"{name}.csv") for name in part.csv)
    return tuple(one for path in csv_files if path is not None for one in _read_csv(path, part, context))


def _unmistakable(questions: VideoQuestions) -> VideoQuestions:
    """Samples are numbered from 1 in each archive: if there are several, each is only sought in its own folder."""
    archives = {one.video.removesuffix(place) for one in questions for place in one.places if _BARE.fullmatch(place)}
    if len(archives) < 2:
        return questions
    return tuple(
        replace(one, places=tuple(place for place in one.places if not _BARE.fullmatch(place))) for one in questions
    )


def _first(folder: Path, places: tuple[str, ...], name: str) -> Path | None:
    return next((folder / place / name for place in places if (folder / place / name).is_file()), None)


def _read_json(path: Path, part: _Part, context: SeenContext) -> VideoQuestions:
    """A row is an entry, a part of a video; for sequential questions, a list of those about one video."""
    rows = read_list(path)
    lines = numbered(path, [{"entries": one} for one in rows] if part.in_turn else rows)
    numbers: Counter[str] = Counter()

    def make(row: Mapping[str, Any]) -> Iterator[VideoQuestion]:
        found = (one for place, entry in _entries(row, part) for one in _of_entry(entry, place, numbers, part, context))
        yield from _in_turn(found) if part.in_turn else found

    return gather(lines, make)


def _entries(row: Mapping[str, Any], part: _Part) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not part.in_turn:
        yield "", row
        return
    if not isinstance(row["entries"], list):
        raise LineError("cannot be used: it must be a list of the entries of one video")
    for index, entry in enumerate(row["entries"]):
        if not isinstance(entry, dict):
            raise LineError(f"cannot be used: [{index}] is not a JSON object but {shown(entry)}")
        yield f"[{index}].", entry


def _of_entry(
    entry: Mapping[str, Any], place: str, numbers: Counter[str], part: _Part, context: SeenContext
) -> Iterator[VideoQuestion]:
    video, listed = file_name(text(entry, "video_path")), entry.get("questions")
    if not isinstance(listed, list):
        raise LineError(f"cannot be used: {place}questions must be a list, not {shown(listed)}")
    for index, row in enumerate(listed):
        with inside(f"{place}questions[{index}]"):
            if not isinstance(row, dict):
                raise LineError(f"is not a JSON object but {shown(row)}")
            numbers[video] += 1
            options = () if _OUTPUT in row else texts(row, "options", least=4, most=4)
            places = (video, f"src/data/{video}")
            yield _question(row, f"{video}#{numbers[video]}", video, places, options, part, context)


def _read_csv(path: Path, part: _Part, context: SeenContext) -> VideoQuestions:
    found = gather(read_csv(path), lambda row: [_of_row(row, part, context)])
    if not part.in_turn:
        return found
    by_video: dict[str, list[VideoQuestion]] = defaultdict(list)
    for one in found:
        by_video[one.video].append(one)
    return tuple(
        one
        for listed in by_video.values()
        for one in _in_turn(iter(sorted(listed, key=lambda each: int(each.id.rpartition("_")[2]))))
    )


def _of_row(row: Mapping[str, Any], part: _Part, context: SeenContext) -> VideoQuestion:
    name, task = text(row, "question_id"), text(row, "task_type")
    match = _SAMPLE.fullmatch(name)
    if match is None:
        raise LineError(
            f"cannot be used: question_id must end in the numbers of sample and question, not {shown(name)}"
        )
    sample = f"sample_{match['sample']}/video.mp4"
    archive = part.folder or task.replace("Context Recognition", "Context Understanding")
    video = file_name(f"{archive}/{sample}")
    places = (video, f"{archive}/{video}", sample)  # archives may contain a folder of their own name, or only samples
    options = () if _OUTPUT in row else _listed(text(row, "options"))
    return _question(row, name, video, places, options, part, context)


def _listed(written: str) -> tuple[str, ...]:
    """Options, which a CSV file writes as a Python list."""
    try:
        with warnings.catch_warnings(action="ignore"):  # about backslashes in a text
            value = ast.literal_eval(written)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise LineError(f"cannot be used: options must be a list of texts, not {shown(written)}") from error
    return texts({"options": value}, "options", least=4, most=4)


def _question(
    row: Mapping[str, Any],
    name: str,
    video: str,
    places: tuple[str, ...],
    options: tuple[str, ...],
    part: _Part,
    context: SeenContext,
) -> VideoQuestion:
    task, asked_s, output = text(row, "task_type"), _seconds(row, "time_stamp"), _OUTPUT in row
    due_s = _seconds(row, "ground_truth_time_stamp") if output else None
    return VideoQuestion(
        id=name,
        task=task,
        group=_CONTEXTUAL if task in _CONTEXTUAL_TASKS else part.group,
        video=video,
        places=places,
        start_s=max(0.0, asked_s - _LAST_S) if context is SeenContext.MINUTE else None,
        end_s=asked_s if due_s is None else due_s + ASKED_AFTER_DUE_S,
        text=text(row, "question"),
        options=without_letters(options),
        answer=text(row, _OUTPUT if output else "answer"),
        kind=AnswerKind.PROACTIVE if output else AnswerKind.CHOICE,
        context=str(context),
        asked_s=asked_s if output else None,
        due_s=due_s,
    )


def _seconds(row: Mapping[str, Any], key: str) -> float:
    """A time, H:M:S or M:S."""
    match = _TIME.fullmatch(text(row, key).strip())
    if match is None:
        raise LineError(f"cannot be used: {key} must be a time like 00:03:10 or 03:10, not {shown(row[key])}")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(3600 * hours + 60 * minutes + seconds)


def _in_turn(questions: Iterator[VideoQuestion]) -> Iterator[VideoQuestion]:
    """Each question with the earlier ones and their right answers."""
    earlier: tuple[tuple[str, str], ...] = ()
    for one in questions:
        yield replace(one, earlier=earlier)
        earlier = (*earlier, (one.text, one.answer_in_words))
