"""The crew, with calls that a test answers instead of Ray: what is lost on the way, and who takes whose place."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.fleet.messages import Message, ModelOrder, WorkerLost, WorkerOrder, WorkerReady
from svlm_cli.fleet.shares import Node, WorkerShare
from svlm_cli.fleet.video_work import VideoWork
from svlm_cli.pipeline.batch import Job
from svlm_cli.pipeline.settings import SessionSettings

if TYPE_CHECKING:
    from svlm_cli.fleet.ray_crew import RayCrew

pytestmark = pytest.mark.extra  # Ray is imported, and does nothing

ORDER = WorkerOrder(ModelOrder(), StreamPolicy(), VideoWork(SessionSettings()), Path("/"))
JOB = Job(SourceAddress("x.mp4"), ())


@dataclass(eq=False)
class AskedCall:
    """A call of a method of an actor, which has no answer yet."""

    actor: "FakeActor"
    method: str
    answer: object = None
    there: bool = False


@dataclass(eq=False)
class FakeActor:
    """An actor whose calls are answered by the test."""

    calls: list[AskedCall] = field(default_factory=list)
    killed: bool = False

    def __getattr__(self, method: str) -> Any:
        actor = self

        class Method:
            def remote(self, *asked: object) -> AskedCall:
                call = AskedCall(actor, method, there=method == "stop")
                actor.calls.append(call)
                return call

        return Method()

    def answer(self, method: str, answer: object) -> None:
        """The oldest open call of a method has this answer; an error is raised by whoever reads it."""
        limit_s = time.monotonic() + 60
        while not (calls := [one for one in self.calls if one.method == method and not one.there]):
            assert time.monotonic() < limit_s, f"nobody has asked for {method}"
            time.sleep(0.01)
        calls[0].answer, calls[0].there = answer, True


class FakeRay:
    """What a crew asks of Ray."""

    def __init__(self) -> None:
        self.actors: list[FakeActor] = []

    def remote(self, kind: type) -> Any:
        ray = self

        class Creation:
            def options(self, **asked: object) -> "Creation":
                return self

            def remote(self, *asked: object) -> FakeActor:
                ray.actors.append(FakeActor())
                return ray.actors[-1]

        return Creation()

    def wait(self, calls: list[AskedCall], *, num_returns: int, timeout: float) -> tuple[list[AskedCall], list[object]]:
        limit_s = time.monotonic() + min(timeout, 0.1)
        while not (ready := [one for one in calls if one.there]) and time.monotonic() < limit_s:
            time.sleep(0.01)
        return ready[:num_returns], []

    def get(self, call: AskedCall, *, timeout: float) -> object:
        assert call.there
        if isinstance(call.answer, Exception):
            raise call.answer
        return call.answer

    def kill(self, actor: FakeActor) -> None:
        actor.killed = True


@contextmanager
def crew_on(node: Node, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple["RayCrew", FakeRay]]:
    from svlm_cli.fleet import ray_crew

    ray = FakeRay()
    for name in ("remote", "wait", "get", "kill"):
        monkeypatch.setattr(f"ray.{name}", getattr(ray, name))
    monkeypatch.setattr(ray_crew, "_LOOK_S", 0.2)

    def plan(found: list[Node]) -> list[WorkerShare]:
        return [WorkerShare(one.name, 0, False, 1) for one in found]

    with closing(ray_crew.RayCrew(ORDER, lambda: [node], plan)) as crew:
        yield crew, ray


@pytest.fixture
def host() -> Iterator[Node]:
    """A host that can be reached."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Node("ab" * 28, 0, 1, 1 << 30, *server.getsockname())


def told(crew: "RayCrew", count: int = 1) -> list[tuple[str, Message]]:
    found: list[tuple[str, Message]] = []
    limit_s = time.monotonic() + 60
    while len(found) < count:
        assert time.monotonic() < limit_s, found
        found += crew.wait(0.1)
    return found


