"""A strict reader of subtitle files: says all that is wrong with one, where a lenient parser would look away."""

import re
import unicodedata

from svlm_cli.core.types import Cue

_SRT_TIMES = re.compile(r"(\d{2,}):([0-5]\d):([0-5]\d),(\d{3}) --> (\d{2,}):([0-5]\d):([0-5]\d),(\d{3})")
_VTT_TIMES = re.compile(r"(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3}) --> (\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})")
_ASS_TIME = re.compile(r"(\d+):([0-5]\d):([0-5]\d\.\d\d)")
_VTT_HEADER = "WEBVTT\n\n"
_ENTITY = re.compile(r"&(?:amp|lt|gt|nbsp|lrm|rlm|#\d+|#x[0-9a-fA-F]+);")


def check_srt(text: str) -> list[str]:
    """What is wrong with the SubRip file `text`; nothing if it is right. A file without cues is an empty one."""
    return _check(text, _SRT_TIMES)[0]


def check_vtt(text: str) -> list[str]:
    """What is wrong with the WebVTT file `text`; nothing if it is right. Cues must be numbered."""
    if not text.startswith(_VTT_HEADER):
        return ["file: does not begin with WEBVTT and a blank line"]
    problems, cues = _check(text.removeprefix(_VTT_HEADER), _VTT_TIMES)
    for number, cue in enumerate(cues, 1):
        if re.search("[<>]", cue.text) or "&" in _ENTITY.sub("", cue.text):
            problems.append(f"cue {number}: & < > not escaped")
    return problems


def check_ass(text: str) -> list[str]:
    """What is wrong with the Advanced SubStation Alpha file `text`; nothing if it is right."""
    sections = re.findall(r"^\[(.+)\]$", text, re.MULTILINE)
    if sections != ["Script Info", "V4+ Styles", "Events"]:
        return [f"file: its sections are {sections}"]
    problems = []
    fields: list[str] = []
    end_before = 0.0
    for line in text.partition("[Events]\n")[2].splitlines():
        if line.startswith("Format: "):
            fields = line.removeprefix("Format: ").split(", ")
            continue
        values = line.removeprefix("Dialogue: ").split(",", len(fields) - 1)
        event = dict(zip(fields, values, strict=True))
        start, end = (_ASS_TIME.fullmatch(event[name]) for name in ("Start", "End"))
        if not line.startswith("Dialogue: ") or start is None or end is None:
            problems.append(f"bad line {line!r}")
            continue
        start_s, end_s = (int(h) * 3600 + int(m) * 60 + float(s) for h, m, s in (start.groups(), end.groups()))
        if not end_before <= start_s < end_s:
            problems.append(f"bad times {line!r}")
        if re.search(r"[{}\x00-\x1f\x7f-\x9f]|\\(?!N)", event["Text"]) or not event["Text"].strip():
            problems.append(f"bad text {line!r}")
        end_before = end_s
    return problems


def check_tsv(text: str) -> list[str]:
    """What is wrong with the table of cues `text`; nothing if it is right."""
    head, *lines = text.removesuffix("\n").split("\n")
    problems = [] if head == "start\tend\ttext" and text.endswith("\n") else [f"file: begins with {head!r}"]
    end_before = 0
    for line in lines:
        start, end, words = line.split("\t")
        if not end_before <= int(start) < int(end) or not words.strip():
            problems.append(f"bad line {line!r}")
        end_before = int(end)
    return problems


def read_srt(text: str) -> list[Cue]:
    """The cues of a file that is right."""
    problems, cues = _check(text, _SRT_TIMES)
    assert not problems, problems
    return cues


def _check(text: str, times: re.Pattern[str]) -> tuple[list[str], list[Cue]]:
    problems = []
    cues: list[Cue] = []
    if text and not text.endswith("\n\n"):
        problems.append("file: does not end with a blank line after its last cue")
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in text.replace("\n", "")) or "\ufeff" in text:
        problems.append("file: control character, carriage return, surrogate or byte order mark")
    blocks = text.removesuffix("\n\n").split("\n\n") if text else []
    for number, block in enumerate(blocks, 1):
        index, times_line, *lines = [*block.split("\n"), "", ""][: max(2, block.count("\n") + 1)]
        if index != str(number):
            problems.append(f"cue {number}: its index is {index!r}, or a blank line stands in the cue before")
        found = times.fullmatch(times_line)
        if found is None:
            problems.append(f"cue {number}: bad times {times_line!r}")
            continue
        values = [int(value) for value in found.groups()]
        start_ms, end_ms = (((h * 60 + m) * 60 + s) * 1000 + ms for h, m, s, ms in (values[:4], values[4:]))
        if start_ms >= end_ms:
            problems.append(f"cue {number}: lasts {end_ms - start_ms} ms")
        if cues and start_ms / 1000 < cues[-1].end_s:
            problems.append(f"cue {number}: starts before the one before it ends")
        if not lines:
            problems.append(f"cue {number}: has no text")
        if any(not line.strip() for line in lines):
            problems.append(f"cue {number}: has a blank line")
        if any("-->" in line for line in lines):
            problems.append(f"cue {number}: has an arrow in its text")
        cues.append(Cue(start_ms / 1000, end_ms / 1000, "\n".join(lines)))
    return problems, cues
