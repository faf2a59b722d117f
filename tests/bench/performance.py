"""The tables of docs/performance.md, made of docs/performance/*.json, which the script `measure.sh` there writes.

    .venv/bin/python -m tests.bench.performance

writes them anew, each between two comments that name it. What stands outside of them is not touched.
"""

import json
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch

from svlm_cli.bench.subject import Subject
from svlm_cli.core.policy import VisionPolicy
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "performance.md"
FOLDER = ROOT / "docs" / "performance"

_TABLE = re.compile(r"^(<!-- table: (\w+) -->\n).*?^(<!-- end -->)$", re.DOTALL | re.MULTILINE)
_PUBLISHED: Final = {"2-256": 0.742, "8-256": 1.189, "2-768": 0.808, "8-768": 2.094}  # measured outside of this project
_MODES: Final = {
    "streaming": "",
    "full": "ends after {rounds} s: its cache of 32,768 tokens is full",
    "window": "restarts at times, and grows in between",
    "window-overlap": "the same words as streaming, everything recomputed",
}
_MORE: Final = (  # what, row, command
    ("one decoding step, {held:,} tokens in context, 1 stream", "step-1", "stages --pair-tokens 320"),
    ("the same, 32 streams", "step-32", "stages --pair-tokens 320 --streams 32"),
    ("the same, 1 stream, in eight bits", "step-1-fp8", "stages --pair-tokens 320 --dtype fp8"),
    ("the same, 32 streams, in eight bits", "step-32-fp8", "stages --pair-tokens 320 --streams 32 --dtype fp8"),
    (
        "one stream of 56 FPS, 256 tokens, 5 tokens a round; {held:,} tokens in context",
        "fps-56",
        "stages --fps 56 --pair-tokens 256 --tokens 5",
    ),
    (
        "one stream of 120 FPS, the vision window capped; {held:,} tokens in context",
        "fps-120-capped",
        "stages --fps 120 --pair-tokens 256 --tokens 5 --vision-tokens 16384",
    ),
    (
        "eviction: tokens moved and rotated again, {held:,} in context",
        "stages-8-256",
        "stages --fps 8 --pair-tokens 256",
    ),
    (
        "an hour of video, 2 FPS, 256 tokens, 5 tokens a round",
        "hour",
        "latency --pair-tokens 256 --tokens 5 --rounds 3600",
    ),
)
_MISSING = "not measured yet"
_TOKEN_PIXELS = 28 * 28
_GB = 1e9


class Row:
    """What one command measured: its setting and its results. None of it, if it was not run yet."""

    def __init__(self, folder: Path, name: str) -> None:
        path = folder / f"{name}.json"
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        self.there = bool(found)
        self.setting: dict[str, Any] = found.get("setting", {})
        self.results: list[dict[str, Any]] = found.get("results", [{}])

    def number(self, name: str, form: str = "{:.3f}", scale: float = 1.0) -> str:
        """One of the first result."""
        value = self.results[0].get(name)
        return _MISSING if value is None else form.format(value if scale == 1 else value * scale)

    def ms(self, name: str, digits: int = 1) -> str:
        """A time."""
        return self.number(name, f"{{:.{digits}f}}", 1000)


def _lines(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (headings, ["---"] * len(headings), *rows))


def _video(name: str) -> str:
    fps, tokens = name.split("-")
    return f"{fps} FPS, {tokens} tokens"


def _full_s(row: Row) -> float | None:
    """The median with full windows."""
    value: float | None = row.results[0].get("round_s_full")
    return value


def seconds(folder: Path) -> str:
    """A second of video, in all."""
    rows = []
    for name, published in _PUBLISHED.items():
        latency, playback = Row(folder, f"latency-{name}"), Row(folder, f"playback-{name}")
        taken = _full_s(latency)
        own = [_MISSING] * 2 if taken is None else [f"{taken:.3f}", f"{1 / taken:.1f}"]
        rows.append([_video(name), f"{published:.3f}", own[0], playback.number("round_s"), own[1]])
    headings = ["video", "published", "svlm, median", "svlm from a 720p file, mean", "times real time"]
    return _lines(headings, rows)


def live(folder: Path) -> str:
    """Live streams, by what they are of."""
    rows = []
    for name in ("streams-56", "streams-64"):
        row = Row(folder, name)
        if row.there:
            streams = str(row.results[0]["streams"])
            rows.append(
                [streams, "pictures in memory", row.ms("round_s_median", 0), row.ms("round_s_p99", 0), "-", "-"]
            )
    for count in ("32", "48", "56", "64"):
        row = Row(folder, f"decode-{count}")
        first = row.results[0]
        times = [row.ms("latency_s_median", 0), row.ms("latency_s_p99", 0)]
        lost = f"{first['dropped']} of {first['dropped'] + first['rounds']}" if row.there else _MISSING
        cores = _MISSING
        if row.there:
            svlm, decoding = first["cpu_cores_svlm"], first["cpu_cores_decoding"]
            cores = f"{svlm:.1f} + {decoding:.1f} of {row.setting['cpus']}"
        rows.append([count, "720p H.264, decoded", *times, lost, cores])
    headings = ["streams", "of", "median ms", "99th percentile", "rounds dropped", "cores busy: svlm + decoding"]
    return _lines(headings, rows)


