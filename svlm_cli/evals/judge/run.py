"""Asks a judge many questions, and writes each vote as it arrives. Knows no data files and no server."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

from svlm_cli.chat.asking import UnansweredError
from svlm_cli.chat.crowd import Silence, at_once
from svlm_cli.core.reporting import Reporter
from svlm_cli.core.text import presentable
from svlm_cli.evals.judge.asking import JUDGE, JudgeAsker
from svlm_cli.evals.judge.pairs import Pairs
from svlm_cli.evals.judge.questions import JudgeQuestion, Outcome, read_reply, visible_length
from svlm_cli.evals.judge.votes import GrowingVotes, Vote, VoteRun

_SHOWN: Final = 200  # characters of a reply


@dataclass(slots=True)
class JudgeUsage:
    """Counts of a run, and its cost."""

    votes: int = 0
    cached: int = 0
    malformed: int = 0
    unanswered: int = 0
    tokens_in: int = 0  # of this run's own requests
    tokens_out: int = 0

    def note(self, vote: Vote) -> None:
        """Count a vote."""
        self.votes += vote.outcome not in (Outcome.MALFORMED, Outcome.UNANSWERED)
        self.malformed += vote.outcome is Outcome.MALFORMED
        self.unanswered += vote.outcome is Outcome.UNANSWERED
        self.cached += vote.cached
        if not vote.cached:
            self.tokens_in += vote.tokens_in
            self.tokens_out += vote.tokens_out

    def sentence(self) -> str:
        """For people."""
        return (
            f"{self.votes} votes, {self.malformed} malformed replies, "
            f"{self.unanswered} questions without an answer; {self.cached} came from disk."
        )

    def to_json(self, run: VoteRun, output: Path) -> dict[str, Any]:
        """For programs."""
        return {
            "eval": str(run.setting.benchmark),
            "output": str(output),
            "questions": run.questions,
            "left_out": run.left_out,
            "votes": self.votes,
            "malformed": self.malformed,
            "unanswered": self.unanswered,
        }


def judge_pairs(
    found: Pairs, run: VoteRun, output: Path, asker: JudgeAsker, reporter: Reporter, *, jobs: int
) -> JudgeUsage:
    """Asks what has no vote in `output` yet, and writes votes there. Raises as `collect_votes`, and `OutputError`."""
    with GrowingVotes(output, run) as votes:
        for notice in filter(None, (*found.notices, votes.before.notice)):
            reporter.warn(notice)
        if found.left_out:
            left_out = f"{found.left_out} of {found.left_out + len(found.pairs)} are left out"
            reporter.warn(f"{left_out}: not all predictions cover them.")
        left = [one for pair in found.pairs for one in pair.questions() if not votes.before.is_done(one)]
        done = count(1)
        with reporter.bar("votes", len(left)) as advance:

            def write(vote: Vote) -> None:
                votes.append(vote)
                advance(next(done))

            return collect_votes(left, asker, jobs=jobs, has_ties=run.setting.benchmark.has_ties, write=write)


def collect_votes(
    questions: Sequence[JudgeQuestion],
    asker: JudgeAsker,
    *,
    jobs: int,
    has_ties: bool,
    write: Callable[[Vote], None],
) -> JudgeUsage:
    """Ask all questions, `jobs` at a time, and pass each vote to `write` as it arrives.

    Raises what ends the run: `ModelError` if the server is unusable, or has not answered ten requests in a row.
    """
    spent, silence = JudgeUsage(), Silence(JUDGE.name, "votes and answers")
    vote_on_it = partial(vote_on, asker=asker, has_ties=has_ties)
    with closing(at_once(questions, vote_on_it, jobs=jobs, stop=asker.stop)) as votes:
        for vote in votes:
            write(vote)
            spent.note(vote)
            silence.note(vote.reply if vote.outcome is Outcome.UNANSWERED else "")
    return spent


def vote_on(question: JudgeQuestion, asker: JudgeAsker, *, has_ties: bool) -> Vote:
    """Ask one question."""
    pair = question.pair
    try:
        answered = asker.ask(question)
    except UnansweredError as error:
        outcome, said, tokens, cached, temperature = Outcome.UNANSWERED, str(error), (0, 0), False, True
    else:
        reply = answered.reply
        outcome, said = read_reply(reply.text, question.order, has_ties=has_ties), reply.text
        tokens, cached, temperature = (reply.tokens_in, reply.tokens_out), answered.cached, answered.temperature
    return Vote(
        pair.video,
        pair.part,
        pair.fifth,
        question.order,
        outcome,
        presentable(said)[:_SHOWN],
        visible_length(pair.a),
        visible_length(pair.b),
        *tokens,
        cached,
        temperature,
    )
