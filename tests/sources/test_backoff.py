"""The waits between two tries."""

import random

from svlm_cli.sources.backoff import FIRST_S, LONGEST_S, Backoff


def test_waits_grow_to_a_limit_and_differ() -> None:
    """Guards the server: a hundred cameras that come back in the same instant knock it over again."""
    waits = [Backoff(random.Random(seed)).next_s() for seed in range(50)]
    assert min(waits) >= FIRST_S / 2
    assert max(waits) <= FIRST_S
    assert len(set(waits)) > 40
    backoff = Backoff(random.Random(0))
    longer = [backoff.next_s() for _ in range(60)]
    assert max(longer) <= LONGEST_S
    assert min(longer[5:]) >= LONGEST_S / 2
    assert backoff.failures == 60
    backoff.reset()
    assert backoff.next_s() <= FIRST_S


def test_a_rejected_password_is_tried_rarely() -> None:
    """Guards the account: many cameras lock it after five tries. Other failures in between hide none."""
    backoff = Backoff(random.Random(0))
    assert [backoff.next_s(denied=True) / 60 for _ in range(6)] == [1, 2, 4, 8, 15, 15]
    backoff.next_s()
    assert backoff.next_s(denied=True) == 900
    backoff.reset()
    assert backoff.next_s(denied=True) == 60
