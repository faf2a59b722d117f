"""Questions about matches: each has one right answer, which can be known by then, and nothing gives it away."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from svlm_cli.evals.benchmarks.endless import video_name
from svlm_cli.evals.benchmarks.ovo_bench import OVO_GROUPS, read_ovo_bench
from svlm_cli.evals.benchmarks.vqa import VideoQuestion, VideoQuestions
from svlm_cli.evals.vqa.benchmarks import VqaBenchmark
from svlm_cli.evals.vqa.results import answered
from svlm_cli.evals.vqa.tally import vqa_scores
from svlm_cli.questions.quiz.choices import MultipleChoice, score_options
from svlm_cli.questions.quiz.quiz import questions_about
from svlm_cli.simulator.match.match import Match, Split
from tests.evals.benchmarks.question_sets import ovo_bench
from tests.questions.quiz.oracle import Oracle, reply

SECONDS = 180
SEEDS = (3, 4, 6, 8)
LONG = [pytest.param(seed, 1500, marks=pytest.mark.extra) for seed in (0, 1)]
ASKED = {"EPM", "ASI", "HLD", "OCR", "ACR", "ATR", "STU", "OJR", "REC", "SSR", "CRR"}


@cache
def match_of(seed: int) -> Match:
    """Played once."""
    return Match(seed, Split.EVAL)


@cache
def questions_of(seed: int, seconds: int = SECONDS) -> VideoQuestions:
    """As they are read from a file."""
    rows = questions_about(match_of(seed), seconds)
    with TemporaryDirectory() as folder:
        ovo_bench(Path(folder), [{"id": index, "video": video_name(seed), **row} for index, row in enumerate(rows)])
        return read_ovo_bench(Path(folder))


@cache
def oracle_of(seed: int, seconds: int = SECONDS) -> Oracle:
    """Who knows the match of a seed."""
    return Oracle(match_of(seed), seconds)


def task_scores(pairs: Iterable[tuple[VideoQuestion, str]]) -> Mapping[str, float | None]:
    """What answers are worth, task by task, and in all."""
    results = [answered(question, "words", words) for question, words in pairs]
    found = vqa_scores(results, VqaBenchmark.OVO_BENCH)
    return {"total": found.total.share.value, **{task: one.share.value for task, one in found.tasks.items()}}


@pytest.mark.parametrize(("seed", "seconds"), [*((seed, SECONDS) for seed in SEEDS), *LONG])
def test_who_knows_the_match_is_right_in_every_task(seed: int, seconds: int) -> None:
    """Guards the truth: other code, which sees nothing of what comes later, has the same answer to every question."""
    asked, oracle = questions_of(seed, seconds), oracle_of(seed, seconds)
    answers = {one.id: (one.text, oracle.answer(one), one.answer_in_words) for one in asked}
    assert {name: one for name, one in answers.items() if one[1] != one[2]} == {}
    scores = task_scores((one, reply(one, answers[one.id][1])) for one in asked)
    assert set(scores.values()) == {1.0}
    assert set(scores) >= ASKED - {"OCR", "SSR"}  # which need a goal
    steps = {one.text for one in asked if one.task == "SSR"}
    assert seconds == SECONDS or len(steps) >= 3


def test_who_saw_another_match_is_not() -> None:
    """Guards the test above: an answer that the question or the context gives away would be right here too."""

    def answer(one: VideoQuestion) -> str:
        try:
            return reply(one, oracle_of(8).answer(one))
        except (AssertionError, IndexError):  # nobody has the ball there
            return ""

    scores = task_scores((one, answer(one)) for one in questions_of(3))
    for task in ("EPM", "ACR", "ATR", "STU", "OJR", "OCR", "REC"):
        assert (scores[task] or 0) < 0.8, task


def test_the_present_is_not_a_change() -> None:
    """Guards the margins: who has not seen the last picture before a question knows the same."""
    for seed in SEEDS:
        for one in questions_of(seed):
            if one.task in {"OJR", "ATR", "STU", "OCR", "SSR"}:
                assert oracle_of(seed).answer(one, sooner_s=0.5) == one.answer_in_words, one


def test_counts_and_clues_keep_away_from_their_changes() -> None:
    """Guards against a goal that has fallen for one viewer and not for another."""
    for seed in SEEDS:
        for one in questions_of(seed):
            if one.task in {"REC", "CRR"} and one.end_s is not None and one.end_s < SECONDS - 2:
                for sooner_s in (-2.0, 2.0):
                    assert oracle_of(seed).answer(one, sooner_s=sooner_s) == one.answer_in_words, one


def test_the_place_of_the_right_option_tells_nothing() -> None:
    """Guards against a model that always says A: it gets a half of two options, a quarter of four."""
    rng = np.random.default_rng(0)
    for options in (2, 3, 4):
        choice = MultipleChoice("EPM", "Which?", "right", ("one", "two", "three")[: options - 1])
        rows = [choice.row(9, rng) for _ in range(2000)]
        assert all(row["options"][row["gt"]] == "right" for row in rows)
        counted = Counter(row["gt"] for row in rows)
        assert [counted[place] / 2000 for place in range(options)] == pytest.approx([1 / options] * options, abs=0.04)
    asked = [one for seed in SEEDS for one in questions_of(seed)]
    choices = [one for one in asked if one.options]
    assert {len(one.options) for one in choices} == {2, 3, 4}
    assert all(len(set(one.options)) == len(one.options) for one in choices)
    expected = sum(1 / len(one.options) for one in choices) / len(choices)
    assert sum(one.answer == "A" for one in choices) / len(choices) == pytest.approx(expected, abs=0.1)
    scores = task_scores((one, "A") for one in asked)
    assert {scores[task] for task in ("REC", "SSR", "CRR")} == {0}
    assert 0 < (scores["OJR"] or 0) < 1


def test_options_do_not_tell_round_which_they_were_made() -> None:
    """Guards against a right answer that is the middle of the wrong ones, or the one kind of which there are two."""
    rng = np.random.default_rng(0)
    for score in ((0, 0), (3, 3), (1, 0), (7, 8), (2, 0), (9, 0), (9, 8), (4, 7), (9, 7)):
        right, wrong = score_options(("Falvon", "Torbek"), score, rng)
        assert right == f"Falvon {score[0]}, Torbek {score[1]}"
        assert len({right, *wrong}) == 4
        goals = [tuple(int(part.split()[1]) for part in one.split(", ")) for one in (right, *wrong)]
        assert {(away, home) for home, away in goals} == {*goals}, "each is there the other way round as well"
        assert all(0 <= number <= 9 for one in goals for number in one)
    for one in [one for seed in SEEDS for one in questions_of(seed) if one.task == "ACR"]:
        names = one.known.rstrip(".").split()[2::3]
        did = Counter(option.partition(" ")[2] for option in one.options)
        assert [*did.values()] == [2, 2]
        assert Counter(option.partition(" ")[0] for option in one.options) == dict.fromkeys(names, 2)


def test_who_takes_each_team_for_the_other_is_wrong_where_teams_are_told() -> None:
    """Guards that names count where they are asked for, and nowhere else."""
    pairs = []
    for seed in SEEDS:
        home, away = (team.name for team in match_of(seed).teams)
        for one in questions_of(seed):
            words = oracle_of(seed).answer(one)
            swapped = words.replace(home, "\0").replace(away, home).replace("\0", away)
            swapped = ", ".join(reversed(swapped.split(", ")))  # of a score: the home team stands first
            pairs.append((one, reply(one, swapped)))
    scores = task_scores(pairs)
    assert {scores[task] for task in ("OJR", "ACR")} == {0}
    assert {scores[task] for task in ("ASI", "HLD", "ATR", "STU", "SSR", "CRR", "REC")} == {1}
    for task in ("OCR", "EPM"):
        draws = [is_draw(one.answer_in_words) for one, _ in pairs if one.task == task]
        assert scores[task] == pytest.approx(sum(draws) / len(draws))
        assert {*draws} == {False, True}


def is_draw(words: str) -> bool:
    """Of an option, whether it is such a score."""
    return ", " in words and len({part.split()[1] for part in words.split(", ")}) == 1


def test_questions_are_spread_and_balanced() -> None:
    """Guards against a benchmark of the first minute, or of what can be asked most easily."""
    for seed in SEEDS:
        asked = questions_of(seed)
        counted = Counter(one.task for one in asked if one.options)
        assert {counted[task] for task in ("EPM", "ASI", "HLD", "ACR", "ATR", "STU", "OJR")} <= {2, 3}
        for group in OVO_GROUPS:
            times = [one.end_s for one in asked if one.group == group and one.end_s is not None]
            assert min(times) < SECONDS / 3, group
            assert max(times) > SECONDS * 2 / 3, group
    for task in ("SSR", "CRR"):
        answers = Counter(one.answer for seed in SEEDS for one in questions_of(seed) if one.task == task)
        assert answers["yes"] == pytest.approx(answers["no"], rel=0.1)
    assert {one.answer for one in questions_of(3) if one.task == "REC"} > {"0", "1"}


def test_a_seed_has_its_questions() -> None:
    """Guards runs that go on, and results that are compared: the same questions, however the match was played."""
    match = match_of(3)
    match.play(400)
    rows = questions_about(match, SECONDS)
    assert rows == questions_about(Match(3, Split.EVAL), SECONDS)
    assert json.loads(json.dumps(rows)) == [*rows]
    assert {row["context"] for row in rows} == {match.context}
    assert questions_about(Match(3, Split.TRAIN), SECONDS) != rows


def test_a_match_of_seconds_has_questions() -> None:
    """Guards the shortest match that can be asked for."""
    for seconds in (3, 4, 20):
        assert {row["task"] for row in questions_about(match_of(3), seconds)} >= {"REC"}
