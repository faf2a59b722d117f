"""Names and kits: what a model may have read before, and what it must be able to tell apart."""

import numpy as np

from svlm_cli.simulator.render import PALETTE
from svlm_cli.simulator.teams import FIRST, KIT_PAIRS, KITS, SECOND, Split, draw_teams, names


def test_names_of_the_evaluation_are_new_but_their_syllables_are_not() -> None:
    """Guards the claim that names come from the context: a name learned by heart is of no use."""
    train, evaluation = set(names(Split.TRAIN)), set(names(Split.EVAL))
    assert not train & evaluation
    assert len(train) + len(evaluation) == len(FIRST) * len(SECOND) == len(train | evaluation)
    assert len(evaluation) > 150
    for pool in (train, evaluation):
        assert {name[:3] for name in pool} == set(FIRST)
        assert {name[3:] for name in pool} == set(SECOND)


def test_teams_cannot_be_mistaken_for_each_other() -> None:
    """Guards against pairs that nobody could tell apart, by sight or by name."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        home, away = draw_teams(rng, Split.EVAL)
        assert home.name[:3] != away.name[:3]
        assert home.name[3:] != away.name[3:]
        apart = np.abs(np.subtract(PALETTE[home.kit], PALETTE[away.kit])).max()
        assert apart >= 100
    assert {home for home, _ in KIT_PAIRS} == {away for _, away in KIT_PAIRS} == set(KITS)
