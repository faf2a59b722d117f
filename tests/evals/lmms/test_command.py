"""``python -m lmms_eval --model svlm`` on tasks of ours: it says what ``svlm eval vqa`` and the engine say."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.commands.app import main
from svlm_cli.evals.benchmarks.footage import Footage
from svlm_cli.evals.lmms.arguments import read_arguments
from svlm_cli.evals.lmms.engines import Engines
from svlm_cli.evals.vqa.choices import AnswerBy, Way
from svlm_cli.evals.vqa.clips import clip_of, open_stills
from svlm_cli.evals.vqa.interview import clip_respondent
from svlm_cli.evals.vqa.results import VqaResult, read_results
from tests.clips import make_clip
from tests.conftest import environment
from tests.evals.benchmarks.question_sets import ovo_bench, ovo_choice, write_json

pytestmark = pytest.mark.extra

TASKS = Path(__file__).parent / "tasks"
POLICY = "[vision]\nmin_pixels = 784\n[sampling]\nmax_new_tokens = 3\n"
PROMPTS = """choice = "{question}\\n{options}"
count = "{question}"
step = "{question}"
clue = "{question}"
moment = "{question}"
output = "{question}"
earlier = "{question} {answer}"
spoken = "{lines}"
"""
ROUND_TOKENS = 8  # of svlm_rounds.yaml
Sample = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bench:
    """A folder with questions and their videos, and a model."""

    folder: Path
    model: Path

    def lmms_eval(self, tasks: str, way: Way, *, processes: int = 1) -> dict[str, list[Sample]]:
        """What lmms-eval writes of each task, by document."""
        output, name = self.folder / way, {"pretrained": self.model, "way": way}
        arguments = {**name, "max_pixels": 3136, "policy": self.folder / "policy.toml", "device": "cpu", "frames": 6}
        several = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes))
        called = [
            *(sys.executable, *(several if processes > 1 else ()), "-m", "lmms_eval", "--model", "svlm"),
            *("--model_args", ",".join(f"{name}={value}" for name, value in arguments.items())),
            *("--tasks", tasks, "--include_path", str(TASKS), "--output_path", str(output), "--log_samples"),
        ]
        settings = {"HF_HOME": str(self.folder / "hub"), "HF_DATASETS_OFFLINE": "1", "ACCELERATE_USE_CPU": "1"}
        done = subprocess.run(
            called, cwd=self.folder, env=environment(**settings), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert list(output.rglob("*_results.json")), done.stderr
        return {task: _samples(output, task) for task in tasks.split(",")}

    def vqa(self, way: Way, by: AnswerBy) -> list[VqaResult]:
        """What ``svlm eval vqa`` writes, by question."""
        output = self.folder / f"{way}-{by}.jsonl"
        given = ("-m", self.model, "-o", output, "--way", way, "--answer", by, "--frames", "6", "--max-pixels", "3136")
        files = ("--policy", self.folder / "policy.toml", "--prompts", self.folder / "prompts.toml", "--quiet")
        assert main(["eval", "vqa", "ovo-bench", *map(str, (self.folder, *given, *files))]) == 0
        found = read_results(output).results.values()
        assert all(one.failed == "" for one in found)
        return sorted(found, key=lambda one: int(one.id))

    @property
    def score(self) -> dict[str, float]:
        """The numbers of the way `full`, by task and metric."""
        (file,) = (self.folder / Way.FULL).rglob("*_results.json")
        results = json.loads(file.read_text())["results"]
        return {
            f"{task} {metric}": value for task, row in results.items() for metric, value in row.items() if "," in metric
        }


def _samples(output: Path, task: str) -> list[Sample]:
    (file,) = output.rglob(f"*_samples_{task}.jsonl")
    return sorted(map(json.loads, file.read_text().splitlines()), key=lambda one: int(one["doc_id"]))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    make_clip(folder / "a.mp4", frames=24, fps="2", size=(56, 42))
    make_clip(folder / "b.mp4", frames=16, fps="2", size=(56, 42), first=900)
    asked = [("a.mp4", 3.5), ("b.mp4", 6.0), ("a.mp4", 11.5), ("a.mp4", 7.0), ("b.mp4", 2.0)]
    rows = [
        ovo_choice(number, video=video, realtime=end_s, question=f"What is it, number {number}?", gt=number % 2)
        for number, (video, end_s) in enumerate(asked)
    ]
    ovo_bench(folder, rows)
    rounds = [{"video": "a.mp4", "moments": [3.0, 6.0, 9.5]}, {"video": "b.mp4", "moments": [4.0, 8.0]}]
    write_json(folder / "rounds.json", [{**one, "question": "Who has the ball?"} for one in rounds])
    (folder / "policy.toml").write_text(POLICY)
    (folder / "prompts.toml").write_text(PROMPTS)
    return Bench(folder, tiny_checkpoint)


@pytest.fixture(scope="module")
def full(bench: Bench) -> dict[str, list[Sample]]:
    """Three tasks in one call of lmms-eval."""
    return bench.lmms_eval("svlm_choice,svlm_likelihood,svlm_rounds", Way.FULL)


def test_answers_are_those_of_svlm_eval_vqa(bench: Bench, full: dict[str, list[Sample]]) -> None:
    """Guards the whole road of a request: its video, its stretch, its text, its length, and the order of answers."""
    expected = [one.answered.strip() for one in bench.vqa(Way.FULL, AnswerBy.GENERATION)]
    assert [one["said"] for one in full["svlm_choice"]] == expected
    assert len({*expected}) == len(expected), "they are no constants"


def test_likelihoods_differ_as_the_logits_of_the_letters_do(bench: Bench, full: dict[str, list[Sample]]) -> None:
    """Guards `loglikelihood`: between two tokens the logarithms of probabilities differ by what the logits do."""
    letters = bench.vqa(Way.FULL, AnswerBy.LETTERS)
    for sample, result in zip(full["svlm_likelihood"], letters, strict=True):
        scores = sample["scores"]
        assert all(score < 0 for score in scores)
        assert [one - scores[0] for one in scores] == pytest.approx(
            [one - result.letters[0] for one in result.letters], abs=1e-4
        )
    share = sum(one.right for one in letters) / len(letters)
    assert bench.score["svlm_likelihood right,none"] == pytest.approx(share)
    assert 0 < share < 1


def test_rounds_are_asked_one_after_the_other(bench: Bench, full: dict[str, list[Sample]]) -> None:
    """Guards the rounds: each about a stretch of its own, each quoting what was said in the one before."""
    given = {"pretrained": str(bench.model), "way": "full", "frames": 6, "max_pixels": 3136, "device": "cpu"}
    engines = Engines(read_arguments({**given, "policy": str(bench.folder / "policy.toml")}))
    engine, expected = engines.engine(None, ["word " * 40], 128), []
    for row in json.loads((bench.folder / "rounds.json").read_text()):
        said: list[str] = []
        for end_s in row["moments"]:
            footage = Footage(bench.folder / row["video"], None, end_s)
            clip = clip_of(open_stills(footage, engine.policy), footage, engines.setting, end_s)
            before = f"Before you said {said[-1]!r}. " if said else ""
            said.append(clip_respondent(engine, clip)(before + row["question"], ROUND_TOKENS).text)
        expected.append(said)
    assert [one["said"] for one in full["svlm_rounds"]] == [" | ".join(said) for said in expected]
    assert bench.score["svlm_rounds rounds,none"] == 1
    assert len({answer for said in expected for answer in said}) == 5


def test_several_processes_share_the_questions(bench: Bench) -> None:
    """Guards ranks, and streams: whoever watches a video, and whatever it is asked on the way, says the same."""
    found = bench.lmms_eval("svlm_choice", Way.STREAMING, processes=2)["svlm_choice"]
    expected = [one.answered.strip() for one in bench.vqa(Way.STREAMING, AnswerBy.GENERATION)]
    assert [one["said"] for one in found] == expected
    assert len({*expected}) == len(expected)
