"""Many questions at once: every vote handed over, none made up, and an end where asking is of no use."""

import time
from pathlib import Path

import pytest

from svlm_cli.chat.server import AskAgainError
from svlm_cli.core.errors import ModelError
from svlm_cli.evals.judge.questions import Outcome
from svlm_cli.evals.judge.run import JudgeUsage, collect_votes
from svlm_cli.evals.judge.votes import Vote
from tests.evals.judge.judging import Direct, asker, questions
from tests.servers.judge import malformed, truthful


def test_as_many_as_asked_are_asked_at_once(tmp_path: Path) -> None:
    server = Direct(truthful, lambda _: time.sleep(0.05))
    votes: list[Vote] = []
    spent = collect_votes(questions(12), asker(server, tmp_path), jobs=4, has_ties=False, write=votes.append)
    assert server.most_at_once == 4
    assert sorted(one.part for one in votes) == sorted(map(str, range(12)))
    assert {one.outcome for one in votes} == {Outcome.A}
    assert (spent.votes, spent.cached, spent.tokens_in, spent.tokens_out) == (12, 0, 1200, 12)
    again = collect_votes(questions(12), asker(server, tmp_path), jobs=4, has_ties=False, write=votes.append)
    assert (again.votes, again.cached, again.tokens_in) == (12, 12, 0)


def test_what_is_no_vote_is_counted_apart(tmp_path: Path) -> None:
    votes: list[Vote] = []
    spent = collect_votes(questions(3), asker(Direct(malformed), tmp_path), jobs=1, has_ties=False, write=votes.append)
    assert (spent.votes, spent.malformed, spent.unanswered) == (0, 3, 0)
    assert {(one.outcome, one.reply) for one in votes} == {(Outcome.MALFORMED, "A is the better one.")}


def test_a_reply_is_made_plain(tmp_path: Path) -> None:
    """Guards terminals and logs against what a judge may say."""
    votes: list[Vote] = []
    server = Direct(lambda first, second, reference: "\x1b]0;mine\x07A http://user:sesame@host/" + "x" * 500)
    collect_votes(questions(1), asker(server, tmp_path), jobs=1, has_ties=False, write=votes.append)
    assert votes[0].outcome is Outcome.MALFORMED
    assert votes[0].reply.startswith("A http://...@host/xxx")
    assert len(votes[0].reply) == 200


def test_a_server_that_is_gone_ends_it(tmp_path: Path) -> None:
    """Guards against hours of waiting for nobody; what was not answered is no vote."""

    def fail(_: float | None) -> None:
        raise AskAgainError("the connection to it fails")

    votes: list[Vote] = []
    with pytest.raises(ModelError, match="not answered 10 questions in a row: the connection to it fails"):
        collect_votes(
            questions(50), asker(Direct(truthful, fail), tmp_path), jobs=2, has_ties=False, write=votes.append
        )
    assert [one.outcome for one in votes] == [Outcome.UNANSWERED] * 10


def test_a_thread_s_error_comes_back(tmp_path: Path) -> None:
    """Guards against waiting for a vote that nobody will give any more."""

    def fail(_: float | None) -> None:
        raise ModelError("No such model.")

    with pytest.raises(ModelError, match="No such model"):
        collect_votes(questions(5), asker(Direct(truthful, fail), tmp_path), jobs=3, has_ties=False, write=print)


def test_nothing_to_ask(tmp_path: Path) -> None:
    assert collect_votes([], asker(Direct(truthful), tmp_path), jobs=3, has_ties=False, write=print) == JudgeUsage()
