"""A strict reader for each output format: what is wrong with a file, at whatever moment of its making."""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final

from svlm_cli.outputs.format import Format
from tests.subtitle_checker import check_ass, check_srt, check_tsv, check_vtt


def check_txt(text: str) -> list[str]:
    """A line a cue, and nothing in it that a terminal obeys."""
    problems = [] if not text or text.endswith("\n") else ["file: its last line does not end"]
    for number, line in enumerate(text.split("\n")[:-1], 1):
        if not line.strip() or any(unicodedata.category(char) in ("Cc", "Cs") for char in line):
            problems.append(f"line {number}: {line!r}")
    return problems


def check_jsonl(text: str) -> list[str]:
    """An object a line, and rounds one after the other."""
    if text and not text.endswith("\n"):
        return ["file: its last line does not end"]
    if re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", text):
        return ["file: a character that ends a line or that a terminal obeys"]
    return _check_rounds([json.loads(line) for line in text.split("\n")[:-1]])


def check_json(text: str) -> list[str]:
    """One document, with its rounds."""
    if not text:
        return []  # before the first round
    document = json.loads(text)
    if not {"source", "model", "segments"} <= document.keys():
        return [f"file: has {sorted(document)}"]
    return _check_rounds(document["segments"])


def _check_rounds(rounds: list[dict[str, object]]) -> list[str]:
    problems = []
    end_before = 0.0
    for number, one in enumerate(rounds, 1):
        start, end, text = one.get("start"), one.get("end"), one.get("text")
        if not (isinstance(start, float) and isinstance(end, float) and isinstance(text, str)):
            problems.append(f"round {number}: {one}")
        elif not end_before <= start < end:
            problems.append(f"round {number}: from {start} to {end}, after {end_before}")
        else:
            end_before = end
    return problems


CHECKERS: Final[Mapping[Format, Callable[[str], list[str]]]] = {
    Format.SRT: check_srt,
    Format.VTT: check_vtt,
    Format.ASS: check_ass,
    Format.JSON: check_json,
    Format.JSONL: check_jsonl,
    Format.TSV: check_tsv,
    Format.TXT: check_txt,
}
