"""The judge who knows the match: what a text is worth by hand, and who wins where it is known who must."""

import json
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svlm_cli.commands.app import main
from svlm_cli.evals.judge.pairs import Control
from svlm_cli.evals.judge.questions import PairOrder
from tests.conftest import environment
from tests.evals.benchmarks.endless_games import (
    Change,
    Seconds,
    changed,
    empty,
    late,
    perfect,
    shuffled,
    write_annotations,
    write_commentary,
    wrong_team,
)
from tests.evals.judge.judging import judge
from tests.servers.match_judge import common, knows_the_match, worth

REFERENCE = (
    "Falvon pass it back.\nTorbek win it back.\nGoal for Torbek, nil one.\nFalvon kick off."  # four events, a score
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (REFERENCE, 1.0),
        ("Falvon pass it forward. Torbek win it back. Goal for Torbek, nil one. Falvon kick off.", 1.0),
        ("Goal for Torbek, nil one.", 2 * 2 / (5 + 2)),
        ("Goal for Torbek, one nil.", 2 * 1 / (5 + 2)),  # the score is wrong
        ("Goal for Falvon, nil one.", 2 * 1 / (5 + 2)),  # the team is
        ("Goal for Torbak, nil one.", 2 * 1 / (5 + 2)),  # nobody's
        ("Torbek win it back. Falvon pass it back.", 2 * 1 / (5 + 2)),  # the order is
        (f"{REFERENCE} Torbek shoot.", 2 * 5 / (5 + 6)),  # nothing of the kind
        ("What a game this is!", 0.0),
        ("", 0.0),
    ],
)
def test_what_a_text_is_worth(text: str, expected: float) -> None:
    assert worth(text, REFERENCE) == pytest.approx(expected)


def test_where_nothing_is_told_silence_is_right() -> None:
    assert worth("", "Well, well.") == 1
    assert worth("Falvon shoot.", "Well, well.") == 0


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (REFERENCE, REFERENCE.replace("nil one", "one nil")),
        ("So it goes, and it goes on and on with no end.", "So."),  # nothing told: the length that is nearer
        ("a a a", "b b b"),  # and then the alphabet
    ],
)
def test_the_place_decides_nothing(better: str, worse: str) -> None:
    assert knows_the_match(better, worse, REFERENCE) == "A"
    assert knows_the_match(worse, better, REFERENCE) == "B"


def test_texts_of_the_same_words_are_equal() -> None:
    """Guards a commentary, joined by blanks, beside the reference's lines: the place decides, and that shows."""
    joined = " ".join(REFERENCE.split())
    assert joined != REFERENCE
    assert knows_the_match(joined, REFERENCE, REFERENCE) == knows_the_match(REFERENCE, joined, REFERENCE) == "A"


def longest(one: list[str], other: list[str]) -> int:
    """The slow twin: every subsequence of one, the longest first."""
    for size in range(len(one), 0, -1):
        for found in combinations(one, size):
            rest = iter(other)
            if all(letter in rest for letter in found):
                return size
    return 0


letters = st.lists(st.sampled_from("abc"), max_size=7)


@given(letters, letters)
def test_the_longest_common_subsequence(one: list[str], other: list[str]) -> None:
    assert common(one, other) == longest(one, other)


SEEDS, SECONDS = (7, 8), 400


@pytest.mark.parametrize("change", [late, shuffled, wrong_team, empty])
def test_the_reference_wins_in_both_orders(tmp_path: Path, change: Change) -> None:
    """Guards what this judge is for: of two commentaries, the truer one wins in every clip, wherever it stands."""
    _, clips = write_annotations(tmp_path, SEEDS, SECONDS)
    said = write_commentary(tmp_path / "said.jsonl", changed(SEEDS, SECONDS, change))
    votes, _ = judge(knows_the_match, tmp_path / "votes.jsonl", clips, said, control=Control.REFERENCE)
    assert {(vote.video, vote.order) for vote in votes.votes.values()} == {
        (str(seed), order) for seed in SEEDS for order in PairOrder
    }
    assert len(votes.votes) == 2 * 8
    assert {str(vote.outcome) for vote in votes.votes.values()} == {"a"}


def test_a_perfect_commentary_is_as_good_as_the_reference(tmp_path: Path) -> None:
    """Guards the borders of clips: there, too, each has the words of the other."""
    _, clips = write_annotations(tmp_path, SEEDS, SECONDS)
    said = write_commentary(tmp_path / "said.jsonl", changed(SEEDS, SECONDS, perfect))

    def equal(first: str, second: str, reference: str) -> str:
        assert worth(first, reference) == worth(second, reference) == 1
        return "A"

    judge(equal, tmp_path / "votes.jsonl", clips, said, control=Control.REFERENCE)


def every_other_wrong(seed: int, texts: Seconds) -> Seconds:
    """The reference, in the last two fifths of which every other sentence is of the other team."""
    wrong = wrong_team(seed, texts)
    return tuple(
        wrong[second] if second >= 0.6 * len(texts) and second % 20 < 10 else text for second, text in enumerate(texts)
    )


@pytest.mark.extra
def test_from_matches_to_a_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the whole way, through a judge that runs as a program: who is wrong in the last two fifths loses there."""
    folder = tmp_path / "endless"
    seeds, seconds = (3, 4), 750
    size = ["--matches", "2", "--seed", "3", "--minutes", str(seconds / 60), "--start", "0", "--fps", "1"]
    assert main(["simulate", "--benchmark", str(folder), *size, "--quiet"]) == 0
    a = write_commentary(tmp_path / "a.jsonl", changed(seeds, seconds, perfect))
    b = write_commentary(tmp_path / "b.jsonl", changed(seeds, seconds, every_other_wrong))
    command = [sys.executable, "-m", "tests.servers.judge", "knows-the-match", "--port", "0"]
    monkeypatch.setenv("OPENAI_API_KEY", "any")
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", address)
            asked = ["--clips", folder / "score_all_clips.jsonl", "--judge", "knows-the-match", "--base-url", address]
            asked += ["--cache", tmp_path / "cache", "-o", tmp_path / "votes.jsonl", "--quiet"]
            assert main(["eval", "commentary", "judge", *map(str, (a, b, *asked))]) == 0
        finally:
            server.terminate()
    capsys.readouterr()
    assert main(["eval", "commentary", "report", str(tmp_path / "votes.jsonl"), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["comparisons"]
    fifths = [one["value"] for one in row["fifths"]]
    assert fifths[:2] == [0.5, 0.5], "equal texts"
    assert fifths[3:] == [1, 1]
    assert 0.5 < row["win_rate"]["value"] < 1
