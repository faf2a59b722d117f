"""What a statement about a real clip is worth: true, false, or for nobody to say."""

import pytest

from svlm_cli.evals.footage.reading import read
from tests.evals.footage import ideal
from tests.evals.footage.judging import asked, judge
from tests.evals.footage.labels import Label, Value


def _label(
    kind: str, start_s: float, end_s: float, thing: int | None = None, /, *, sure: bool = True, **values: Value
) -> Label:
    also: dict[str, tuple[Value, ...]] = {"place": ("right top",)} if kind == "stops" else {}
    return Label("clip", kind, start_s, end_s, {**values}, also, thing, sure, "")


LABELS = [
    _label("shot", 0, 30, how="start"),
    _label("shot", 30, 60, how="cut"),
    _label("camera", 0, 20, does="still"),
    _label("camera", 20, 25, does="pans left"),
    _label("camera", 25, 60, does="still"),
    _label("motion", 0, 40, amount="some"),
    _label("motion", 40, 60, amount="nothing"),
    Label("clip", "motion", 60, 80, {"amount": "little"}, {"amount": ("nothing",)}, None, sure=False, note=""),
    Label("clip", "camera", 60, 80, {"does": "shakes"}, {"does": ("still", "tilts up")}, None, sure=False, note=""),
    Label("clip", "light", 60, 80, {"is": "normal"}, {"is": ("dark",)}, None, sure=False, note=""),
    Label("clip", "light", 0, 60, {"is": "normal"}, {}, None, sure=True, note=""),
    _label("enters", 5, 6, 1, side="left", size="large"),
    _label("moves", 6, 10, 1, direction="right", place="left top", size="large"),
    _label("moves", 6.5, 10, 1, direction="away", place="left top", size="large"),
    _label("moves", 7, 9, 2, direction="right", place="left top", size="small", sure=False),
    _label("stops", 10, 10.5, 1, place="middle top", size="large"),
    _label("moves", 50, 55, 3, direction="about", place="left top", size="small"),
]


@pytest.mark.parametrize(
    ("second", "sentence", "true"),
    [
        (6, "Something enters from the left.", True),
        (6, "Something large enters from the left.", True),
        (6, "Something small enters from the left.", False),
        (6, "Something enters from the right.", False),
        (16, "Something enters from the left.", False),
        (3, "Something enters from the left.", False),
        (9, "Something moves right.", True),
        (9, "It goes away.", True),
        (9, "Something moves left.", False),
        (9, "Two things move right.", None),
        (9, "Three things move right.", False),
        (9, "Something small moves right.", None),
        (11, "It stops in the middle.", True),
        (11, "It stops on the right.", True),
        (11, "It stops on the left.", False),
        (21, "The camera pans left.", True),
        (21, "The camera pans right.", False),
        (26, "The camera stops.", True),
        (75, "Nothing moves.", None),
        (75, "The camera tilts up.", None),
        (75, "The camera tilts down.", False),
        (75, "It is dark.", None),
        (75, "It is bright.", False),
        (5, "The camera stops.", False),
        (30, "Cut.", True),
        (33, "Cut.", False),
        (1, "Cut.", False),
        (43, "Nothing moves.", True),
        (40, "Nothing moves.", False),
        (30, "Nothing moves.", False),
        (30, "It is dark.", False),
        (30, "It rains.", False),
    ],
)
def test_a_statement_is_held_against_the_seconds_before_it(second: int, sentence: str, true: bool | None) -> None:
    (said,) = read([*[""] * second, f" {sentence}"]).statements
    assert judge(said, LABELS).true is true


def test_what_may_be_asked_for() -> None:
    """Guards recall: a slant is asked once, what is not sure or happens on the spot not at all."""
    groups = [[(one.kind, one.main()) for one in group] for group in asked(LABELS)]
    assert groups == [
        [("shot", "cut")],
        [("camera", "pans left")],
        [("enters", "left")],
        [("moves", "right"), ("moves", "away")],
        [("stops", None)],
    ]


def test_the_rules_of_the_commentary_suit_real_clips(capsys: pytest.CaptureFixture[str]) -> None:
    """Guards rules that keep silent about a street full of people, and a judge who calls the truth false."""
    ideal.main()
    row = capsys.readouterr().out.splitlines()[-1].split()
    name, true, false, _open, _share, said, asked_for, _share = row
    assert (name, false) == ("all", "0")
    assert int(true) > 30
    assert int(said) / int(asked_for) > 0.5
