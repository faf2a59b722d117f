"""Hosts are looked at without anybody waiting for those that do not answer."""

import time
from collections.abc import Callable, Iterator
from threading import Event

import pytest

from svlm_cli.core.errors import SvlmError
from svlm_cli.fleet.cameras.hosts import HostWatch
from svlm_cli.fleet.shares import Node

PATIENCE_S = 60.0


class Cluster:
    """Hosts, of which some do not answer until `back` is set."""

    def __init__(self) -> None:
        self.names = ["a", "b"]
        self.away: set[str] = set()
        self.back = Event()
        self.asked: list[str] = []
        self.error: Exception | None = None

    def look(self) -> list[Node]:
        if self.error is not None:
            raise self.error
        return [Node(name, 0, 1, 1) for name in self.names]

    def answers(self, node: Node) -> bool:
        self.asked.append(node.name)
        return node.name not in self.away or self.back.wait(PATIENCE_S)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    found = Cluster()
    yield found
    found.back.set()


def until(true: Callable[[], object]) -> None:
    limit_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < limit_s
        time.sleep(0.01)


def test_the_first_look_is_there_at_once(cluster: Cluster) -> None:
    with HostWatch(cluster.look, cluster.answers) as watch:
        assert [node.name for node in watch.seen.nodes] == ["a", "b"]
        assert watch.seen.reachable == {"a", "b"}


def test_nobody_waits_for_a_host_that_does_not_answer(cluster: Cluster) -> None:
    """Guards all other workers: while the supervisor waits, their leases run out."""
    with HostWatch(cluster.look, cluster.answers) as watch:
        first = watch.seen
        cluster.away = {"a"}
        watch.look_again()
        until(lambda: cluster.asked.count("a") == 2)
        assert watch.seen is first
        cluster.back.set()
        until(lambda: watch.seen is not first)
        assert watch.seen.begun_s > first.begun_s


def test_who_joins_and_who_leaves_is_seen(cluster: Cluster) -> None:
    with HostWatch(cluster.look, cluster.answers) as watch:
        cluster.names = ["b", "c"]
        watch.look_again()
        until(lambda: watch.seen.reachable == {"b", "c"})


def test_a_cluster_that_is_gone_is_told(cluster: Cluster) -> None:
    def told() -> bool:
        try:
            return watch.seen is None
        except SvlmError as error:
            return "does not say any more which hosts it has" in error.message

    with HostWatch(cluster.look, cluster.answers) as watch:
        cluster.error = RuntimeError("the head is gone")
        watch.look_again()
        until(told)
