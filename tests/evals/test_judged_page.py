"""docs/judged.md: its tables are what the reports beside it say."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"
MODES = ("streaming", "window-overlap", "window", "recent", "full")


def _per_cent(value: float) -> str:
    return f"{100 * value:.1f}"


def _interval(one: dict[str, float]) -> str:
    return f"{_per_cent(one['value'])} [{_per_cent(one['low'])}, {_per_cent(one['high'])}]"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _judged(one: dict[str, Any]) -> str:
    name = one["control"] or one["b"]["name"].removesuffix(".jsonl")
    fifths = (_per_cent(fifth["value"]) for fifth in one["fifths"])
    return _row(name, _interval(one["win_rate"]), *fifths, f"{one['agreement']['value']:.3f}").removesuffix(" |")


def _expected() -> Iterator[str]:
    report = json.loads((DOCS / "judged" / "report.json").read_text(encoding="utf-8"))
    yield from map(_judged, (*report["comparisons"], *report["controls"]))
    for mode in MODES:
        found = json.loads((DOCS / "judged" / f"timeliness-{mode}.json").read_text(encoding="utf-8"))["timeliness"]
        shares = (_per_cent(found["overall"][name]["value"]) for name in ("in_time", "early", "late", "never"))
        fifths = (_per_cent(fifth["f1"]["value"]) for fifth in found["fifths"])
        yield _row(mode, _interval(found["overall"]["f1"]), *shares, *fifths)


def test_the_tables_are_what_was_measured() -> None:
    """Guards against a hand that mends a number."""
    page = (DOCS / "judged.md").read_text(encoding="utf-8")
    expected = list(_expected())
    assert len(expected) == 12
    for row in expected:
        assert row in page
