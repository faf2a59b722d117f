"""Files of votes: they grow, are about one thing, and hold nothing that is no vote."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError, OutputBusyError, OutputError
from svlm_cli.evals.judge.questions import Benchmark, JudgeQuestion, Outcome, PairOrder
from svlm_cli.evals.judge.votes import GrowingVotes, read_votes
from tests.evals.judge.judging import PAIR, vote, vote_run

FIRST, SECOND = vote(Outcome.A), vote(Outcome.B, order=PairOrder.BA, said="A")


def test_votes_are_found_again(tmp_path: Path) -> None:
    path = tmp_path / "votes.jsonl"
    with GrowingVotes(path, vote_run()) as votes:
        votes.append(FIRST)
    with GrowingVotes(path, vote_run(version="0.2.0")) as votes:
        assert votes.before.is_done(JudgeQuestion(PAIR, PairOrder.AB))
        assert not votes.before.is_done(JudgeQuestion(PAIR, PairOrder.BA))
        votes.append(SECOND)
    found = read_votes(path)
    assert [*found.votes.values()] == [FIRST, SECOND]
    assert [one.svlm for one in found.runs] == ["0.1.0", "0.2.0"], "each run tells its versions"


def test_what_was_not_answered_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "votes.jsonl"
    with GrowingVotes(path, vote_run()) as votes:
        votes.append(vote(Outcome.UNANSWERED, said="it is busy"))
        votes.append(vote(Outcome.MALFORMED, order=PairOrder.BA, said="neither"))
    with GrowingVotes(path, vote_run()) as votes:
        assert not votes.before.is_done(JudgeQuestion(PAIR, PairOrder.AB))
        assert votes.before.is_done(JudgeQuestion(PAIR, PairOrder.BA))
        votes.append(FIRST)
    assert read_votes(path).votes[FIRST.key] == FIRST


def test_a_killed_run_loses_no_vote(tmp_path: Path) -> None:
    """Guards whole lines: half of one is dropped, and told."""
    path = tmp_path / "votes.jsonl"
    with GrowingVotes(path, vote_run()) as votes:
        votes.append(FIRST)
        votes.append(SECOND)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert [*read_votes(path).votes.values()] == [FIRST]
    with GrowingVotes(path, vote_run()) as votes:
        assert "is incomplete" in votes.before.notice
        votes.append(SECOND)
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (vote_run(judge="judge-2"), "another judge"),
        (vote_run(data="e"), "another file of data"),
        (vote_run(a="c"), "another first file of predictions"),
        (vote_run(b="c"), "another second file of predictions"),
        (vote_run(control="same"), "another control"),
        (vote_run(benchmark=Benchmark.LIVESPORTS), "another benchmark"),
    ],
)
def test_votes_about_something_else_are_not_mixed(tmp_path: Path, other: object, said: str) -> None:
    path = tmp_path / "votes.jsonl"
    with GrowingVotes(path, vote_run()) as votes:
        votes.append(FIRST)
    before = path.read_bytes()
    with pytest.raises(OutputError, match=f"holds votes about {said}"):
        GrowingVotes(path, other)  # type: ignore[arg-type]  # parametrize loses the type
    assert path.read_bytes() == before


def test_one_run_at_a_time(tmp_path: Path) -> None:
    with GrowingVotes(tmp_path / "votes.jsonl", vote_run()), pytest.raises(OutputBusyError):
        GrowingVotes(tmp_path / "votes.jsonl", vote_run())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (json.dumps({**asdict(SECOND), "outcome": "c"}), "outcome must be one of 'a', 'b'"),
        (json.dumps({**asdict(SECOND), "outcome": True}), "outcome must be one of"),
        (json.dumps({**asdict(SECOND), "order": "aa"}), "order must be one of"),
        (json.dumps({**asdict(SECOND), "fifth": 5}), "fifth must be at most 4, not 5"),
        (json.dumps({**asdict(SECOND), "tokens_in": -1}), "tokens_in must be 0 or more, not -1"),
        (json.dumps({**asdict(SECOND), "winner": "a"}), "unknown key 'winner'"),
        (json.dumps(asdict(FIRST)), "is a second vote on the same question"),
        (json.dumps({"run": asdict(vote_run(judge="judge-2"))}), "is about another judge than the first line"),
        (json.dumps({"run": 3}), "must be a table, not 3"),
        ("{}", "video is missing"),
        ('{"run": {"setting": {}}}', "benchmark is missing"),
        ("3", "is not a JSON object but 3"),
    ],
)
def test_a_line_that_is_no_vote_is_named(tmp_path: Path, line: str, said: str) -> None:
    """Guards win rates against what somebody's editor did."""
    path = tmp_path / "votes.jsonl"
    with GrowingVotes(path, vote_run()) as votes:
        votes.append(FIRST)
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(InputError) as caught:
        read_votes(path)
    assert "Line 3 of" in str(caught.value)
    assert said in str(caught.value)


def test_a_file_without_votes(tmp_path: Path) -> None:
    with GrowingVotes(tmp_path / "empty.jsonl", vote_run()):
        pass
    with pytest.raises(InputError, match="holds no votes"):
        read_votes(tmp_path / "empty.jsonl")
    (tmp_path / "headless.jsonl").write_text(json.dumps(asdict(replace(FIRST))) + "\n")
    with pytest.raises(InputError, match="no line above it says what the votes are about"):
        read_votes(tmp_path / "headless.jsonl")
