"""The rows: each changes what it says and nothing else, and the paper's order is read from its numbers."""

from dataclasses import replace

import pytest

from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import Mode, PromptPolicy, SamplingPolicy, StreamPolicy, VisionPolicy, WindowPolicy
from svlm_cli.evals.claims.rows import (
    FULL_TOKENS,
    ROWS,
    Order,
    Paper,
    choose_rows,
    find_row,
    measured_as,
)

BASE = StreamPolicy(
    vision=VisionPolicy(fps=4.0),
    windows=WindowPolicy(vision_rounds=12, text_rounds=9, sink_tokens=64, window_tokens=96, full_tokens=999),
    prompt=PromptPolicy(query="Go on"),
    sampling=SamplingPolicy(temperature=0.0),
)


def test_every_row_changes_what_it_says_alone() -> None:
    """Guards the comparisons: two rows that differ in more than one thing compare nothing."""
    windows = BASE.windows
    changed = {
        "streaming": BASE,
        "full": replace(BASE, mode=Mode.FULL, windows=replace(windows, full_tokens=FULL_TOKENS)),
        "window": replace(BASE, mode=Mode.WINDOW),
        "window-overlap": replace(BASE, mode=Mode.WINDOW_OVERLAP),
        "native-positions": replace(BASE, mode=Mode.NATIVE_POSITIONS),
        "sink-0": replace(BASE, windows=replace(windows, sink_tokens=0)),
        "text-window-0": replace(BASE, windows=replace(windows, window_tokens=0)),
        **{
            f"vision-{seconds}": replace(BASE, windows=replace(windows, vision_rounds=seconds))
            for seconds in (0, 1, 4, 8, 16)
        },
        "no-overlap": BASE,
    }
    assert {row.name: row.policy(BASE) for row in ROWS} == changed
    assert [row.name for row in ROWS if row.no_overlap] == ["no-overlap"]


def test_vision_windows_are_seconds() -> None:
    """Guards models whose rounds are not a second: 16 s are 8 rounds of 2 s, and 1 s is none."""
    slow = replace(BASE, chunk_seconds=2.0)
    assert find_row("vision-16").policy(slow).windows.vision_rounds == 8
    assert find_row("vision-0").policy(slow).windows.vision_rounds == 0
    with pytest.raises(UsageError, match="rounds of 2 s do not add up"):
        find_row("vision-1").policy(slow)


def test_a_row_that_is_streaming_itself_is_as_long() -> None:
    """Guards against measuring the same streams twice, because one of the two rows is shorter."""
    same = replace(BASE, windows=replace(BASE.windows, vision_rounds=16))
    assert measured_as(find_row("vision-16"), same).minutes == measured_as(find_row("streaming"), same).minutes == 120
    assert measured_as(find_row("vision-8"), same).minutes == 30
    assert measured_as(find_row("vision-16"), BASE).minutes == 30
    assert measured_as(find_row("no-overlap"), same).minutes == 30, "another model's"
    assert measured_as(find_row("full"), same).minutes == 15
    assert measured_as(find_row("vision-16"), same).matches == measured_as(find_row("streaming"), same).matches == 20
    assert measured_as(find_row("full"), same).matches == 160


def test_rows_are_chosen_by_what_there_is_a_model_for() -> None:
    everything = [row.name for row in ROWS]
    assert [row.name for row in choose_rows((), model=True, no_overlap_model=True)] == everything
    assert [row.name for row in choose_rows((), model=True, no_overlap_model=False)] == everything[:-1]
    assert [row.name for row in choose_rows((), model=False, no_overlap_model=True)] == ["no-overlap"]
    chosen = choose_rows(("window", "full", "window"), model=True, no_overlap_model=False)
    assert [row.name for row in chosen] == ["full", "window"]
    with pytest.raises(UsageError, match="no row 'ful'"):
        choose_rows(("ful",), model=True, no_overlap_model=True)
    with pytest.raises(UsageError, match=r"no-overlap .* --no-overlap-model"):
        choose_rows(("no-overlap",), model=True, no_overlap_model=False)
    with pytest.raises(UsageError, match=r"full .* --model"):
        choose_rows(("full",), model=False, no_overlap_model=True)


def test_the_papers_orders() -> None:
    """Guards the side that we are compared with: each order is that of the paper's own numbers."""
    orders = {row.name: row.paper.order for row in ROWS}
    assert {name for name, order in orders.items() if order is None} == {
        "streaming",
        "vision-4",
        "vision-8",
        "vision-16",
    }
    assert {name for name, order in orders.items() if order is Order.LEVEL} == {"window-overlap"}
    assert Order.HIGHER not in orders.values()
    assert Paper(70.0, "streaming", 66.18).order is Order.HIGHER
    named = {row.name for row in ROWS}
    assert all(row.paper.against in named for row in ROWS if row.paper.against)
