"""The supervisor and the leases of workers, under simulated time: nobody watches twice, nobody is forgotten."""

import random
import time
from functools import partial

import pytest

from svlm_cli.core.errors import SvlmError
from svlm_cli.fleet.cameras.leases import LEASE_S, LeaseHolder
from svlm_cli.fleet.cameras.supervisor import CameraSupervisor
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


def _hearing_s(workers: int) -> float:
    """What a supervisor of so many takes to hear a hundred answers."""
    supervisor = CameraSupervisor([], World(0, []), name=1, first_lease=1, now_s=0.0)
    holders = {f"w{index}": LeaseHolder() for index in range(workers)}
    for name, holder in holders.items():
        supervisor.join(name)
        supervisor.hear(name, holder.answer(0.0, streams=10, load=0.0), 0.0)
    asked = [(name, holder.answer(1.0, streams=10, load=0.0)) for name, holder in list(holders.items())[-100:]]
    begun_s = time.thread_time()
    for name, answer in asked:
        supervisor.beat(name)
        supervisor.hear(name, answer, 1.0)
    return time.thread_time() - begun_s


def test_a_large_fleet_does_not_make_an_answer_dear() -> None:
    """Guards against looking through all workers for each answer: 8,000 of them say something every second."""
    assert min(_hearing_s(10_000) for _ in range(3)) < 5 * min(_hearing_s(100) for _ in range(3))


@pytest.mark.parametrize("seed", range(8))
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
