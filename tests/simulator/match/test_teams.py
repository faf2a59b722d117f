"""Names and kits: what a model may have read before, and what it must be able to tell apart."""

import numpy as np
import pytest

from svlm_cli.simulator.match.render import PALETTE
from svlm_cli.simulator.match.teams import FIRST, KIT_PAIRS, KITS, SECOND, Split, draw_teams, pairs


def test_names_of_the_evaluation_are_new_but_their_syllables_are_not() -> None:
    """Guards the claim that names come from the context: a name learned by heart is of no use."""
    train, evaluation = set(pairs(Split.TRAIN)), set(pairs(Split.EVAL))
    assert not train & evaluation
    assert len(train) + len(evaluation) == len(FIRST) * len(SECOND) == len(train | evaluation)
    assert len(evaluation) > 150
    for pool in (train, evaluation):
        assert {first for first, _ in pool} == set(FIRST)
        assert {second for _, second in pool} == set(SECOND)


def test_every_pair_of_syllables_is_read_in_training() -> None:
    """Guards against a model that has learned which syllables never follow each other: those are the new names."""
    rng = np.random.default_rng(0)
    drawn = [team.name for _ in range(20_000) for team in draw_teams(rng, Split.TRAIN)]
    evaluation = {first + second for first, second in pairs(Split.EVAL)}
    assert not evaluation & set(drawn)
    assert evaluation <= {name[:6] for name in drawn if len(name) > 6}
    assert np.mean([len(name) > 6 for name in drawn]) == pytest.approx(0.5, abs=0.02)


def test_teams_cannot_be_mistaken_for_each_other() -> None:
    """Guards against pairs that nobody could tell apart, by sight or by name."""
    rng = np.random.default_rng(0)
    for round_ in range(300):
        home, away = draw_teams(rng, Split.EVAL if round_ % 2 else Split.TRAIN)
        syllables = [team.name[at : at + 3] for team in (home, away) for at in range(0, len(team.name), 3)]
        assert len(set(syllables)) == len(syllables)
        apart = np.abs(np.subtract(PALETTE[home.kit], PALETTE[away.kit])).max()
        assert apart >= 100
    assert {home for home, _ in KIT_PAIRS} == {away for _, away in KIT_PAIRS} == set(KITS)
