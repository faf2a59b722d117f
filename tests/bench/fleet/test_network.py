"""The simulated clock and network."""

from dataclasses import replace
from statistics import median

from svlm_cli.bench.fleet.clock import SimulatedClock
from svlm_cli.bench.fleet.network import SimulatedNetwork
from svlm_cli.bench.fleet.setting import FleetSetting


def test_deeds_are_done_in_their_order() -> None:
    """Guards what is asked for while time goes on, and deeds of one time."""
    clock = SimulatedClock()
    done: list[str] = []
    clock.at(2.0, done.append, "b")
    clock.at(2.0, done.append, "c")
    clock.at(1.0, lambda: clock.after(0.5, done.append, "a"))
    clock.at(3.5, done.append, "late")
    clock.run(3.0)
    assert (done, clock.now_s, clock.deeds) == (["a", "b", "c"], 3.0, 4)


def test_messages_are_late_and_lost_as_often_as_the_setting_says() -> None:
    """Guards a network that is better than the one in the report."""
    setting = replace(FleetSetting(), lost=0.02, tail=0.03, tail_s=5.0)
    network = SimulatedNetwork(setting, "seed")
    delays = [network.delay_s() for _ in range(20_000)]
    arrived = [one for one in delays if one is not None]
    assert 0.017 < 1 - len(arrived) / 20_000 < 0.023
    assert 0.9 * setting.delay_s < median(arrived) < 1.1 * setting.delay_s
    assert 0.025 < sum(one > 0.1 for one in arrived) / 20_000 < 0.035


def test_partitions_may_overlap() -> None:
    """Guards a node in two of them against coming back when the first ends."""
    network = SimulatedNetwork(FleetSetting(), "seed")
    network.cut_off(range(3))
    network.cut_off(range(2, 4))
    assert [network.reaches(node) for node in range(5)] == [False, False, False, False, True]
    assert network.reach_again(range(3)) == [0, 1]
    assert not network.reaches(2)
    assert network.reach_again(range(2, 4)) == [2, 3]
