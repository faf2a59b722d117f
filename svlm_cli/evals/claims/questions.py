"""The claims page's section about questions: what was asked, the tables, and the commands.

Every number is computed from the report, and the output is deterministic. Measures nothing.
"""

import shlex
from collections.abc import Iterator
from typing import Final

from svlm_cli.evals.claims.markdown import bullet, plain, share, table_line, wrapped
from svlm_cli.evals.claims.questions_file import (
    BENCHMARK,
    QUESTIONS_NAME,
    AskedLook,
    AskedShares,
    AskedWay,
    QuestionResults,
)
from svlm_cli.evals.scores import Estimate
from svlm_cli.evals.vqa.choices import AnswerBy, Way
from svlm_cli.simulator.match.match import Split

_KINDS: Final = (
    "The questions have the forms of OVO-Bench, but are about [simulated "
    "matches](endless-match.md#as-a-benchmark-of-questions). So these numbers are not results on that benchmark, and "
    "cannot be compared with published ones."
)

_READING: Final = """\
The table has shares of correct answers, from 0 to 1, with 95 % intervals in brackets, by a bootstrap over matches. The
total is the mean of the groups, and each group the mean of its tasks, as in the benchmark. **chance** is the result of
guessing: one divided by the number of options, one half for yes or no, and zero for a count, which has no options."""

_TASKS: Final = {
    "EPM": "the score at a given time, or which team scored the first or the last goal, or did something between two "
    "times. Two to four options.",
    "ASI": "how the last shot before a given time ended: goal, saved or missed.",
    "HLD": 'which team did something between two times, when neither did. The correct answer is always "neither of '
    'them". A model that always says so is right in all of HLD, but wrong in the questions of EPM that have the same '
    "form and a team as the answer; so read the two together.",
    "OCR": "what the scoreboard shows now: one of four scores.",
    "ACR": "what has happened in the last two seconds: one of four events.",
    "ATR": "the colour of the player who has the ball now: one of four.",
    "STU": "in which quarter of the pitch the ball is now.",
    "OJR": "which of the two teams has the ball now. This needs the colour of the player, and the context, which says "
    "which team wears it.",
    "REC": "how many goals, goals of one team, saves or shots there have been since the beginning of the video. Only "
    "the exact number is correct. A model that always says 0 is right until the first one.",
    "SSR": "whether the ball is in play, or whether the game has stopped in a certain way; asked before, during and "
    "after a stop. A single frame is enough. Half of the correct answers are yes.",
    "CRR": "whether it is already known which team scores the first goal after a given time, or how the first shot "
    "after it ends; asked twice before that and twice after it. Half of the correct answers are yes, so a model that "
    "always gives the same answer is right in half of them.",
}
_GROUPS: Final = {
    "backward": "the past",
    "realtime": "the last second or two, which needs no memory of the match",
    "forward": "the same thing several times during the match",
}


def questions_section(questions: QuestionResults, folder: str) -> Iterator[str]:
    """The paragraphs of the section, for a report in `folder`."""
    yield "## Questions"
    yield wrapped(f"{_asked(questions)} {_KINDS}{_missing(questions)}")
    yield "\n".join(_looks(questions))
    yield wrapped(_READING)
    yield "\n".join(_table(questions))
    if questions.less_first:
        yield wrapped(
            f"The other ways minus {questions.ways[0].of.way}, on the same questions, with the same matches in each "
            "bootstrap sample:"
        )
        yield "\n".join(_differences(questions))
    yield _groups(questions)
    yield "\n".join(bullet(f"**{task}**: {_TASKS[task]}") for task in questions.chance.tasks)
    yield "### How the questions were asked"
    yield _measured(questions)
    needs = ["# needs a GPU"] if any(one.of.device[-1].startswith("cuda") for one in questions.ways) else []
    yield f"```sh\n{chr(10).join([*needs, *question_commands(questions, folder)])}\n```"


def _asked(questions: QuestionResults) -> str:
    """What was asked, which model, and how."""
    first, ways = questions.ways[0].of, len(questions.ways)
    matches = first.matches
    many = "1 simulated match" if matches.matches == 1 else f"{matches.matches} simulated matches"
    names = "evaluation" if matches.split is Split.EVAL else "training"
    how = "in one way of looking" if ways == 1 else f"in each of {ways} ways of looking"
    answer = "the most likely letter" if first.answer is AnswerBy.LETTERS else "what the model says"
    return (
        f"{plain(first.model)} ({plain(first.model_files)}, by the SHA-256 of its files) was asked "
        f"{first.questions:,} questions about {many} of {matches.seconds / 60:.10g} minutes, with seeds from "
        f"{matches.seed} and the team names for {names}, {how}. If a question has options, the answer is {answer}."
    )


