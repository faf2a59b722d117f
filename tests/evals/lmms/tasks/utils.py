"""What the tasks of these tests ask, in lmms-eval's terms. Rows are OVO-Bench's, videos lie where the command runs."""

from typing import Any

Row = dict[str, Any]


def doc_to_messages(doc: Row) -> list[Row]:
    """The video up to the moment of the question, and the question with its options."""
    return [{"role": "user", "content": [_video(doc["video"], doc["realtime"]), _text(question_of(doc))]}]


def process_results(doc: Row, results: list[str]) -> Row:
    """What was said, and whether it is the right letter."""
    return {"said": results[0], "right": float(results[0] == "ABCDE"[doc["gt"]])}


def probes_to_messages(
    doc: Row, round_idx: int = 0, previous_output: list[str] | None = None, previous_round_info: int | None = None
) -> Any:
    """A round a moment. Later questions quote the answer before."""
    before = f"Before you said {previous_output[-1]!r}. " if previous_output else ""
    if round_idx == len(doc["moments"]):
        return None, True, previous_output, previous_round_info
    content = [_video(doc["video"], doc["moments"][round_idx]), _text(before + doc["question"])]
    messages = [{"role": "user", "content": content}]
    return (messages, False, previous_output, round_idx) if round_idx else messages


def process_probes(doc: Row, results: list[list[str]]) -> Row:
    """One answer a moment."""
    (said,) = results
    return {"said": " | ".join(said), "rounds": float(len(said) == len(doc["moments"]))}


def mean(values: list[float]) -> float:
    """Of all questions."""
    return sum(values) / len(values)


def nothing(values: list[str]) -> float:
    """Of words there is no mean."""
    return float(len(values))


def question_of(doc: Row) -> str:
    """With its options, a line each."""
    options = "\n".join(f"{letter}. {option}" for letter, option in zip("ABCDE", doc["options"], strict=False))
    return f"{doc['question']}\n{options}"


def _video(path: str, end_s: float) -> Row:
    return {"type": "video", "url": path, "end_time": end_s}


def _text(text: str) -> Row:
    return {"type": "text", "text": text}
