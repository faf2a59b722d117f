"""The figures of the documentation are those that were simulated."""

from tests.bench.fleet import figures
from tests.conftest import ROOT


def test_tables_hold_the_results() -> None:
    """Guards tables against results that are newer, and against typing errors."""
    page = (ROOT / "docs" / "fleet.md").read_text(encoding="utf-8")
    rows = [*figures.recovery_rows(), *figures.load_rows()]
    assert len(rows) > 9
    assert [row for row in rows if row not in page] == []


def test_nobody_was_watched_twice_or_left() -> None:
    """Guards the sentence that says so."""
    assert (figures.watched_twice(), figures.without_words()) == (0, 0)
