"""What a commentary of footage states, and how it compares with the truth."""

import pytest

from svlm_cli.evals.footage.counts import FootageRate, scores, tally
from svlm_cli.evals.footage.reading import Said, read
from svlm_cli.simulator.footage.footage import EndlessFootage
from svlm_cli.simulator.footage.speech import texts
from svlm_cli.simulator.footage.statements import Statement, Topic

SECONDS = 300


def _told(*lines: str) -> list[Said]:
    return list(read(lines).statements)


def test_sentences_are_read_in_the_second_in_which_they_end() -> None:
    telling = read(["", " Something large enters", " from the left.", " It stops in the middle. Cut."])
    assert telling.statements == (
        Said(2, Statement(Topic.ENTERS, "left", size="large")),
        Said(3, Statement(Topic.STOPS, "middle")),
        Said(3, Statement(Topic.CUT, "cut")),
    )
    assert telling.unread == 0


def test_a_cut_breaks_a_sentence_off() -> None:
    telling = read([" Something large", " Cut. Nothing", " moves."])
    assert [one.statement.topic for one in telling.statements] == [Topic.CUT, Topic.STILL]


@pytest.mark.parametrize(
    ("text", "unread"),
    [(" Corner for Halfintis.", 1), (" something enters. The", 1), (" \x1b[2J . ..", 2), (" word" * 30, 1), ("", 0)],
)
def test_other_words_state_nothing(text: str, unread: int) -> None:
    """Guards against a model that is praised for what only sounds like a statement."""
    telling = read([text])
    assert (telling.statements, telling.unread) == ((), unread)


def test_a_statement_is_right_within_a_second_and_a_half() -> None:
    reference = _told("", "", " Cut.", "", "", "", " Something enters from the left.")
    early, late = _told("", " Cut.", "", "", "", "", ""), _told("", "", "", "", " Cut.", "", "")
    assert scores([tally(reference, early, 7)])[0][FootageRate.CUTS].value == 1.0
    assert scores([tally(reference, late, 7)])[0][FootageRate.CUTS].value == 0.0
    other = _told("", "", " Cut.", "", "", "", " Something enters from the right.")
    found = scores([tally(reference, other, 7)])[0]
    assert (found[FootageRate.CUTS].value, found[FootageRate.ENTERS].value, found[FootageRate.ALL].value) == (
        1.0,
        0.0,
        0.5,
    )
    assert found[FootageRate.LEAVES].value is None


def test_how_many_and_how_large_are_asked_apart() -> None:
    """Guards the F1 of entrances against falling for a size, which two careful people may see differently."""
    reference = _told(" Something large enters from the left.", "", "", " Two things move up.")
    said = _told(" Something small enters from the left.", "", "", " Many things move up.")
    found = scores([tally(reference, said, 4)])[0]
    assert found[FootageRate.ALL].value == 1.0
    assert found[FootageRate.SIZE].value == 0.0
    assert found[FootageRate.HOW_MANY].value == 0.5


@pytest.fixture(scope="module")
def told() -> list[tuple[str, ...]]:
    return [texts(EndlessFootage(seed), SECONDS) for seed in range(3)]


def _scored(told: list[tuple[str, ...]], said: list[tuple[str, ...]]) -> dict[FootageRate, float | None]:
    pairs = zip(told, said, strict=True)
    counts = [tally(read(ours).statements, read(theirs).statements, SECONDS) for ours, theirs in pairs]
    return {rate: one.value for rate, one in scores(counts)[0].items()}


def test_the_controls(told: list[tuple[str, ...]]) -> None:
    """Guards the measure: the reference itself is perfect, late it fails, silence is worth nothing."""
    assert sum(read(one).unread for one in told) == 0
    itself = _scored(told, told)
    assert {value for value in itself.values() if value is not None} == {1.0}
    late = _scored(told, [("", "", "", *one[:-3]) for one in told])
    assert (late[FootageRate.ALL] or 1.0) < 0.15
    empty = _scored(told, [("",) * SECONDS] * 3)
    assert empty[FootageRate.ALL] == 0.0
    another = _scored(told, [*told[1:], told[0]])
    assert (another[FootageRate.ALL] or 1.0) < 0.15
