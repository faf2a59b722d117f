"""A match is what its seed says, however it is asked for; and it plays by its own rules."""

from collections.abc import Callable

import numpy as np
import pytest

from svlm_cli.simulator.match.events import Kind
from svlm_cli.simulator.match.match import TICKS_PER_SECOND, Match, Scenes, Split
from svlm_cli.simulator.match.pitch import BOTTOM, CENTRE_Y, HALF_S, LEFT, MAX_SCORE, MOUTH, RIGHT, TOP
from tests.simulator.match.conftest import EACH_SEED, PLAYED_S, SEEDS, Spoken
from tests.simulator.match.listener import look

LONG_S = PLAYED_S
Played = Callable[[int], Spoken]


def _everything(match: Match, times_s: np.ndarray) -> list[np.ndarray]:
    scenes = match.scenes(times_s)
    return [scenes.players, scenes.ball, scenes.kits, scenes.score, scenes.scoreboard]


def test_the_same_seed_gives_the_same_match_in_any_steps() -> None:
    """Guards training data and evaluations that must stay what they were, however they are read."""
    times = np.arange(0, 400, 1 / TICKS_PER_SECOND)
    whole, stepped, other = Match(3), Match(3), Match(4)
    for until in np.arange(0, 400, 0.3):
        stepped.play(float(until))
    assert whole.context == stepped.context
    assert whole.events(0, 400) == stepped.events(0, 400)
    for one, two in zip(_everything(whole, times), _everything(stepped, times), strict=True):
        np.testing.assert_array_equal(one, two)
    assert whole.events(0, 400) != other.events(0, 400)


def test_the_splits_play_different_matches() -> None:
    assert Match(3, Split.TRAIN).events(0, 100) != Match(3, Split.EVAL).events(0, 100)


def test_moments_are_the_newest_ticks() -> None:
    """Guards the clock of all readers: the picture at a time is that of the tick before it, or of it."""
    match = Match(0)
    ticks = match.scenes(np.arange(80) / TICKS_PER_SECOND).ball
    np.testing.assert_array_equal(match.scenes(np.arange(80) / TICKS_PER_SECOND + 0.1).ball, ticks)
    np.testing.assert_array_equal(match.scenes([7 / 3]).ball[0], ticks[int(7 / 3 * TICKS_PER_SECOND)])


@pytest.mark.extra  # many hours of a match
def test_memory_is_bounded_and_says_so() -> None:
    """Guards endless matches, and against scenes of another time in place of those forgotten."""
    short, whole = Match(0, keep_s=60.0), Match(0)
    for until in range(0, 1800, 100):
        short.play(until)
    assert short.scenes([1700.0]).ball.tolist() == whole.scenes([1700.0]).ball.tolist()
    assert short.events(1700, 1750) == whole.events(1700, 1750)
    for ask in (lambda: short.scenes([1.0]), lambda: short.events(1.0, 2.0), lambda: whole.scenes([-1.0])):
        with pytest.raises(ValueError, match="forgotten"):
            ask()


def test_scenes_of_several_matches_can_be_joined() -> None:
    """Guards batches: each picture keeps its own kits."""
    one, two = Match(0).scenes([1.0, 2.0]), Match(1).scenes([1.0])
    joined = Scenes.join([one, two])
    assert len(joined) == 3
    np.testing.assert_array_equal(joined.kits[[0, 1, 2]], np.concatenate([one.kits, two.kits]))
    np.testing.assert_array_equal(joined.players[2], two.players[0])


@EACH_SEED
def test_the_score_is_what_the_goals_make_it(seed: int, spoken: Played) -> None:
    """Guards the truth itself: every goal counts once, games end and begin at nil, the board shows what is true."""
    match, _ = spoken(seed)
    score, game_over = [0, 0], False
    for event in match.events(0, LONG_S):
        if game_over:
            assert event.kind is Kind.KICK_OFF
            score, game_over = [0, 0], False
        if event.kind is Kind.GOAL:
            assert event.team is not None
            score[event.team] += 1
            board = match.scenes([event.time_s + 1.0, event.time_s + 4.5])
            assert board.scoreboard.all()
            assert board.score.tolist() == [score, score]
        assert event.score == tuple(score)
        assert max(score) <= MAX_SCORE
        assert event.kind in {Kind.HALF_TIME, Kind.FULL_TIME} or event.team in {0, 1}
        game_over = event.kind is Kind.FULL_TIME


