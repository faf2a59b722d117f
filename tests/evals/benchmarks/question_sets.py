"""Miniature sets of questions about videos, in the exact formats of the public ones. No video is made."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from svlm_cli.evals.benchmarks.mvbench import MVBENCH_TASKS

FOUR = ["A. A red cup.", "B. A blue cup.", "C. A plate.", "D. Nothing."]
Row = dict[str, Any]


def write_json(path: Path, value: Any) -> Path:
    """One JSON value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """A CSV file with the names of its columns, as pandas writes one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def ovo_choice(number: int, task: str = "OCR", **other: Any) -> Row:
    """A question of OVO-Bench with options."""
    row = {"id": number, "task": task, "video": "COIN/a.mp4", "realtime": 34.5, "question": "What is it?"}
    return {**row, "options": ["cup", "plate", "pan"], "gt": 1, **other}


def ovo_rec(number: int = 7, **other: Any) -> Row:
    """A row of OVO-Bench whose counts grow."""
    row = {"id": number, "task": "REC", "video": "perception/r.mp4", "activity": "clap their hands"}
    probes = [{"realtime": 5.0, "count": 0}, {"realtime": 60, "count": 10}]
    return {**row, "start_times": [8], "end_times": [50], "test_info": probes, **other}


def ovo_ssr(number: int = 8, **other: Any) -> Row:
    """A row of OVO-Bench about the steps of a tutorial."""
    probes = [{"realtime": 11, "step": "Pour the milk", "type": 1}, {"realtime": 30, "step": "Stir", "type": 0}]
    row = {"id": number, "task": "SSR", "video": "CrossTask/s.mp4", "tutorial": "Make coffee"}
    return {
        **row,
        "all_steps": ["Pour the milk", "Stir"],
        "start_time": [9],
        "end_time": [15],
        "test_info": probes,
        **other,
    }


def ovo_crr(number: int = 9, **other: Any) -> Row:
    """A row of OVO-Bench that can be answered later."""
    probes = [{"realtime": 22.5, "type": 0}, {"realtime": 41, "type": 1}]
    row = {"id": number, "task": "CRR", "video": "MovieNet/c.mp4", "question": "Who opens the door?", "answer": "A boy"}
    return {**row, "ask_time": 20, "clue_time": 40, "test_info": probes, **other}


def ovo_bench(folder: Path, rows: Iterable[Row]) -> Path:
    """``ovo_bench_new.json``."""
    return write_json(folder / "ovo_bench_new.json", list(rows))


def streaming_row(at: str = "00:03:10", **other: Any) -> Row:
    """A question of StreamingBench with options."""
    row = {"task_type": "Object Perception", "question": "What is on the table?", "time_stamp": at, "answer": "B"}
    return {**row, "options": FOUR, "required_ability": "working memory", **other}


def streaming_entry(*rows: Row, video: str = "./videos/sample_2_real.mp4") -> Row:
    """A stretch of a video of StreamingBench."""
    row = {"time": "[0:00:00 - 0:05:00]", "questions": list(rows)}
    return {**row, "video_categories": "cooking", "video_path": video}


def proactive_row(**other: Any) -> Row:
    """A question of StreamingBench that is to be answered at the right moment."""
    row = {
        "task_type": "Proactive Output",
        "question": 'When the USA have 3 points, output "3".',
        "time_stamp": "00:00:20",
    }
    more = {"ground_truth_time_stamp": "00:00:29", "ground_truth_output": "3", "required_ability": "working memory"}
    return {**row, **more, **other}


def streaming_csv_row(name: str, at: str = "00:03:10", **other: Any) -> Row:
    """A question of StreamingBench as the hub has it."""
    row = {"question_id": name, "task_type": "Object Perception", "question": 'What, on the "table"?', "time_stamp": at}
    return {
        **row,
        "answer": "B",
        "options": str(FOUR),
        "frames_required": "single",
        "temporal_clue_type": "Current",
        **other,
    }


def longvideobench_row(**other: Any) -> Row:
    """A question of LongVideoBench."""
    row = {"video_id": "86CxyhFV9MI", "video_path": "86CxyhFV9MI.mp4", "question": "Who speaks first?"}
    row |= {"subtitle_path": "86CxyhFV9MI_en.json", "starting_timestamp_for_subtitles": 30.5}  # type: ignore[dict-item]
    choices = {"candidates": ["a man", "a woman", "a child"], "correct_choice": 2}
    return {**row, **choices, "question_category": "S2E", "duration_group": 600, **other}


def mvbench_row(**other: Any) -> Row:
    """A question of MVBench."""
    row = {"video": "ZS9XR.mp4", "question": "What happened?", "candidates": ["Sat down.", "Ate.", "Left."]}
    return {**row, "answer": "Ate.", **other}


def mvbench(folder: Path, **tasks: Sequence[Row]) -> Path:
    """All twenty files, each with one question where no others are given."""
    for task in MVBENCH_TASKS:
        write_json(folder / "json" / f"{task}.json", list(tasks.get(task, [mvbench_row()])))
    return folder


def videomme_row(**other: Any) -> Row:
    """A question of Video-MME."""
    row = {"video_id": "001", "duration": "short", "domain": "Knowledge", "sub_category": "Humanity & History"}
    more = {"url": "", "videoID": "fFjv93ACGo8", "question_id": "001-1", "task_type": "Counting Problem"}
    return {**row, **more, "question": "How many?", "options": FOUR, "answer": "C", **other}