def _measured(questions: QuestionResults) -> str:
    """The environment of the measurement."""
    first = questions.ways[0].of
    versions = dict.fromkeys(version for one in questions.ways for version in one.of.svlm)
    hardware = dict.fromkeys(name for one in questions.ways for name in one.of.hardware)
    return wrapped(
        f"Measured by svlm {', '.join(map(plain, versions))} on {', '.join(map(plain, hardware))}, "
        f"{plain(first.dtype)}. The SHA-256 of the questions begins with {plain(first.questions_sha256[:16])}, that of "
        f"the prompts with {plain(first.prompts_sha256[:16])}."
    )


def _missing(questions: QuestionResults) -> str:
    absent = [task for task in BENCHMARK.tasks if task not in questions.chance.tasks]
    if not absent:
        return ""
    return f" {', '.join(absent)} {'is' if len(absent) == 1 else 'are'} missing; the total covers the other tasks."


def _looks(questions: QuestionResults) -> Iterator[str]:
    for one in questions.ways:
        yield bullet(f"**{one.of.way}**: {_look(one.of.way, one.look)}.")


def _look(way: Way, look: AskedLook) -> str:
    """Which frames of the match a way of looking shows before a question."""
    stream = f"a stream of the match from its beginning at {look.fps:g} frames per second, which"
    match way:
        case Way.STREAMING:
            return f"{stream} remembers what its policy keeps"
        case Way.WINDOW:
            return f"{stream} forgets everything except its own last words every {look.reset_s:g} s"
        case Way.RECENT:
            return f"only the last {look.frames} frames, in one prompt"
        case Way.FULL:
            return f"up to {look.frames} frames, evenly spaced over everything so far, in one prompt"


def _table(questions: QuestionResults) -> Iterator[str]:
    yield from _head("way", questions.chance)
    for one in questions.ways:
        shares = one.shares
        yield table_line([one.of.way, share(shares.total), *(part.number() for part in _parts(shares))])
    chance = questions.chance
    yield table_line(["**chance**", chance.total.number(), *(part.number() for part in _parts(chance))])


def _differences(questions: QuestionResults) -> Iterator[str]:
    yield from _head(f"minus {questions.ways[0].of.way}", questions.chance)
    for way, shares in questions.less_first.items():
        cells = (share(part, signed=True) for part in (shares.total, *_parts(shares)))
        yield table_line([way, *cells])


def _head(first: str, shares: AskedShares) -> Iterator[str]:
    headings = [first, "total", *shares.groups, *shares.tasks]
    yield table_line(headings)
    yield table_line(["---"] * len(headings))


def _parts(shares: AskedShares) -> tuple[Estimate, ...]:
    return (*shares.groups.values(), *shares.tasks.values())


def _groups(questions: QuestionResults) -> str:
    told = (f"{name} asks about {_GROUPS[name]}" for name in questions.chance.groups)
    return wrapped(f"Of the groups, {'; '.join(told)}. The tasks ask for:")


def question_commands(questions: QuestionResults, folder: str) -> Iterator[str]:
    """The commands that made matches, answers and report, one per line."""
    first = questions.ways[0].of
    matches = first.matches
    made = ["--seed", str(matches.seed), "--matches", str(matches.matches)]
    made += ["--minutes", f"{matches.seconds / 60:.10g}", "--fps", str(matches.fps), "--split", matches.split]
    yield _shell(["svlm", "simulate", "--questions", first.folder, *made])
    for one in questions.ways:
        yield _shell(_asking(one))
    files = dict.fromkeys(one.of.file for one in questions.ways)
    report = _shell(["svlm", "eval", "vqa", "report", *files, "--json"])
    yield f"{report} > {_shell([f'{folder}/{QUESTIONS_NAME}'])}"


def _asking(way: AskedWay) -> list[str]:
    of, look = way.of, way.look
    words = ["svlm", "eval", "vqa", BENCHMARK, of.folder, "--model", of.model, "--way", of.way, "--answer", of.answer]
    match of.way:
        case Way.STREAMING | Way.WINDOW:
            words += ["--fps", f"{look.fps:g}", "--temperature", f"{look.temperature:g}", "--seed", str(look.seed)]
        case Way.RECENT:
            words += ["--recent-frames", str(look.frames)]
        case Way.FULL:
            words += ["--frames", str(look.frames)]
    words += ["--set", f"vision.min_pixels={look.min_pixels}", "--set", f"vision.max_pixels={look.max_pixels}"]
    return [*words, "--jobs", str(of.jobs), "--device", of.device[-1], "--dtype", of.dtype, "-o", of.file]


def _shell(words: list[str]) -> str:
    return shlex.join(plain(word) for word in words)