def test_the_board_is_there_after_goals_alone(spoken: Played) -> None:
    """Guards the long memory: a board at other times would make it needless."""
    match, _ = spoken(0)
    times = np.arange(0, LONG_S, 0.5)
    scenes = match.scenes(times)
    goals = np.asarray([event.time_s for event in match.events(0, LONG_S) if event.kind is Kind.GOAL])
    since = times - np.asarray([max((goal for goal in goals if goal <= time), default=-99) for time in times])
    np.testing.assert_array_equal(scenes.scoreboard, (since >= 1.0) & (since <= 5.0))
    assert not scenes.score[~scenes.scoreboard].any()


@EACH_SEED
def test_everybody_stays_on_the_pitch_and_apart_from_the_ball(seed: int, spoken: Played) -> None:
    """Guards pictures that can be understood: on half seconds a ball is clearly at somebody's feet or clearly not."""
    match, _ = spoken(seed)
    scenes = match.scenes(np.arange(0, LONG_S, 0.5))
    x, y = scenes.players[..., 0], scenes.players[..., 1]
    assert ((x >= LEFT) & (x <= RIGHT) & (y >= TOP) & (y <= BOTTOM)).all()
    distance = np.sort(np.linalg.norm(scenes.players - scenes.ball[:, None], axis=2), axis=1)
    inside = (scenes.ball[:, 0] >= LEFT) & (scenes.ball[:, 0] <= RIGHT) & (scenes.ball[:, 1] >= TOP)
    inside &= scenes.ball[:, 1] <= BOTTOM
    assert (((distance[:, 0] < 10) | (distance[:, 0] > 12)) & (distance[:, 1] > 12))[inside].all()
    assert 0.5 < (distance[:, 0] < 10).mean() < 0.9


@EACH_SEED
def test_what_happens_can_be_seen_when_it_happens(seed: int, spoken: Played) -> None:
    """Guards the log against the picture: whose ball, in which net, at which line."""
    match, _ = spoken(seed)
    events = match.events(0, LONG_S)
    scenes = match.scenes([event.time_s for event in events])
    for moment, event in enumerate(events):
        x, y = scenes.ball[moment].tolist()
        seen = look(scenes, moment)
        assert event.time_s % 0.5 == 0
        right = event.team == 0
        match event.kind:
            case Kind.GOAL:
                assert x > RIGHT if right else x < LEFT
                assert abs(y - CENTRE_Y) <= MOUTH
            case Kind.MISS:
                assert x > RIGHT if right else x < LEFT
                assert abs(y - CENTRE_Y) > MOUTH + 4
            case Kind.HALF_TIME | Kind.FULL_TIME:
                assert seen.lines == event.kind.value.removesuffix("_time")
            case Kind.SHOT:
                assert (seen.place, seen.team, seen.in_box) == ("loose", event.team, True)
            case _:
                assert (seen.place, seen.team) == ("held", event.team)
        if event.kind is Kind.CORNER:
            assert (x, y) in {(RIGHT if right else LEFT, TOP), (RIGHT if right else LEFT, BOTTOM)}
        if event.kind is Kind.THROW_IN:
            assert y in {TOP, BOTTOM}


def test_events_leave_time_to_be_said(spoken: Played) -> None:
    """Guards the commentary: two events in one second could not both be said in time."""
    times = np.asarray([event.time_s for event in spoken(0)[0].events(0, LONG_S)])
    assert np.diff(times).min() >= 1.0


@pytest.mark.extra  # four matches
def test_every_kind_happens_and_the_game_does_not_stand_still(spoken: Played) -> None:
    """Guards the balance of the game: all that can be said is said often enough to be learned and measured."""
    events = [event for seed in SEEDS for event in spoken(seed)[0].events(0, LONG_S)]
    each_minute = {kind: sum(event.kind is kind for event in events) / (len(SEEDS) * LONG_S / 60) for kind in Kind}
    assert 0.6 < each_minute[Kind.GOAL] < 1.5
    assert 1.8 < each_minute[Kind.SHOT] < 3.5
    assert 6 < each_minute[Kind.PASS] < 14
    assert all(rate > 0.05 for rate in each_minute.values())
    halves = [event.time_s for event in spoken(0)[0].events(0, LONG_S) if event.team is None]
    assert np.diff(halves).max() < HALF_S + 40
    waits = np.diff([event.time_s for event in spoken(0)[0].events(0, LONG_S)])
    assert np.percentile(waits, 99) < 15