def test_a_file_that_does_not_arrive_is_no_secret(host: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards a file that waits for ever: the call that hands it over is lost, and the worker still answers."""
    from ray.exceptions import ActorUnavailableError

    with crew_on(host, monkeypatch) as (crew, ray):
        first = ray.actors[0]
        first.answer("messages", [WorkerReady(1, "host")])
        assert told(crew) == [("abababab-0.1", WorkerReady(1, "host"))]
        crew.give("abababab-0.1", 1, JOB)
        first.answer("take", ActorUnavailableError("the connection broke", b"0" * 16))
        assert told(crew) == [("abababab-0.1", WorkerLost("its process died"))]
        assert first.killed
        first.answer("messages", [WorkerReady(1, "host")])  # of the past
        ray.actors[1].answer("messages", [WorkerReady(1, "host")])
        assert told(crew) == [("abababab-0.2", WorkerReady(1, "host"))]
        assert len(ray.actors) == 2


def test_a_file_that_arrives_costs_nobody_his_place(host: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    with crew_on(host, monkeypatch) as (crew, ray):
        ray.actors[0].answer("messages", [WorkerReady(1, "host")])
        told(crew)
        crew.give("abababab-0.1", 1, JOB)
        ray.actors[0].answer("take", None)
        ray.actors[0].answer("messages", [])
        ray.actors[0].answer("messages", [])
        assert crew.wait(0.3) == []
        assert len(ray.actors) == 1


def test_the_place_of_one_that_cannot_be_reached_is_taken(host: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards a call that has no worker any more, and waits for ever for one that Ray cannot end."""
    with crew_on(host, monkeypatch) as (crew, ray):
        ray.actors[0].answer("messages", [WorkerReady(1, "host")])
        told(crew)
        crew.dismiss("abababab-0.1")  # its next call is never answered
        crew.dismiss("abababab-0.1")
        assert told(crew) == [("abababab-0.1", WorkerLost("it has not answered"))]
        ray.actors[1].answer("messages", [WorkerReady(1, "host")])
        assert told(crew) == [("abababab-0.2", WorkerReady(1, "host"))]
        assert [one.killed for one in ray.actors] == [True, False]


def test_a_dead_host_that_ray_takes_for_alive_gets_no_worker_and_its_files_no_blame(
    host: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards files that are tried alone, or put aside, because their hosts were switched off."""
    from ray.exceptions import ActorUnavailableError

    with socket.create_server(("127.0.0.1", 0)) as server:
        dying = replace(host, port=server.getsockname()[1])
        with crew_on(dying, monkeypatch) as (crew, ray):
            ray.actors[0].answer("messages", [WorkerReady(1, "host")])
            told(crew)
            server.close()
            ray.actors[0].answer("messages", ActorUnavailableError("the connection broke", b"0" * 16))
            assert told(crew) == [("abababab-0.1", WorkerLost("its host is gone", blamed=False))]
            time.sleep(0.5)
            assert len(ray.actors) == 1
            assert crew.expected == 0


def test_a_host_that_comes_back_has_workers_of_other_names(host: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards words of the past that are taken for those of whoever has the name now."""
    from ray.exceptions import ActorUnavailableError

    from svlm_cli.fleet import ray_crew

    reached = True
    monkeypatch.setattr(ray_crew, "answers", lambda node: reached)
    with crew_on(host, monkeypatch) as (crew, ray):
        reached = False
        ray.actors[0].answer("messages", ActorUnavailableError("the connection broke", b"0" * 16))
        told(crew)
        reached = True
        limit_s = time.monotonic() + 60
        while len(ray.actors) < 2:
            assert time.monotonic() < limit_s
            time.sleep(0.05)
        ray.actors[1].answer("messages", [WorkerReady(1, "host")])
        assert told(crew) == [("abababab-0.2", WorkerReady(1, "host"))]
