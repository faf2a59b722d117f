"""Placement: who gets what, in which order, and what becomes of the work of the dead. A clock that is simulated."""

import heapq
import random
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svlm_cli.fleet.placement import FleetPlacement


def placement(*weights: float, workers: Sequence[str] = ("a", "b"), streams: int = 1) -> FleetPlacement:
    made = FleetPlacement(weights)
    made.expect(len(workers))
    for worker in workers:
        made.join(worker, streams, 0.0, place=worker)
    return made


def items(made: FleetPlacement, now_s: float = 0.0) -> dict[int, str]:
    return {one.item: one.worker for one in made.assign(now_s)}


def test_long_files_go_first_and_a_worker_takes_the_next_when_a_stream_ends() -> None:
    made = placement(1.0, 5.0, 3.0)
    first = made.assign(0.0)
    assert {one.item for one in first} == {1, 2}
    assert made.assign(0.0) == [], "no room"
    short = next(one for one in first if one.item == 2)
    made.finish(short.number)
    assert [(one.item, one.worker) for one in made.assign(1.0)] == [(0, short.worker)]


def test_the_first_worker_leaves_the_others_their_share() -> None:
    """Guards eight GPUs against one that loads faster and takes all."""
    made = FleetPlacement([1.0] * 16)
    made.expect(8)
    made.join("a", 64, 0.0)
    assert len(made.assign(0.0)) == 2
    made.expect(1)  # the others never came
    assert len(made.assign(1.0)) == 14


def test_a_batch_is_filled() -> None:
    made = placement(*[1.0] * 7, streams=3)
    assert Counter(items(made).values()) == {"a": 3, "b": 3}


def test_what_fails_is_tried_elsewhere_and_put_aside_after_three_times() -> None:
    made = placement(1.0)
    seen = []
    for last in (False, False, True):
        [lease] = made.assign(0.0)
        seen.append(lease.worker)
        assert made.fail(lease.number, 0.0) is last
    assert seen[0] != seen[1], "another disk, another host"
    assert made.settled


def test_what_is_to_wait_waits() -> None:
    made = placement(1.0)
    [lease] = made.assign(0.0)
    assert not made.fail(lease.number, 10.0, delay_s=2.0, counts=False)
    assert made.assign(11.9) == []
    assert not made.settled
    assert len(made.assign(12.0)) == 1


def test_a_dead_workers_files_go_to_the_living() -> None:
    made = placement(3.0, 2.0, 1.0, streams=2)
    held = [one for one in made.assign(0.0) if one.worker == "a"]
    assert [(lease, aside) for lease, aside in made.leave("a", 1.0)] == [(one, False) for one in held]
    for one in held:
        assert made.lease(one.number) is None, "what the dead one says of it is of the past"
    for one in made.assign(1.0):
        assert one.worker == "b"
        made.finish(one.number)
    assert made.leave("a", 2.0) == (), "twice is once"


def test_of_files_that_died_together_twice_the_culprit_is_found() -> None:
    """Guards the files of a batch against one that kills whoever opens it."""
    made = FleetPlacement([4.0, 3.0, 2.0, 1.0])
    made.expect(1)
    done, aside = set(), set()
    for life in range(20):
        worker = f"a{life}"
        made.join(worker, 4, 0.0)
        while leases := made.assign(0.0):
            if any(one.item == 2 for one in leases):  # the culprit: its worker dies, with all that it holds
                break
            for one in leases:
                made.finish(one.number)
                done.add(one.item)
        aside |= {lease.item for lease, put in made.leave(worker, 0.0) if put}
        if made.settled:
            break
    assert (done, aside) == ({0, 1, 3}, {2})


def test_a_suspect_has_a_worker_for_itself() -> None:
    """It takes no other with it: it begins only where nothing runs, and nothing joins it."""
    made = placement(9.0, 5.0, 1.0, workers=["a"], streams=4)
    waits = next(one for one in made.assign(0.0) if one.item == 2)
    made.fail(waits.number, 0.0, delay_s=100.0, counts=False)
    for life, after in (("a", "b"), ("b", "c")):
        made.assign(0.0)
        made.leave(life, 0.0)
        made.join(after, 4, 0.0)
    [suspect] = made.assign(50.0)
    assert suspect.item == 0
    assert made.assign(100.0) == [], "the third is ready, and stays away"
    made.finish(suspect.number)
    [other] = made.assign(100.0)
    assert other.item == 2, "suspects last"
    assert made.assign(100.0) == [], "the second waits until nothing runs there"
    made.finish(other.number)
    assert [one.item for one in made.assign(100.0)] == [1]


def test_a_host_that_is_gone_is_not_held_against_its_files() -> None:
    made = placement(1.0, workers=["w0"])
    for life in range(9):
        assert len(made.assign(0.0)) == 1
        made.leave(f"w{life}", 0.0, blamed=False)
        made.join(f"w{life + 1}", 1, 0.0)
    assert not made.settled


def test_who_is_silent_is_known() -> None:
    made = placement(1.0)
    made.renew("a", 50.0)
    assert made.silent(60.0, 30.0) == ("b",)
    made.renew("nobody", 60.0)
    assert made.workers == ("a", "b")


def test_what_is_dropped_is_not_done() -> None:
    made = placement(1.0, 2.0)
    made.drop([1])
    assert set(items(made)) == {0}


def simulate(
    durations: Sequence[float], workers: int, streams: int, deaths: Sequence[float] = ()
) -> tuple[float, Counter[int]]:
    """How long a fleet takes whose workers die at these times, the one with most to do first; and what was done."""
    made = FleetPlacement(durations)
    made.expect(workers)
    for index in range(workers):
        made.join(f"w{index}", streams, 0.0, place=f"w{index}")
    done: Counter[int] = Counter()
    events: list[tuple[float, int, str]] = [(time_s, -1, "") for time_s in deaths]  # a lease's end, or a death
    heapq.heapify(events)
    now_s, born = 0.0, workers
    while not made.settled:
        for lease in made.assign(now_s):
            heapq.heappush(events, (now_s + durations[lease.item], lease.number, lease.worker))
        now_s, number, _ = heapq.heappop(events)
        lease_now = made.lease(number)
        if lease_now is not None:
            done[lease_now.item] += 1
            made.finish(number)
        elif number < 0:
            made.leave(made.workers[0], now_s, blamed=False)
            made.join(f"w{born}", streams, now_s, place=f"w{born}")
            born += 1
    return now_s, done


@settings(max_examples=50)
@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(1, 4))
def test_no_worker_idles_while_files_wait(seed: int, workers: int, streams: int) -> None:
    """Guards the last minutes of a night. What ends last began when all were busy, and was no long one any more."""
    durations = [random.Random(seed).lognormvariate(3, 1) for _ in range(60)]
    took_s, done = simulate(durations, workers, streams)
    assert done == Counter(range(60))
    slots = workers * streams
    longest_first = sorted(durations, reverse=True)
    assert took_s <= max(longest_first[0], sum(durations) / slots + longest_first[slots]) + 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_whoever_dies_each_file_is_done_once(seed: int) -> None:
    rng = random.Random(seed)
    durations = [rng.uniform(1, 20) for _ in range(200)]
    _, done = simulate(durations, 8, 4, deaths=[rng.uniform(0, 60) for _ in range(40)])
    assert done == Counter(range(200))
