"""Reports call a judge what it is. The judges are those of the loopback server, whose ways are known."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from svlm_cli.core.errors import UsageError
from svlm_cli.evals.judge.pairs import Control
from svlm_cli.evals.judge.questions import Benchmark, Outcome
from svlm_cli.evals.judge.report import JudgeReport, make_report
from svlm_cli.evals.judge.votes import VotesFile
from svlm_cli.jsonl.lines import fingerprint_of
from tests.conftest import environment
from tests.evals.benchmarks.miniature import games
from tests.evals.judge.judging import judge, vote, vote_run
from tests.servers.judge import Decide, length_biased, malformed, noisy, position_biased, truthful

VIDEOS = 12
LONG = "worth 1, and on and on it goes"


def judged(
    folder: Path, decide: Decide, *, a: str = "worth 2", b: str = LONG, controls: tuple[Control, ...] = ()
) -> JudgeReport:
    """A better and shorter commentary a against b."""
    clips, first, second = games(folder, VIDEOS, a=a, b=b)
    files = [judge(decide, folder / "votes.jsonl", clips, first, second)[0]]
    files += [judge(decide, folder / f"{one}.jsonl", clips, first, control=one)[0] for one in controls]
    return make_report(files)


def rates_of(found: JudgeReport) -> dict[str, float | None]:
    (one,) = found.comparisons
    return {name: one.to_json()[name]["value"] for name in ("win_rate", "agreement", "first_place_rate", "longer_wins")}


def test_a_judge_that_knows(tmp_path: Path) -> None:
    """Guards against warnings that are always there: here nothing is wrong but what is missing."""
    found = judged(tmp_path, truthful, b="worth 1", controls=tuple(Control))
    assert rates_of(found) == {"win_rate": 1, "agreement": 1, "first_place_rate": 0.5, "longer_wins": None}
    assert [*found.notes()] == ["reference against b.jsonl: the judge prefers the commentary to the reference itself."]
    assert [one.to_json()["win_rate"]["value"] for one in found.controls] == [0.5, 0, 0]


def test_a_position_bias_is_called_so(tmp_path: Path) -> None:
    found = judged(tmp_path, position_biased)
    assert rates_of(found) == {"win_rate": 0.5, "agreement": 0, "first_place_rate": 1, "longer_wins": 0.5}
    notes = " ".join(found.notes())
    assert "position bias: 100% of the votes are for the text in the first place" in notes
    assert "the two orders agree in 0% of the parts" in notes
    assert "may be length" not in notes


def test_a_length_bias_is_called_so(tmp_path: Path) -> None:
    found = judged(tmp_path, length_biased)
    assert rates_of(found) == {"win_rate": 0, "agreement": 1, "first_place_rate": 0.5, "longer_wins": 1}
    notes = " ".join(found.notes())
    assert "the longer text won 100% of the votes: that may be length, not quality" in notes
    assert "position bias" not in notes


def test_a_coin_is_called_so(tmp_path: Path) -> None:
    """Guards against a win rate near a half that is taken for two equal commentaries."""
    found = judged(tmp_path, noisy)
    one = rates_of(found)
    assert all(value is not None and 0.3 < value < 0.7 for value in one.values())
    assert "about chance, or less" in " ".join(found.notes())


def test_what_is_malformed_is_no_vote(tmp_path: Path) -> None:
    """Guards against the letter in "A is the better one."."""
    found = judged(tmp_path, malformed)
    row = found.to_json()["comparisons"][0]
    assert (row["votes"], row["failed"], row["outcomes"]["malformed"]) == (0, 120, 120)
    assert row["win_rate"] == {"value": None, "low": None, "high": None}
    assert "120 replies are malformed and do not count as votes" in " ".join(found.notes())
    assert json.dumps(found.to_json(), allow_nan=False)
    assert [*found.tables()]


@pytest.mark.parametrize("decide", [truthful, position_biased, length_biased])
def test_a_commentary_against_itself_is_a_half(tmp_path: Path, decide: Decide) -> None:
    found = judged(tmp_path, decide, controls=(Control.SAME,))
    (same,) = found.controls
    assert same.to_json()["win_rate"] == {"value": 0.5, "low": 0.5, "high": 0.5}
    assert same.to_json()["first_place_rate"]["value"] == 1, "with nothing to choose, the place is all there is"


def test_controls_say_what_a_judge_is_worth(tmp_path: Path) -> None:
    """Guards against a judge that does not read: it votes for nothing at all, and that is told."""
    found = judged(tmp_path, position_biased, controls=(Control.EMPTY,))
    assert found.controls[0].to_json()["win_rate"]["value"] == 0.5
    notes = [*found.notes()]
    assert "empty against b.jsonl: the judge votes for an empty text." in notes
    assert notes[-1] == "Missing controls: same, reference (judge --control)."


def test_the_reference_wins_where_a_judge_reads(tmp_path: Path) -> None:
    found = judged(
        tmp_path, lambda first, second, reference: "A" if "so\non" in first else "B", controls=(Control.REFERENCE,)
    )
    assert found.controls[0].to_json()["win_rate"]["value"] == 1


def test_a_report_says_what_it_is_of(tmp_path: Path) -> None:
    """Guards against numbers whose origin nobody knows a year later."""
    found = judged(tmp_path, truthful, controls=(Control.SAME,))
    row = found.to_json()["comparisons"][0]
    names = ("score_all_clips.jsonl", "a.jsonl", "b.jsonl")
    hashes = [fingerprint_of(tmp_path / name) for name in names]
    assert [row["data"]["sha256"], row["a"]["sha256"], row["b"]["sha256"]] == hashes
    assert [row["a"]["made_by"], row["b"]["made_by"]] == [None, "a model"]
    assert len(row["judge"]["prompts_sha256"]) == 64
    assert row["judge"]["model"] == "judge-1"
    assert row["versions"] == {"svlm": ["0.1.0"], "openai": ["3.0.0"]}
    assert (row["videos"], row["parts"], row["questions"], row["votes"]) == (12, 60, 120, 120)
    assert row["a"]["characters"] < row["b"]["characters"]


def test_few_videos_are_told(tmp_path: Path) -> None:
    """Guards against an interval of three games that is believed."""
    for videos, said in ((1, "one video: no interval"), (3, "3 videos: the interval is rough")):
        folder = tmp_path / str(videos)
        folder.mkdir()
        clips, a, b = games(folder, videos)
        found = make_report([judge(truthful, folder / "votes.jsonl", clips, a, b)[0]])
        assert said in " ".join(found.notes())


def test_what_was_not_asked_is_told(tmp_path: Path) -> None:
    file = VotesFile(
        tmp_path,
        (vote_run(questions=4),),
        {one.key: one for one in [vote(Outcome.A), vote(Outcome.UNANSWERED, part="2")]},
    )
    notes = " ".join(make_report([file]).notes())
    assert "2 of 4 questions have not been asked" in notes
    assert "1 questions were not answered" in notes
    row = make_report([file]).to_json()["comparisons"][0]
    assert (row["win_rate"]["value"], row["win_rate_if_failures_were_lost"], row["missing"]) == (1, 0.5, 2)


def test_what_does_not_belong_together_is_refused(tmp_path: Path) -> None:
    """Guards tables: one judge, one set of clips, and controls of what is compared."""
    vote_a = vote(Outcome.A)
    one = VotesFile(tmp_path / "one", (vote_run(),), {vote_a.key: vote_a})
    others = {
        "another judge": vote_run(judge="judge-2", a="c"),
        "another file of data": vote_run(data="e"),
        "another benchmark": vote_run(benchmark=Benchmark.LIVESPORTS),
        "control of a commentary that no other file compares": vote_run(control="same", a="c", b="c"),
        "the same comparison as a file before it": vote_run(),
    }
    for said, run in others.items():
        with pytest.raises(UsageError) as caught:
            make_report([one, replace(one, runs=(run,))])
        assert said in str(caught.value)
    of_b = replace(one, runs=(vote_run(control="same", a="b", b="b"),))
    assert make_report([one, of_b]).missing == ("reference", "empty")


def test_judging_needs_no_torch() -> None:
    """Guards quick reports, and judging on machines that run no model."""
    of_evals = [f"svlm_cli.evals.judge.{one}" for one in ("pairs", "report", "run")]
    modules = ", ".join([*of_evals, "svlm_cli.chat.server"])
    script = f"import sys\nsys.modules.update(torch=None, transformers=None)\nimport {modules}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
