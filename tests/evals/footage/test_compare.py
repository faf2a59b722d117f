"""The comparer: which lines of two labellings agree, and what the README says of it."""

from dataclasses import replace

from tests.evals.footage.compare import agreed_s, compare, differences, lines_table
from tests.evals.footage.labels import FIRST, KINDS, SECOND, SETTLED, Label, read

MOVE = Label("cup.mp4", "moves", 2.0, 4.0, {"direction": "left", "place": "left top", "size": "small"}, {}, 1, True, "")
LITTLE = Label("cup.mp4", "motion", 0.0, 4.0, {"amount": "little"}, {}, None, True, "")
MUCH = Label("cup.mp4", "motion", 4.0, 8.1, {"amount": "much"}, {}, None, True, "")


def test_times_agree_within_a_second_or_by_half() -> None:
    """A long walk that two people end differently, and a short one at another time."""
    for start_s, end_s in ((3.0, 5.0), (2.0, 6.0), (1.1, 4.9)):
        assert compare([MOVE], [replace(MOVE, start_s=start_s, end_s=end_s)]).agree
    for start_s, end_s in ((3.1, 5.1), (2.0, 6.1), (5.0, 6.0)):
        comparison = compare([MOVE], [replace(MOVE, start_s=start_s, end_s=end_s)])
        assert (len(comparison.only_first), len(comparison.only_second)) == (1, 1)


def test_another_place_is_nearly_the_same_and_another_direction_is_not() -> None:
    """A thing on the border of two places counted as two things; a wrong direction counted as a detail."""
    lower = replace(MOVE, values=MOVE.values | {"place": "left middle"})
    back = replace(MOVE, values=MOVE.values | {"direction": "right"})
    assert compare([MOVE], [lower]).nearly == ((MOVE, lower),)
    assert compare([MOVE], [back]).only_second == (back,)


def test_what_a_thing_is_called_does_not_matter_and_where_it_is_does() -> None:
    """Two people who number things differently, and two clips with the same event."""
    assert compare([MOVE], [replace(MOVE, thing=7)]).agree
    assert not compare([MOVE], [replace(MOVE, clip="box.mp4")]).agree


def test_each_line_has_one_partner_and_the_closest() -> None:
    """One line that agrees with two, so that a missing one goes unseen."""
    later = replace(MOVE, start_s=2.5, end_s=4.5)
    comparison = compare([MOVE], [later, MOVE])
    assert comparison.agree == ((MOVE, MOVE),)
    assert comparison.only_second == (later,)


def test_seconds_of_agreement_do_not_depend_on_where_lines_are_split() -> None:
    """The same said in one line and in two taken for a difference."""
    two = [replace(LITTLE, end_s=1.0), replace(LITTLE, start_s=1.0)]
    assert round(agreed_s([LITTLE, MUCH], [*two, MUCH], "motion", "cup.mp4"), 2) == 8.1
    assert round(agreed_s([LITTLE, MUCH], [replace(LITTLE, end_s=8.1)], "motion", "cup.mp4"), 2) == 4.0


def test_differences_name_both_sides() -> None:
    """A list from which one cannot tell who said what."""
    lower = replace(MOVE, values=MOVE.values | {"size": "large"}, sure=False)
    text = differences(compare([MOVE, LITTLE], [lower, MUCH]))
    assert text.splitlines() == [
        "< cup.mp4 0.00-4.00 motion little",
        "~ cup.mp4 2.00-4.00 moves of 1 left, left top, small",
        "  cup.mp4 2.00-4.00 moves of 1 left, left top, large (not sure)",
        "> cup.mp4 4.00-8.10 motion much",
    ]


def test_the_readme_has_what_the_command_prints() -> None:
    """A table that was true of other labels."""
    readme = (SETTLED.parent / "README.md").read_text(encoding="utf-8")
    assert lines_table(compare(read(FIRST), read(SECOND)), KINDS, lambda one: one.kind) in readme
