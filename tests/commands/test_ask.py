"""``svlm ask``: answers on stdout and nothing else there, at the moments that were named."""

import json
from pathlib import Path

from tests.commands.conftest import SECONDS
from tests.conftest import Svlm


def test_questions_at_moments(svlm_inside: Svlm, here: Path, tiny_checkpoint: Path) -> None:
    """Each at each, in order, on a line of its own; what comes too late is asked at the end, and told."""
    done = svlm_inside(
        *("ask", here, "Who has the ball?", "Who scored?", "--model", tiny_checkpoint, "--max-tokens", "5"),
        *("--at", "2", "--at", "0:01.5", "--at", "1:00:00"),
    )
    assert done.returncode == 0, done.stderr
    asked = [line.partition(" -> ")[0] for line in done.stdout.splitlines()]
    assert asked == [
        f"[0:00:0{second}] {question}"
        for second in (1, 2, SECONDS)
        for question in ("Who has the ball?", "Who scored?")
    ]
    assert f"ends at 0:00:0{SECONDS}: later questions were asked there." in done.stderr


def test_one_of_the_choices_as_json(svlm: Svlm, here: Path, tiny_checkpoint: Path) -> None:
    """From standard input, at the end; the chances are those of all choices, and the answer is the likeliest."""
    done = svlm(
        *("ask", "-", "Which side?", "--choice", "left", "--choice", "right", "--json", "-q"),
        *("--model", tiny_checkpoint),
        stdin=here.read_bytes(),
    )
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    (answer,) = document["answers"]
    assert (document["video"], answer["question"], answer["at_s"]) == ("-", "Which side?", SECONDS)
    assert list(answer["chances"]) == ["left", "right"]
    assert abs(sum(answer["chances"].values()) - 1) < 1e-5
    assert answer["answer"] == max(answer["chances"], key=answer["chances"].__getitem__)


def test_a_lone_answer_is_all_there_is(svlm_inside: Svlm, here: Path, tiny_checkpoint: Path) -> None:
    """For scripts: the same answer whatever was asked before it, without its time and question."""
    base = ("ask", here, "--model", tiny_checkpoint, "-q", "--max-tokens", "5")
    alone = svlm_inside(*base, "Who scored?", "--at", "3")
    after = svlm_inside(*base, "Who has the ball?", "Who scored?", "--at", "2", "--at", "3")
    assert alone.returncode == after.returncode == 0
    assert alone.stdout.count("\n") == 1
    assert after.stdout.splitlines()[-1] == f"[0:00:03] Who scored? -> {alone.stdout.rstrip()}"
