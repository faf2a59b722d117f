"""The supervisor and the leases of workers, under simulated time: nobody watches twice, nobody is forgotten."""

import random
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest

from svlm_cli.core.errors import SvlmError
from svlm_cli.core.events import RoundEnded
from svlm_cli.fleet.cameras.leases import LEASE_S
from svlm_cli.fleet.cameras.messages import CameraEnded, CameraHeard
from tests.fleet.cameras.simulated import Worker, World

_BACK_S = 14.0  # within which a camera is watched again: 6 s are left of 20 to connect, and for the first words


def _workers(count: int, **about: float) -> list[Worker]:
    return [Worker(f"w{index}", **about) for index in range(count)]  # type: ignore[arg-type]


def _watching(world: World, name: str) -> int:
    return len(world.workers[name].watched)


def test_all_cameras_are_watched_and_spread_evenly() -> None:
    world = World(12, _workers(3))
    world.supervise()
    world.run(5)
    assert len(world.watched) == 12
    assert [_watching(world, f"w{index}") for index in range(3)] == [4, 4, 4]


def test_load_decides_not_the_count() -> None:
    """Guards fleets of unlike GPUs: the fast one takes more."""
    world = World(12, [Worker("slow", cost=0.15), Worker("fast", cost=0.05)])
    world.supervise()
    world.run(600)
    assert len(world.watched) == 12
    assert _watching(world, "fast") > _watching(world, "slow")
    assert abs(world.workers["fast"].load - world.workers["slow"].load) <= 0.2


def test_a_dead_workers_cameras_go_to_others_at_once() -> None:
    world = World(12, _workers(3, streams=12))
    world.supervise()
    world.run(20)
    world.kill("w0")
    world.run(22)
    assert len(world.watched) == 12


def test_a_worker_out_of_reach_stops_before_others_begin() -> None:
    """Guards the one thing that must never happen: two that watch. `World.check` looks after each event."""
    world = World(12, _workers(3, streams=12))
    world.supervise()
    world.run(20)
    world.workers["w0"].reachable = False
    world.run(20 + LEASE_S - 2)
    assert _watching(world, "w0") == 4, "it goes on as long as its leases hold"
    world.run(20 + _BACK_S)
    assert _watching(world, "w0") == 0
    assert len(world.watched) == 12
    world.workers["w0"].reachable = True
    world.run(200)
    assert _watching(world, "w0") > 0, "it gets cameras again"
    assert len(world.watched) == 12


def test_a_machine_that_joins_takes_its_share() -> None:
    world = World(10, _workers(1))
    world.supervise()
    world.run(100)
    world.add(Worker("new"))
    world.run(300)
    assert 4 <= _watching(world, "new") <= 6
    moves = world.moves
    world.run(2000)
    assert world.moves == moves, "then nothing moves any more"


def test_cameras_without_a_place_wait_for_one() -> None:
    world = World(15, _workers(1))
    world.supervise()
    world.run(30)
    assert len(world.watched) == 10
    world.add(Worker("new"))
    world.run(40)
    assert len(world.watched) == 15


def test_a_supervisor_that_comes_back_in_time_finds_all_as_it_was() -> None:
    world = World(12, _workers(3))
    world.supervise()
    world.run(50)
    before = {name: dict(one.watched) for name, one in world.workers.items()}
    world.kill_supervisor()
    world.run(50 + LEASE_S - 3)
    world.supervise(earlier=True)
    world.run(100)
    assert {name: dict(one.watched) for name, one in world.workers.items()} == before


def test_a_supervisor_that_comes_late_begins_anew() -> None:
    world = World(12, _workers(3))
    world.supervise()
    world.run(50)
    world.kill_supervisor()
    world.run(100)
    assert not world.watched, "nobody watches for nobody"
    world.supervise(earlier=True)
    world.run(100 + _BACK_S)
    assert len(world.watched) == 12


def test_an_old_supervisor_hears_that_it_is_deposed() -> None:
    world = World(2, _workers(1))
    world.supervise()
    world.run(5)
    old = world.supervisor
    assert old is not None
    beat = old.beat("w0")
    world.supervise(earlier=True)
    world.run(10)
    holder = world.workers["w0"].holder
    assert holder.obey(beat, world.now_s).open == ()
    with pytest.raises(SvlmError, match="Another call"):
        old.hear("w0", holder.answer(world.now_s, streams=10, load=0.0), world.now_s)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_nobody_watches_twice_and_none_is_left(seed: int) -> None:
    """Guards all of it at once: late messages, partitions, deaths, new machines, dead supervisors, drifting clocks."""
    dice = random.Random(seed)
    workers = [Worker(f"w{index}", streams=14, clock=1 + dice.uniform(-1e-3, 1e-3)) for index in range(6)]
    world = World(30, workers, seed=seed, delay_s=0.3)
    world.supervise()
    for step in range(60):
        world.run(world.now_s + dice.uniform(1, 20))
        match dice.randrange(6):
            case 0:
                one = dice.choice(list(world.workers.values()))
                one.reachable = not one.reachable
            case 1 if sum(one.alive for one in world.workers.values()) > 3:
                world.kill(dice.choice([name for name, one in world.workers.items() if one.alive]))
            case 2 if world.supervisor is not None:
                world.add(Worker(f"n{step}", streams=14))
            case 3 if world.supervisor is not None:
                world.kill_supervisor()
                world.at(dice.uniform(0, 20), partial(world.supervise, earlier=True))
                world.run(world.now_s + 20)
    for one in world.workers.values():
        one.reachable = True
    world.run(world.now_s + 1000)  # as long as a suspect may wait
    assert len(world.watched) == 30


