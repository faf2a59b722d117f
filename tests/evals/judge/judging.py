"""A judge without a server, and files of votes that it has filled."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from svlm_cli.chat.asking import Patience
from svlm_cli.chat.prompts import read_prompts
from svlm_cli.chat.replies import ChatReply, Message, ReplyCache
from svlm_cli.evals.judge.asking import JudgeAsker, JudgeForm
from svlm_cli.evals.judge.pairs import Control, commentary_pairs
from svlm_cli.evals.judge.prompts import JudgePrompts
from svlm_cli.evals.judge.questions import Benchmark, JudgedPair, JudgeQuestion, Outcome, PairOrder
from svlm_cli.evals.judge.run import JudgeUsage, collect_votes
from svlm_cli.evals.judge.votes import GrowingVotes, Vote, VoteRun, VoteSetting, VotesFile, read_votes
from svlm_cli.evals.prompt_files import prompts_file
from svlm_cli.jsonl.lines import fingerprint_of
from tests.servers.judge import Decide, decide_on

ADDRESS = "http://127.0.0.1:1/v1"
PROMPTS: JudgePrompts = read_prompts(JudgePrompts, prompts_file("commentary"))[0]
PAIR = JudgedPair("v0", "1000-1100", 0, "The reference.", "worth 2, a", "worth 1, b")
IMPATIENT = Patience(tries=3, first_wait_s=0.001, longest_wait_s=0.002)

Step = Callable[[], ChatReply]


class Direct:
    """Answers in this process. `before` is called with each question, and may raise."""

    def __init__(self, decide: Decide, before: Callable[[float | None], None] = lambda temperature: None) -> None:
        self.decide = decide
        self.before = before
        self.asked: list[float | None] = []  # temperatures
        self.at_once, self.most_at_once = 0, 0
        self._lock = threading.Lock()

    def ask(self, messages: Sequence[Message], *, seed: int | None, temperature: float | None) -> ChatReply:
        with self._lock:
            self.asked.append(temperature)
            self.at_once += 1
            self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            self.before(temperature)
            return ChatReply(decide_on(messages, self.decide), 100, 1)
        finally:
            with self._lock:
                self.at_once -= 1


def asker(server: Direct, folder: Path, patience: Patience = IMPATIENT) -> JudgeAsker:
    """Of that server, with a cache in `folder`."""
    return JudgeAsker(
        server, JudgeForm(ADDRESS, "judge-1", PROMPTS).asked, ReplyCache(folder / "cache"), patience=patience
    )


def questions(count: int) -> list[JudgeQuestion]:
    """Of so many different pairs, in one order."""
    return [
        JudgeQuestion(JudgedPair("v0", str(index), 0, "so", f"worth 2, {index}", "worth 1"), PairOrder.AB)
        for index in range(count)
    ]


def judge(
    decide: Decide, output: Path, data: Path, a: Path, b: Path | None = None, control: Control | None = None
) -> tuple[VotesFile, JudgeUsage]:
    """What ``svlm eval commentary judge`` does, with a judge that needs no server."""
    found = commentary_pairs(data, a, b, control)
    run = vote_run(
        control=control or "",
        data=fingerprint_of(data),
        a="" if control in (Control.REFERENCE, Control.EMPTY) else fingerprint_of(a),
        b=fingerprint_of(b or a),
        questions=2 * len(found.pairs),
    )
    asked = [one for pair in found.pairs for one in pair.questions()]
    with GrowingVotes(output, run) as votes:
        spent = collect_votes(
            asked, asker(Direct(decide), output.parent / output.stem), jobs=2, has_ties=False, write=votes.append
        )
    return read_votes(output), spent


def vote_run(
    *,
    benchmark: Benchmark = Benchmark.COMMENTARY,
    control: str = "",
    data: str = "d",
    a: str = "a",
    b: str = "b",
    questions: int = 2,
    judge: str = "judge-1",
    version: str = "0.1.0",
) -> VoteRun:
    """What a call says of itself."""
    setting = VoteSetting(benchmark, control, judge, ADDRESS, PROMPTS.fingerprint, data, a, b)
    return VoteRun(
        setting, "clips.jsonl", control or "a.jsonl", "b.jsonl", "", "a model", questions, 0, version, "3.0.0"
    )


def vote(
    outcome: Outcome,
    *,
    video: str = "v0",
    part: str = "1000-1100",
    order: PairOrder = PairOrder.AB,
    fifth: int = 0,
    lengths: tuple[int, int] = (10, 10),
    said: str = "A",
) -> Vote:
    """One that nobody gave."""
    return Vote(video, part, fifth, order, outcome, said, *lengths, 100, 1, False, True)
