"""The tables of docs/fleet.md, made from the results in docs/fleet/.

`.venv/bin/python -m tests.bench.fleet.figures` prints them.
"""

import json
import sys
from typing import Any, Final

from tests.conftest import ROOT

FOLDER: Final = ROOT / "docs" / "fleet"
SIZES: Final = ("10", "100", "1000")  # nodes
_CAUSES: Final = {"node": "a node dies", "gpu": "a GPU dies", "partition": "a rack is out of reach", "move": "moved"}


def _read(name: str) -> dict[str, Any]:
    found = json.loads((FOLDER / f"{name}-nodes.json").read_text(encoding="utf-8"))
    return {**found["setting"], **found["results"][0]}


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def recovery_rows() -> list[str]:
    """What happens | nodes | times | cameras | p50 | p95 | p99 | the longest."""
    rows = []
    for cause, name in _CAUSES.items():
        for size in SIZES:
            one = _read(size)
            (found,) = (each for each in one["recoveries"] if each["cause"] == cause)
            times = (_seconds(found[key]) for key in ("p50_s", "p95_s", "p99_s", "max_s"))
            happened = one["failures"].get(cause, 0) if cause != "move" else "-"
            if found["cameras"]:
                cells = [name, f"{one['nodes']:,}", str(happened), f"{found['cameras']:,}", *times]
                rows.append(f"| {' | '.join(cells)} |")
    return rows


def load_rows() -> list[str]:
    """Nodes | workers | cameras | messages a second | MB | cores, its code | cores, with messages."""
    rows = []
    for size in SIZES:
        one = _read(size)
        cost = one["supervisor"]
        cells = [f"{one['nodes']:,}", f"{one['nodes'] * one['gpus']:,}", f"{one['cameras']:,}"]
        cells += [f"{cost['messages_per_s']:,.0f}", f"{cost['bytes_per_s'] / 1e6:.1f}"]
        cells += [f"{cost['cores']:.3f}", f"{cost['cores_whole']:.2f}", f"{cost['cameras_most_whole']:,}"]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def watched_twice() -> int:
    """Of all sizes together."""
    return sum(_read(size)["watched_twice"] for size in SIZES)


def without_words() -> int:
    """Cameras at the end, of all sizes together."""
    return sum(_read(size)["without_words"] for size in SIZES)


if __name__ == "__main__":
    sys.stdout.write("\n".join([*recovery_rows(), "", *load_rows(), ""]))
