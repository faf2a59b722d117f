"""A task of letters and how likely they are. Of a chat model, lmms-eval asks that for tasks in Python alone."""

import ast
from typing import Any

from lmms_eval.api.task import ConfigurableTask


class LikelihoodTask(ConfigurableTask):
    """As its file says."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config={name: value for name, value in config.items() if name != "class"})


def doc_to_visual(doc: dict[str, Any]) -> list[dict[str, Any]]:
    """The video up to the moment of the question."""
    return [{"path": doc["video"], "video_start": 0.0, "video_end": doc["realtime"]}]


def doc_to_choice(doc: dict[str, Any]) -> list[str]:
    """The letters alone."""
    return ["A", "B", "C"][: len(doc["options"])]


def process_results(doc: dict[str, Any], results: list[str]) -> dict[str, Any]:
    """Whether the likeliest letter is right. What a model returns comes as its text here."""
    scores, greedy = zip(*map(ast.literal_eval, results), strict=True)
    right = float(scores.index(max(scores)) == doc["gt"])
    return {"right": right, "scores": scores, "greedy": greedy}