def test_cameras_of_a_host_that_may_live_wait_until_its_leases_have_run_out() -> None:
    """Guards against Ray, which takes a host for dead that is only out of reach."""
    world = World(4, _workers(2))
    world.supervise()
    world.run(20)
    assert world.supervisor is not None
    world.workers["w0"].reachable = False
    world.supervisor.lose("w0", "its host is gone", world.now_s, dead=False, blamed=False)
    world.run(20 + LEASE_S - 2)
    assert _watching(world, "w0") == 2
    assert _watching(world, "w1") == 2
    world.run(20 + _BACK_S)
    assert _watching(world, "w1") == 4


def test_a_new_supervisor_waits_for_workers_that_it_cannot_reach() -> None:
    """Guards cameras that a worker still watches for a supervisor that is dead."""
    world = World(4, _workers(2))
    world.supervise()
    world.run(20)
    world.workers["w0"].reachable = False
    world.kill_supervisor()
    world.run(20.5)
    world.supervise(earlier=True)
    world.run(20 + LEASE_S - 2)
    assert _watching(world, "w0") == 2
    assert _watching(world, "w1") == 2, "its own"
    world.run(20.5 + _BACK_S)
    assert _watching(world, "w1") == 4


def test_a_beat_that_comes_late_opens_nothing() -> None:
    """Guards a worker that was cut off, and then hears what was said to it before."""
    world = World(2, _workers(1))
    world.supervise()
    world.run(5)
    assert world.supervisor is not None
    holder = world.workers["w0"].holder
    beat = world.supervisor.beat("w0")
    late = replace(beat, number=beat.number + 100, wanted=(77,), new=((77, world.jobs[0]),))
    assert holder.obey(late, world.now_s + LEASE_S + 1).open == ()


def test_an_older_beat_that_arrives_later_changes_nothing() -> None:
    world = World(2, _workers(1))
    world.supervise()
    world.run(5)
    assert world.supervisor is not None
    holder = world.workers["w0"].holder
    first, second = world.supervisor.beat("w0"), world.supervisor.beat("w0")
    assert holder.obey(second, world.now_s).close == ()
    assert holder.obey(replace(first, wanted=()), world.now_s).close == ()
    assert holder.obey(replace(second, number=second.number + 1, wanted=()), world.now_s).close != ()


def test_a_camera_that_kills_its_workers_pauses_longer_each_time() -> None:
    """Guards the others: whoever is with it loses half a minute at most now and then."""
    world = World(1, _workers(9))
    world.supervise()
    pauses = []
    for _ in range(6):
        world.run(world.now_s + 2)
        while not world.watched:
            world.run(world.now_s + 0.5)
        name = next(name for name, one in world.workers.items() if one.watched)
        world.kill(name)
        died_s = world.now_s
        while not world.watched:
            world.run(world.now_s + 0.5)
        pauses.append(world.now_s - died_s)
    assert pauses[0] < 3, "once is nothing"
    assert all(later > earlier for earlier, later in pairwise(pauses[1:]))
    world.run(world.now_s + 100)
    world.kill(next(name for name, one in world.workers.items() if one.watched))
    world.run(world.now_s + 3)
    assert world.watched, "a minute without a death clears it"


def test_words_are_heard_once_and_in_order() -> None:
    """Guards against words that are lost with an answer, or told twice."""
    world = World(1, _workers(1))
    world.supervise()
    world.run(5)
    worker = world.workers["w0"]
    (lease,) = worker.watched
    for second in range(5):
        worker.holder.post(CameraHeard(lease, RoundEnded("cam0", second, second + 1, f"{second}", 1, 0.1)))
    worker.holder.answer(world.now_s, streams=10, load=0.0)  # is lost
    assert world.supervisor is not None
    for _ in range(2):  # the second is on its way when the first is heard
        world.supervisor.hear("w0", worker.holder.answer(world.now_s, streams=10, load=0.0), world.now_s)
    world.run(20)
    worker.holder.post(CameraHeard(lease, RoundEnded("cam0", 5, 6, "5", 1, 0.1)))
    world.run(30)
    assert [event.text for _, event in world.heard if isinstance(event, RoundEnded)] == list("012345")


def test_a_camera_that_has_ended_is_not_given_to_anybody() -> None:
    world = World(2, _workers(1))
    world.supervise()
    world.run(5)
    worker = world.workers["w0"]
    lease = min(worker.watched)
    del worker.watched[lease]
    worker.holder.post(CameraEnded(lease))
    world.run(60)
    assert len(world.over) == 1
    assert len(world.watched) == 1
    assert world.supervisor is not None
    assert not world.supervisor.settled