def more(folder: Path) -> str:
    """Single figures, each with its command."""
    rows = []
    for what, name, bench in _MORE:
        row = Row(folder, name)
        told = what.format(held=row.results[0].get("context_tokens", 0))
        rows.append([told, _measured(row, what), f"`{bench}`"])
    return _lines(["", "measured", "command: `svlm bench ... --random-weights 7b`"], rows)


def _measured(row: Row, what: str) -> str:
    if what.startswith("an hour"):
        growth = row.number("device_growth_bytes", "{:,}")
        second, last = row.ms("round_s_second_minute"), row.ms("round_s_last_minute")
        return f"second minute {second} ms a round, last minute {last}; GPU memory since round 300: {growth} bytes more"
    if what.startswith("eviction"):
        return f"{row.ms('eviction_s', 2)} ms"
    if what.startswith("one stream"):
        return f"{row.number('round_s')} s a round"
    return f"{row.ms('step_s', 2)} ms"


def modes(folder: Path) -> str:
    """The paper's figure, in numbers."""
    rows = []
    for name in ("modes", "modes-overlap"):
        row = Row(folder, name)
        for result in row.results if row.there else []:
            median = f"{result['token_s_median'] * 1000:.1f} ms"
            note = _MODES[result["mode"]].format(rounds=result["rounds"])
            rows.append([f"`{result['mode']}`", median, f"{result['context_tokens']:,}", note])
    return _lines(["mode", "median a token", "tokens in context at the end", ""], rows)


def memory(folder: Path) -> str:
    """What is computed of shapes, beside what was measured."""
    asked = [
        ("3b", 2, 256, 1, ""),
        ("3b", 8, 256, 1, ""),
        ("7b", 2, 256, 1, "stages-2-256"),
        ("7b", 8, 256, 1, "stages-8-256"),
        ("7b", 2, 768, 1, "stages-2-768"),
        ("7b", 8, 768, 1, "stages-8-768"),
        ("7b", 2, 256, 64, ""),
        ("7b", 2, 320, 32, "step-32"),
        ("7b, fp8", 2, 320, 1, "step-1-fp8"),
    ]
    rows = []
    for model, fps, tokens, streams, name in asked:
        subject = Subject.random(model.partition(",")[0])
        pixels = tokens * _TOKEN_PIXELS
        vision = VisionPolicy(fps=fps, min_pixels=min(subject.policy.vision.min_pixels, pixels), max_pixels=pixels)
        policy = replace(subject.policy, vision=vision)
        dtype = torch.float8_e4m3fn if "fp8" in model else torch.bfloat16
        taken = subject.footprint(policy, dtype, streams=streams)
        parts = [f"{one / _GB:.2f}" for one in (taken.weights, taken.cache, taken.working, taken.total)]
        peak = Row(folder, name).number("peak_bytes", "{:.2f}", 1 / _GB) if name else "-"
        rows.append([model, str(fps), str(tokens), str(streams), *parts, peak])
    headings = ["model", "FPS", "tokens", "streams", "weights GB", "cache", "a round", "at most", "measured peak"]
    return _lines(headings, rows)


def stages(folder: Path) -> str:
    """Where the time of a round goes."""
    rows = []
    for name in _PUBLISHED:
        row = Row(folder, f"stages-{name}")
        times = [row.ms("vision_s"), row.ms("eviction_s", 2), *(row.ms(one) for one in ("prefill_s", "decode_s"))]
        held = row.number("context_tokens", "{:,}")
        rows.append([_video(name), held, *times, row.ms("step_s", 2), row.ms("round_s")])
    return _lines(["video", "tokens in context", "vision", "eviction", "prefill", "decode", "a step", "a round"], rows)


def where(folder: Path) -> str:
    """On what, and with which versions."""
    rows = [Row(folder, path.stem) for path in sorted(folder.glob("*.json")) if path.stem != "about"]
    about = folder / "about.json"
    places = dict.fromkeys(_place(row.setting) for row in rows)
    lines = [textwrap.fill(f"- {place}.", 120, subsequent_indent="  ", break_on_hyphens=False) for place in places]
    if about.is_file():
        told = json.loads(about.read_text(encoding="utf-8"))
        lines.append(f"- Measured on {told['date']}, commit `{told['commit']}`, {told['cpus']} cores.")
    return "\n".join(lines)


def _place(setting: dict[str, Any]) -> str:
    versions = dict(setting["versions"])
    driver, cuda = versions.pop("driver", None), versions.pop("cuda", None)
    parts = [setting["hardware"], *([f"driver {driver}"] if driver else []), *([f"CUDA {cuda}"] if cuda else [])]
    return ", ".join([*parts, *(f"{name} {version}" for name, version in versions.items()), setting["dtype"]])


TABLES: Final[dict[str, Callable[[Path], str]]] = {
    one.__name__: one for one in (where, seconds, live, more, modes, memory, stages)
}


def written(page: str, folder: Path) -> str:
    """The page with its tables made anew."""
    return _TABLE.sub(lambda match: f"{match[1]}{TABLES[match[2]](folder)}\n{match[3]}", page)


def named(page: str) -> Iterator[str]:
    """The tables that a page has."""
    return (match[2] for match in _TABLE.finditer(page))


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), FOLDER), encoding="utf-8")
