"""The page of the claims: every sentence follows from the rows that it is about."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from svlm_cli.core.policy import StreamPolicy, WindowPolicy
from svlm_cli.evals.claims.page import MARK, claim, command, write_page
from svlm_cli.evals.claims.questions_file import read_questions
from svlm_cli.evals.claims.results import RowResult, merge
from svlm_cli.evals.claims.rows import ROWS, find_row
from svlm_cli.evals.claims.training_file import read_training
from tests.evals.claims.rows import flat, renamed, result, with_rates
from tests.test_docs import faults

PLOTS = [("Quality", "assets/claims-quality.png")]


def rows(*results: RowResult) -> dict[str, RowResult]:
    return {one.setting.row: one for one in results}


def page(*results: RowResult) -> str:
    return write_page(rows(*results), "results", PLOTS)


def cells(text: str, row: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {row} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize(
    ("right", "ending"),
    [
        (2, ": lower, **agrees**."),
        (6, ": no difference found, **not reproduced**."),
        (9, ": higher, **the other way round**."),
    ],
)
def test_a_claim_in_each_outcome(right: int, ending: str) -> None:
    """Guards against a page that says what the paper says, whatever was measured."""
    found = claim(
        find_row("native-positions"), rows(result("native-positions", [right] * 5), result("streaming", [6] * 5))
    )
    assert found.startswith("The paper: 25.09 against 66.18, lower. Here: event F1 0.")
    assert re.search(
        r"F1 0\.\d{3} \[.*\] against 0\.650 \[.*\] for streaming, over the first 5 minutes of the same", found
    )
    assert found.endswith(ending)


@pytest.mark.parametrize(
    ("right", "ending"),
    [
        (6, ": no difference found, **agrees**, as far as these intervals can tell."),
        (2, ": lower, **does not agree**."),
        (0, ": lower, **does not agree**."),
    ],
)
def test_a_claim_that_two_are_level(right: int, ending: str) -> None:
    """Guards against reading a proof of sameness from two wide intervals."""
    compared = rows(result("window-overlap", [right] * 5), result("streaming", [6] * 5))
    text = claim(find_row("window-overlap"), compared)
    assert "66.54 against 66.18, level." in text
    assert ending in text


def test_a_claim_that_scores_alone_bear_out() -> None:
    """Guards the reader, who must see which rate an order was read from."""
    compared = rows(
        with_rates(result("text-window-0", [6] * 5), names=9, scores=2),
        with_rates(result("streaming", [6] * 5), names=9, scores=9),
    )
    text = claim(find_row("text-window-0"), compared)
    assert "matches: no difference found; scores 0.200 [0.200, 0.200] against 0.900 [0.900, 0.900]: lower" in text
    assert text.endswith(": lower, **agrees**.")


def test_silent_models_prove_nothing() -> None:
    compared = rows(result("window-overlap", [0] * 5), result("streaming", [0] * 5))
    nothing = "**no event is correct, so nothing can be concluded**"
    assert f"no difference found, {nothing}." in claim(find_row("window-overlap"), compared)
    assert f"no change found, {nothing}." in claim(find_row("streaming"), compared)


def test_claims_without_a_figure_or_a_partner() -> None:
    wide = rows(result("vision-8", [2] * 5), result("vision-16", [6] * 5, seed=4))
    text = claim(find_row("vision-8"), wide)
    assert text.startswith("The paper has no number for it. Here: event F1 0.250 [")
    assert text.endswith("5 minutes of other matches: lower.")
    alone = claim(find_row("window"), rows(result("window", [2] * 5)))
    assert alone.endswith("Here: its reference, streaming, is not measured yet.")
    assert claim(find_row("window"), wide) == "Not measured yet."


def test_one_measurement_in_two_rows_is_said_to_be_one() -> None:
    """Guards against a row that is found to be as good as itself."""
    both = rows(result("streaming", [6] * 5), result("vision-16", [6] * 5))
    assert claim(find_row("vision-16"), both).endswith("This is the measurement of streaming.")
    assert "This is the measurement" not in claim(find_row("streaming"), both)
    no_sink = StreamPolicy(windows=WindowPolicy(sink_tokens=0))
    same = rows(result("streaming", [6] * 5, base=no_sink), result("sink-0", [6] * 5, base=no_sink))
    assert claim(find_row("sink-0"), same).endswith("so this is the measurement of streaming.")


def test_a_row_that_breaks_says_when() -> None:
    """Guards `full`: its last fifths are silent, and the reader must know why."""
    broken = result(
        "full", [6, 5, 3, 0, 0], ended_at_s=[186.0, 180.0, 192.0, 186.0], round_s=(0.01, 0.02, 0.04, None, None)
    )
    text = claim(find_row("full"), rows(broken, result("streaming", [6] * 5)))
    assert "4 of 4 matches ended after 3 to 3.2 minutes and are silent from then on." in text
    assert ": falls, **agrees**." in text
    assert (
        "takes 10.0, 20.0, 40.0 ms in the fifths of the video, 4.00 times as long in the last one reached as in" in text
    )
    assert text.endswith(": longer, **agrees**.")
    assert cells(page(broken), "full")[11:14] == ["12.0", "10.0", "-"]


def test_every_row_is_listed_measured_or_not() -> None:
    """Guards against a table that looks whole because a row is left out."""
    text = page(result("streaming", [6] * 5), result("full", [2] * 5))
    assert text.startswith(MARK)
    found = {row.name: cells(text, row.name) for row in ROWS}
    assert {name for name, row in found.items() if row[3] == "not measured yet"} == {row.name for row in ROWS} - {
        "streaming",
        "full",
    }
    assert len({len(row) for row in found.values()}) == 1
    assert found["streaming"][2:4] == ["66.18", found["streaming"][3]]
    assert re.fullmatch(r"0\.650 \[0\.\d{3}, 0\.\d{3}\]", found["streaming"][3])
    assert found["streaming"][-3:] == ["5", "4", "cpu, float32"]
    assert text.count("Not measured yet.") == len(ROWS) - 2
    assert "![Quality](assets/claims-quality.png)" in text


def test_the_same_rows_make_the_same_page() -> None:
    """Guards diffs: a page changes when a result does."""
    made = [page(result("streaming", [6] * 5), result("full", [2] * 5)) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0] != page(result("streaming", [6] * 5), result("full", [3] * 5))


def test_the_published_page_is_what_the_published_rows_say() -> None:
    """Guards docs/claims.md against a hand that mends it, and against rows that are not those it was made of."""
    docs = Path(__file__).parents[3] / "docs"
    plots = [
        ("Event F1 over the stream", "assets/claims-quality.png"),
        ("Time of a round over the stream", "assets/claims-latency.png"),
    ]
    assert (docs / "claims.md").read_text(encoding="utf-8") == write_page(
        merge(docs / "claims"), "claims", plots, read_questions(docs / "claims"), read_training(docs / "claims")
    )
    assert all((docs / link).is_file() for _, link in plots)


def test_the_commands_are_those_that_made_the_rows() -> None:
    """Guards whoever wants to make a row again; `svlm` itself is asked whether it understands the line."""
    assert command(result("full", [2] * 5, matches=3, seed=9), "results") == (
        "svlm eval claims results --row full --model my-model --matches 3 --minutes 5 --seed 9 --fps 2 --device cpu "
        "--dtype float32"
    )
    assert "--no-overlap-model my-model" in command(result("no-overlap", [2] * 5), "results")
    odd = result("streaming", [6])
    odd = replace(odd, setting=replace(odd.setting, seconds=100))
    minutes = command(odd, "my results").split("--minutes ")[1].split()[0]
    assert round(float(minutes) * 60) == 100
    text = page(result("streaming", [6] * 5), result("no-overlap", [2] * 5))
    assert text.count("\nsvlm eval claims ") == 2
    assert faults(text) == []


def test_names_break_no_page() -> None:
    """Guards the page against the name of a folder, which may be anything."""
    text = page(renamed(result("streaming", [6] * 5), "a|b`c\n```\n<script>\x1b[2J"))
    assert not any(sign in text for sign in ("<script>", "\x1b", "a|b"))
    assert text.count("```") == 2
    assert len(cells(text, "streaming")) == len(cells(text, "full"))


def test_times_of_different_devices_are_not_compared() -> None:
    one, other = result("streaming", [6] * 5), result("full", [2] * 5)
    warning = "only times on the same device can be compared"
    assert warning not in flat(page(one, other))
    assert warning in flat(page(one, replace(other, place=replace(other.place, hardware="H200"))))
