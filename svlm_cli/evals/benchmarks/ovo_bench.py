"""OVO-Bench: ``ovo_bench_new.json`` and its videos, whole or cut for each question. Knows no score."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from svlm_cli.core.bounds import shown
from svlm_cli.evals.benchmarks.rows import numbered, read_list
from svlm_cli.evals.benchmarks.vqa import VideoQuestion, VideoQuestions, file_name, gather, letter
from svlm_cli.jsonl.lines import LineError, inside, number, text, texts, whole
from svlm_cli.questions.question import AnswerKind, yes_no

OVO_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "backward": ("EPM", "ASI", "HLD"),
    "realtime": ("OCR", "ACR", "ATR", "STU", "FPD", "OJR"),
    "forward": ("REC", "SSR", "CRR"),
}
_GROUP: Final = {task: group for group, tasks in OVO_GROUPS.items() for task in tasks}


def read_ovo_bench(folder: Path) -> VideoQuestions:
    """All questions and probes. Raises `InputError`."""
    path = folder / "ovo_bench_new.json"
    return gather(numbered(path, read_list(path)), _questions)


def _questions(row: Mapping[str, Any]) -> Iterator[VideoQuestion]:
    task = text(row, "task")
    if task not in _GROUP:
        raise LineError(f"cannot be used: there is no task {shown(task)}")
    if _GROUP[task] == "forward":
        yield from _probes(row, task)
        return
    options = texts(row, "options", least=2, most=5)
    yield _question(
        row,
        task,
        "",
        end_s=number(row, "realtime"),
        asked=text(row, "question"),
        options=options,
        answer=letter(whole(row, "gt"), options, "gt"),
        kind=AnswerKind.CHOICE,
    )


def _probes(row: Mapping[str, Any], task: str) -> Iterator[VideoQuestion]:
    listed = row.get("test_info")
    if not isinstance(listed, list) or not listed:
        raise LineError(f"cannot be used: test_info must be a list of probes, not {shown(listed)}")
    for index, probe in enumerate(listed):
        with inside(f"test_info[{index}]"):
            if not isinstance(probe, dict):
                raise LineError(f"is not a JSON object but {shown(probe)}")
            yield _probe(row, probe, task, f"_{index}")


def _probe(row: Mapping[str, Any], probe: Mapping[str, Any], task: str, suffix: str) -> VideoQuestion:
    end_s = number(probe, "realtime")
    if task == "REC":
        asked, kind = text(row, "activity"), AnswerKind.COUNT
        return _question(row, task, suffix, end_s=end_s, asked=asked, answer=str(whole(probe, "count")), kind=kind)
    of_step = task == "SSR"
    asked, kind = (text(probe, "step"), AnswerKind.STEP) if of_step else (text(row, "question"), AnswerKind.CLUE)
    answer = yes_no(whole(probe, "type", most=1))
    return _question(row, task, suffix, end_s=end_s, asked=asked, answer=answer, kind=kind)


def _question(
    row: Mapping[str, Any],
    task: str,
    suffix: str,
    *,
    end_s: float,
    asked: str,
    answer: str,
    kind: AnswerKind,
    options: tuple[str, ...] = (),
) -> VideoQuestion:
    name, video = f"{whole(row, 'id')}{suffix}", file_name(text(row, "video"))
    return VideoQuestion(
        id=name,
        task=task,
        group=_GROUP[task],
        video=video,
        places=(f"src_videos/{video}", f"videos/{video}", video),
        clips=(f"chunked_videos/{name}.mp4", f"{name}.mp4"),
        start_s=None,
        end_s=end_s,
        text=asked,
        options=options,
        answer=answer,
        kind=kind,
        known=text(row, "context", default=""),  # an extension of svlm's; not in the published rows
    )
