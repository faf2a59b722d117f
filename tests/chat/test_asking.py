"""Asking until there is an answer: patience, the cache, and servers that take no temperature."""

import threading
import time
from pathlib import Path

import pytest

from svlm_cli.chat.asking import Patience, UnansweredError
from svlm_cli.chat.server import AskAgainError, TemperatureRefusedError
from svlm_cli.core.errors import ModelError
from svlm_cli.evals.judge.questions import JudgeQuestion, PairOrder
from tests.evals.judge.judging import PAIR, Direct, asker
from tests.servers.judge import truthful

QUESTION = JudgeQuestion(PAIR, PairOrder.BA)


def failing(times: int, error: Exception) -> "Direct":
    """Fails so often, then answers."""
    left = [error] * times

    def fail(_: float | None) -> None:
        if left:
            raise left.pop()

    return Direct(truthful, fail)


def test_an_answer_is_kept(tmp_path: Path) -> None:
    """Guards the bill: the second run asks nothing."""
    server = Direct(truthful)
    first = asker(server, tmp_path).ask(QUESTION)
    second = asker(server, tmp_path).ask(QUESTION)
    assert (first.reply.text, first.cached, first.temperature) == ("B", False, True)
    assert (second.reply, second.cached, second.temperature) == (first.reply, True, True)
    assert server.asked == [0.0]
    assert not asker(server, tmp_path).ask(JudgeQuestion(PAIR, PairOrder.AB)).cached


def test_it_is_asked_again_up_to_the_limit(tmp_path: Path) -> None:
    server = failing(2, AskAgainError("it is busy"))
    assert asker(server, tmp_path / "one").ask(QUESTION).reply.text == "B"
    assert len(server.asked) == 3
    server = failing(3, AskAgainError("it is busy"))
    with pytest.raises(UnansweredError, match="it is busy"):
        asker(server, tmp_path / "other").ask(QUESTION)
    assert len(server.asked) == 3
    assert not asker(server, tmp_path / "other").ask(QUESTION).cached, "no answer is no answer on disk"


def test_what_is_final_is_not_asked_again(tmp_path: Path) -> None:
    server = failing(1, ModelError("No such model."))
    with pytest.raises(ModelError):
        asker(server, tmp_path).ask(QUESTION)
    assert len(server.asked) == 1


def test_a_server_without_temperature_is_asked_without(tmp_path: Path) -> None:
    """Guards models that refuse temperature 0: one refusal, then none; and what they said is found on disk."""

    def refuse(temperature: float | None) -> None:
        if temperature is not None:
            raise TemperatureRefusedError

    server = Direct(truthful, refuse)
    one = asker(server, tmp_path)
    assert [one.ask(each).temperature for each in PAIR.questions()] == [False, False]
    assert server.asked == [0.0, None, None]
    again = asker(server, tmp_path).ask(QUESTION)
    assert (again.cached, again.temperature) == (True, False)
    assert len(server.asked) == 3


def test_waiting_grows_and_is_never_twice_the_same() -> None:
    """Guards the server against a crowd that comes back at once."""
    patience = Patience(first_wait_s=1, longest_wait_s=10)
    assert [patience.wait_s(failed, None, 1.0) for failed in range(1, 7)] == [1, 2, 4, 8, 10, 10]
    assert [patience.wait_s(failed, None, 0.0) for failed in range(1, 7)] == [0.5, 1, 2, 4, 5, 5]
    assert patience.wait_s(2000, None, 1.0) == 10


def test_a_server_that_names_a_time_gets_it() -> None:
    """Guards Retry-After: never sooner, and not for hours."""
    patience = Patience(first_wait_s=1, longest_wait_s=10)
    assert patience.wait_s(1, 30, 0.0) == 30
    assert patience.wait_s(1, 30, 1.0) == 30.5
    assert patience.wait_s(4, 1, 0.0) == 4
    assert patience.wait_s(1, 86400, 0.0) == 600


def test_who_waits_can_be_stopped(tmp_path: Path) -> None:
    """Guards Ctrl-C while a server asks for ten minutes."""
    one = asker(failing(1, AskAgainError("it is busy", 600)), tmp_path)
    threading.Timer(0.05, one.stop.set).start()
    began = time.monotonic()
    with pytest.raises(UnansweredError):
        one.ask(QUESTION)
    assert time.monotonic() - began < 30


def test_a_reply_of_no_use_is_asked_for_again_and_not_kept(tmp_path: Path) -> None:
    """Guards replies with a form: one without it is no answer, here or on disk, and what it cost is known."""
    said = iter(["no", "no", "yes", "certainly"])
    server = Direct(lambda *texts: next(said))
    one = asker(server, tmp_path)
    one.fault = lambda question, reply: "it says no" if reply.text == "no" else ""
    assert (one.ask(QUESTION).reply.text, one.requests, one.lost_in, one.lost_out) == ("yes", 3, 200, 2)
    assert asker(server, tmp_path).ask(QUESTION).cached
    stricter = asker(server, tmp_path)
    stricter.fault = lambda question, reply: "it is too short" if reply.text == "yes" else ""
    assert (stricter.ask(QUESTION).reply.text, stricter.requests) == ("certainly", 1)
    hopeless = asker(Direct(truthful), tmp_path)
    hopeless.fault = lambda question, reply: "it is of no use"
    with pytest.raises(UnansweredError, match="it is of no use"):
        hopeless.ask(QUESTION)
