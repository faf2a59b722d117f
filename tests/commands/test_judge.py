"""``svlm eval commentary`` and ``svlm eval livesports`` as they are called, with a judge on loopback."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.commands.app import main
from svlm_cli.evals.judge.votes import read_votes
from tests.conftest import environment
from tests.evals.benchmarks.miniature import event, games, prediction, write_lines
from tests.servers.chat import Trouble
from tests.servers.judge import JudgeOnLoopback, malformed, serve_judge, truthful

KEY = "sesame-open-1234"


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Iterator[JudgeOnLoopback]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serve_judge(truthful) as found:
        yield found


@dataclass(frozen=True, slots=True)
class Calls:
    """Commands about miniature sets in a folder."""

    folder: Path
    judge: JudgeOnLoopback
    capsys: pytest.CaptureFixture[str]

    def arguments(self, *rest: str | Path, output: str = "votes.jsonl") -> list[str]:
        server = ("--judge", "judge-1", "--base-url", self.judge.base_url, "--cache", self.folder / "cache")
        return [*map(str, (*rest, *server, "-o", self.folder / output, "--json"))]

    def commentary(
        self, *files: Path, clips: Path, more: tuple[str, ...] = (), output: str = "votes.jsonl"
    ) -> list[str]:
        return ["eval", "commentary", "judge", *self.arguments(*files, "--clips", clips, *more, output=output)]

    def run(self, arguments: list[str], code: int = 0) -> tuple[dict[str, Any], str]:
        """The object on the last line of stdout, and stderr."""
        assert main(arguments) == code
        out, err = self.capsys.readouterr()
        assert KEY not in out + err
        assert "Traceback" not in err
        return json.loads(out.splitlines()[-1]) if out else {}, err


@pytest.fixture
def calls(tmp_path: Path, judge: JudgeOnLoopback, capsys: pytest.CaptureFixture[str]) -> Calls:
    return Calls(tmp_path, judge, capsys)


@pytest.mark.extra
def test_two_commentaries_from_files_to_a_report(calls: Calls) -> None:
    """Guards the whole way, and the bill."""
    clips, a, b = games(calls.folder, 3)
    asked = calls.commentary(a, b, clips=clips, more=("--price-in", "2", "--price-out", "10"))
    told, err = calls.run(asked)
    assert (told["questions"], told["votes"], told["cached"], told["requests"]) == (30, 30, 0, 30)
    assert (told["tokens_in"], told["tokens_out"]) == (3000, 30)
    assert told["cost"] == pytest.approx(0.0063)
    assert "30 votes, 0 malformed replies, 0 questions without an answer; 0 came from disk. 3000 tokens read" in err
    assert len(calls.judge.requests) == 30
    told, _ = calls.run(asked)
    assert (told["votes"], told["requests"]) == (0, 0), "all votes are there"
    for control in ("same", "reference", "empty"):
        more = ("--control", control)
        calls.run(calls.commentary(a, clips=clips, more=more, output=f"{control}.jsonl"))
    votes = [str(calls.folder / f"{name}.jsonl") for name in ("votes", "same", "reference", "empty")]
    report, err = calls.run(["eval", "commentary", "report", *votes, "--json"])
    assert report["comparisons"][0]["win_rate"]["value"] == 1
    assert [one["win_rate"]["value"] for one in report["controls"]] == [0.5, 0, 0]
    assert report["missing_controls"] == []
    assert err == ""
    assert main(["eval", "commentary", "report", votes[0], "--plot", str(calls.folder / "rates.png")]) == 0
    out, err = calls.capsys.readouterr()
    assert "a.jsonl against b.jsonl" in out
    assert "{" not in out, "JSON is for who asks for it"
    assert "svlm: Missing controls: same, reference, empty (judge --control)." in err
    assert (calls.folder / "rates.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.extra
def test_what_is_left_out_and_torn_is_told(calls: Calls) -> None:
    clips, a, b = games(calls.folder, 2)
    lines = b.read_text().splitlines(keepends=True)
    b.write_text("".join(lines[:6]) + lines[6][:30])
    told, err = calls.run(calls.commentary(a, b, clips=clips))
    assert (told["questions"], told["left_out"]) == (12, 4)
    assert "The last line of" in err
    assert "4 of 10 are left out" in err


@pytest.mark.extra
@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_a_stopped_run_loses_no_vote_and_pays_for_nothing_twice(
    calls: Calls, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """Guards what a judge costs: kill -9 or Ctrl-C while it answers, then the same call again."""
    clips, a, b = games(tmp_path, 6)
    asked = calls.commentary(a, b, clips=clips, more=("--jobs", "4"))
    votes, goes_on = tmp_path / "votes.jsonl", threading.Event()

    def halt(first: str, second: str, reference: str) -> str:
        if len(calls.judge.requests) > 20:
            goes_on.wait(100)
        return truthful(first, second, reference)

    calls.judge.decide = halt
    process = subprocess.Popen(
        [sys.executable, "-m", "svlm_cli", *asked],
        env=environment(OPENAI_API_KEY=KEY),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 90
    while not votes.exists() or votes.read_bytes().count(b"\n") < 12 or len(calls.judge.requests) < 21:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(number)
    assert process.wait(60) == code, "nobody waits for the answers that are under way"
    goes_on.set()
    before = votes.read_bytes()
    kept = before[: before.rfind(b"\n") + 1]
    cached = len([*(tmp_path / "cache").rglob("*.json")])
    made = len(calls.judge.requests)
    assert 12 <= cached < 60
    told, _ = calls.run(asked)
    assert votes.read_bytes().startswith(kept)
    assert len(read_votes(votes).votes) == 60
    assert len(calls.judge.requests) - made == 60 - cached == told["requests"]
    assert told["votes"] == 60 - (kept.count(b"\n") - 1)


@pytest.mark.extra
def test_another_file_of_votes_costs_nothing(calls: Calls) -> None:
    """Guards the cache: it belongs to no file of votes; both orders of a pair are different questions."""
    clips, a, b = games(calls.folder, 1)
    calls.run(calls.commentary(a, b, clips=clips))
    told, _ = calls.run(calls.commentary(a, b, clips=clips, output="again.jsonl"))
    assert (told["votes"], told["cached"], told["requests"], told["tokens_in"]) == (10, 10, 0, 0)
    told, _ = calls.run(calls.commentary(b, a, clips=clips, output="turned.jsonl"))
    assert told["requests"] == 10


@pytest.mark.extra
def test_two_runs_share_a_cache(calls: Calls) -> None:
    """Guards two runs at once: both end, and count the same answers."""
    clips, a, b = games(calls.folder, 2)
    calls.judge.delay_s = 0.02
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "svlm_cli", *calls.commentary(a, b, clips=clips, output=name)],
            env=environment(OPENAI_API_KEY=KEY),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for name in ("one.jsonl", "other.jsonl")
    ]
    for process in running:
        _, err = process.communicate(timeout=100)
        assert process.returncode == 0, err
    one, other = (read_votes(calls.folder / name).votes for name in ("one.jsonl", "other.jsonl"))
    assert {key: vote.outcome for key, vote in one.items()} == {key: vote.outcome for key, vote in other.items()}
    assert len(one) == 20
    assert len([*(calls.folder / "cache").rglob("*.json")]) == 20
    assert [*(calls.folder / "cache").rglob("*.part")] == []


@pytest.mark.extra
def test_a_server_in_trouble_is_asked_again(calls: Calls) -> None:
    """Guards against a vote, or a failure, that is only the server's bad moment."""
    clips, a, b = games(calls.folder, 1, clips=1)
    calls.judge.troubles += [Trouble(429, headers={"Retry-After": "1"}, times=1), Trouble(500, times=1)]
    calls.judge.troubles += [Trouble(cut=True, times=1)]
    told, _ = calls.run(calls.commentary(a, b, clips=clips, more=("--jobs", "1")))
    assert (told["votes"], told["unanswered"], told["requests"]) == (2, 0, 5)


@pytest.mark.extra
def test_what_is_not_answered_is_no_vote(calls: Calls) -> None:
    """Guards scripts by the code, and the report by the next call, which asks again."""
    clips, a, b = games(calls.folder, 1, clips=1)
    calls.judge.troubles.append(Trouble(503, times=1))
    asked = calls.commentary(a, b, clips=clips, more=("--jobs", "1", "--tries", "1"))
    told, err = calls.run(asked, code=1)
    assert (told["votes"], told["unanswered"]) == (1, 1)
    assert "Some questions were not answered. The same call asks them again." in err
    told, _ = calls.run(asked)
    assert (told["votes"], told["requests"]) == (1, 1)
    report, _ = calls.run(["eval", "commentary", "report", str(calls.folder / "votes.jsonl"), "--json"])
    assert report["comparisons"][0]["outcomes"] == {"a": 2, "b": 0, "tie": 0, "malformed": 0, "unanswered": 0}


@pytest.mark.extra
def test_a_judge_without_temperature(calls: Calls) -> None:
    """Guards models that refuse it: the report says so."""
    clips, a, b = games(calls.folder, 1)
    calls.judge.takes_temperature = False
    told, _ = calls.run(calls.commentary(a, b, clips=clips, more=("--jobs", "1")))
    assert (told["votes"], told["requests"]) == (10, 11)
    report, _ = calls.run(["eval", "commentary", "report", str(calls.folder / "votes.jsonl"), "--json"])
    assert report["comparisons"][0]["judge"]["temperature_0"] is False


@pytest.mark.extra
@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (Trouble(401, error={"message": f"Incorrect API key provided: {KEY}"}), "does not accept the key"),
        (Trouble(404), "has no model judge-1"),
        (Trouble(400, error={"message": f"{KEY} is too long."}), "... is too long"),
    ],
)
def test_what_is_final_is_one_sentence(calls: Calls, trouble: Trouble, said: str) -> None:
    """Guards the key in --debug as well, where the chain of errors is printed."""
    clips, a, b = games(calls.folder, 1)
    calls.judge.troubles.append(trouble)
    asked = calls.commentary(a, b, clips=clips, more=("--jobs", "1"))
    _, err = calls.run(asked, code=4)
    assert said in err
    assert err.count("\n") == 1
    assert len(calls.judge.requests) == 1
    assert main(["--debug", *asked]) == 4
    assert KEY not in calls.capsys.readouterr().err
    written = [path.read_text() for path in calls.folder.rglob("*") if path.is_file()]
    assert not any(KEY in text for text in written)


@pytest.mark.extra
def test_events_from_files_to_a_report(calls: Calls) -> None:
    """Guards LiveSports-3K CC: a missing prediction leaves the pair out, a reply without a letter is a tie, seed 42."""
    events = write_lines(calls.folder / "events.jsonl", [event(f"v{one}", "0", "A shot.") for one in range(4)])
    a = write_lines(calls.folder / "a.jsonl", [prediction(f"v{one}", "0", f"worth {one}") for one in range(4)])
    b = write_lines(calls.folder / "b.jsonl", [prediction(f"v{one}", "0", "worth 1") for one in range(3)])
    calls.judge.decide = lambda first, second, reference: (
        "neither" if "worth 0" in first else truthful(first, second, reference)
    )
    asked = ["eval", "livesports", "judge", *calls.arguments(a, b, "--events", events)]
    told, err = calls.run(asked)
    assert (told["questions"], told["left_out"], told["malformed"]) == (6, 1, 1)
    assert "1 of 4 are left out" in err
    assert {one["seed"] for one in calls.judge.requests} == {42}
    report, err = calls.run(["eval", "livesports", "report", str(calls.folder / "votes.jsonl"), "--json"])
    row = report["comparisons"][0]
    assert row["outcomes"] == {"a": 3, "b": 2, "tie": 0, "malformed": 1, "unanswered": 0}
    assert row["win_rate"]["value"] == 3 / 6, "v0 is lost and tied, v1 won and lost, v2 won twice"
    assert row["judge"]["seed"] == 42
    _, err = calls.run(["eval", "commentary", "report", str(calls.folder / "votes.jsonl")], code=2)
    assert "holds votes of livesports. Call `svlm eval livesports report`" in err


@pytest.mark.extra
def test_own_prompts_are_asked(calls: Calls) -> None:
    """Guards --prompts: the same answers in other words are other answers."""
    clips, a, b = games(calls.folder, 1)
    calls.run(calls.commentary(a, b, clips=clips))
    assert main(["eval", "commentary", "judge", "--show-prompts"]) == 0
    own = calls.folder / "own.toml"
    own.write_text(calls.capsys.readouterr().out.replace("Which one is better?", "Which is the better one?"))
    more = ("--prompts", str(own))
    _, err = calls.run(calls.commentary(a, b, clips=clips, more=more), code=1)
    assert "holds votes about other prompts" in err
    told, _ = calls.run(calls.commentary(a, b, clips=clips, more=more, output="own.jsonl"))
    assert told["requests"] == 10
    assert "Which is the better one?" in calls.judge.requests[-1]["messages"][-1]["content"]


@pytest.mark.extra
def test_malformed_replies_are_shown(calls: Calls) -> None:
    clips, a, b = games(calls.folder, 1)
    calls.judge.decide = malformed
    told, _ = calls.run(calls.commentary(a, b, clips=clips))
    assert (told["votes"], told["malformed"]) == (0, 10)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["commentary", "judge"], 2, "Two files of predictions are compared."),
        (["commentary", "judge", "a.jsonl"], 2, "Two files of predictions are compared."),
        (["commentary", "judge", "a.jsonl", "b.jsonl", "--control", "same"], 2, "A --control takes only one file"),
        (["commentary", "judge", "a.jsonl", "b.jsonl"], 2, "--clips is missing"),
        (["livesports", "judge", "a.jsonl", "b.jsonl"], 2, "--events is missing"),
        (["commentary", "judge", "a.jsonl", "b.jsonl", "--clips", "c.jsonl"], 2, "-o is missing"),
        (["commentary", "judge", "a.jsonl", "b.jsonl", "--clips", "c", "-o", "v"], 2, "--judge is missing"),
        (["commentary", "judge", "--control", "nothing"], 2, "is not one of 'same', 'reference', 'empty'"),
        (["commentary", "judge", "--prompts", "absent.toml"], 2, "absent.toml"),
        (
            ["commentary", "judge", "a", "--control", "same", *"--clips c -o v --judge j --price-in inf".split()],
            2,
            "inf is not a price",
        ),
        (["commentary", "report", "absent.jsonl"], 3, "absent.jsonl cannot be read"),
        (["commentary", "report"], 2, "Missing argument 'VOTES.jsonl'"),
    ],
)
def test_requests_that_make_no_sense(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert main(["eval", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("benchmark", ["commentary", "livesports"])
def test_prompts_are_shown_without_a_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, benchmark: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert main(["eval", benchmark, "judge", "--show-prompts"]) == 0
    assert "{reference}" in capsys.readouterr().out


def test_settings_reach_groups_in_groups(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Guards `[eval.commentary.judge]` beside `[eval.match]`, and against keys of either group, which set nothing."""
    path = tmp_path / "config.toml"
    monkeypatch.setenv("SVLM_CONFIG", str(path))
    path.write_text('[eval.match]\nminutes = 3\n[eval.commentary.judge]\njudge = "mine"\njobs = 3\n')
    assert main(["eval", "commentary", "judge", "--help"]) == 0
    out = capsys.readouterr().out
    assert "[default: mine]" in out
    assert "[default: 3]" in out
    for text, said in (
        ("[eval]\njobs = 3", "unknown key 'eval.jobs'"),
        ("[eval.commentary]\njobs = 3", "unknown key 'eval.commentary.jobs'"),
    ):
        path.write_text(text)
        assert main(["eval", "commentary", "judge"]) == 2
        assert said in capsys.readouterr().err
