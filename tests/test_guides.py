"""The commands of README.md and of the guides, run as they stand there, with the model that comes with svlm.

The README's section on many videos holds recipes for a shell, which have a module of their own. What needs a camera, a
GPU or hours says so in its block's first line. Whatever svlm-mini says in a command must be so.
"""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from svlm_cli.checkpoints.catalog import DEFAULT_MODEL
from svlm_cli.cli.examples import examples
from svlm_cli.commands.app import main
from svlm_cli.evals.footage.counts import FootageRate
from svlm_cli.evals.footage.report import FootageScript, score
from svlm_cli.evals.script import write_script
from svlm_cli.simulator.footage.footage import EndlessFootage
from tests.clips import run_ffmpeg
from tests.commands.test_default_model import DEMO_SECONDS, FOOTAGE_SEED
from tests.conftest import ROOT, environment
from tests.test_docs import PAGES

_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NEEDS = re.compile(r"# needs .*\b(cameras|GPUs?|server|videos)\b")
_WORDS_BEHIND = re.compile(r"\s+# .*")
ELSEWHERE = {  # line: where it is run
    "make demo": "tests/commands/test_default_model.py",
    "make test": ".ci/run",
    "make soak": ".ci/run",
    "pip install .": "tests/test_packaging.py",
    "pip install '.[train]'": "tests/test_packaging.py",
    "man svlm": "tests/commands/test_man.py",
    ".venv/bin/pre-commit install": "tests/test_house.py",
    "svlm doctor": "tests/commands/test_doctor.py",
    "svlm data words season --about about.csv -o words.jsonl": "tests/curation/test_guide.py",
    "svlm data clean words.jsonl -o clean.jsonl --server http://localhost:8000/v1 --model qwen3-32b "
    "--diff clean.diff": "tests/curation/test_guide.py",
    "svlm data windows clean.jsonl -o train.jsonl --held-out 0.02": "tests/curation/test_guide.py",
    "svlm data check train.jsonl -o bad.jsonl --write good.jsonl": "tests/curation/test_guide.py",
    "svlm train recipe.toml --output my-model": "tests/commands/test_train.py",
    "svlm train recipe.toml --output my-model --resume": "tests/training/test_trainer.py",
    "svlm train recipe.toml --dry-run": "tests/commands/test_train.py",
    "svlm train recipe.toml --dry-run --gpus 8 --tflops 350 --json": "tests/commands/test_train.py",
    "svlm train recipe.toml --output my-model --gpus 4": "tests/training/test_launched.py",
    "torchrun --nproc-per-node 4 -m svlm_cli train recipe.toml --output my-model": "tests/training/test_launched.py",
    "accelerate launch --num_processes 4 -m svlm_cli train recipe.toml --output my-model": (
        "tests/training/test_launched.py"
    ),
    "svlm train recipe.toml --output my-model --plot curves.svg --tensorboard board": "tests/commands/test_train.py",
    "svlm train plot my-model another-run -o both.png": "tests/commands/test_train_following.py",
    "tensorboard --logdir board": "tests/training/test_curves.py",
    "svlm train export my-model -o so-far": "tests/training/test_export.py",
    "svlm caption match.mp4 --model my-model": "tests/commands/test_caption.py",
}


def blocks() -> dict[str, list[str]]:
    """What a reader can run at once: the commands of each block, by its place."""
    found = {}
    for page in PAGES:
        if page.name == "reproduce.md":  # tests/test_reproduce.py
            continue
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        text = re.sub(r"\n## Many videos\n.*?(?=\n## )", "", text, flags=re.DOTALL)
        for number, block in enumerate(_BLOCK.findall(text), 1):
            lines = [_WORDS_BEHIND.sub("", line) for line in block.splitlines()]
            lines = [line for line in lines if line and "--device cuda" not in line]
            if lines and not _NEEDS.match(block):
                found[f"{page.name}-{number}"] = lines
    return found


def test_each_command_is_run_somewhere() -> None:
    """Guards the table above against lines that have gone, and tests that have."""
    lines = [line for block in blocks().values() for line in block]
    assert set(ELSEWHERE) <= {*lines, "make soak"}
    assert all((ROOT / place).is_file() for place in ELSEWHERE.values())
    assert len([line for line in lines if line not in ELSEWHERE]) > 20


def other_model(line: str) -> bool:
    """Whether another model speaks than the one that comes with svlm."""
    named = re.search(r" (?:--model|-m|--adapter) (\S+)", line)
    return named is not None and named[1] != DEFAULT_MODEL


def by_the_default_model() -> set[str]:
    """The calls of `svlm caption` in which the default model speaks: on the pages, for whatever they need, and in the
    help. A section of a page that exports another model means all that follows in it.
    """
    shown = "\n".join(example.line for several in examples().values() for example in several)
    sections = [f"```sh\n{shown}\n```"]
    for page in PAGES:
        sections += re.split(r"\n## ", page.read_text(encoding="utf-8").replace("\\\n", " "))
    found = set()
    for section in sections:
        lines = [_WORDS_BEHIND.sub("", line) for block in _BLOCK.findall(section) for line in block.splitlines()]
        others = [number for number, line in enumerate(lines) if line.startswith("export SVLM_MODEL=")]
        found |= {
            line
            for line in lines[: min(others, default=None)]
            if re.search(r"\bsvlm caption\b", line) and not other_model(line)
        }
    return found


TRIED = [
    example.line
    for several in examples().values()
    for example in several
    if example.line.startswith("svlm caption ") and not other_model(example.line)
]
RUN = {
    place: [line for line in lines if line not in ELSEWHERE]
    for place, lines in {**blocks(), "examples": [f"{line} --overwrite" for line in TRIED]}.items()
    if {*lines} - {*ELSEWHERE}
}


def test_where_the_default_model_speaks_its_words_are_checked() -> None:
    """Guards against commands that let it speak of real footage, or of a match whose context it is not given."""
    checked = {line for lines in RUN.values() for line in lines} | {*TRIED}
    assert by_the_default_model() <= checked
    assert len(by_the_default_model()) > 10


SEEDS = {"match": 4242, "seven": 7}  # of the matches that the pages speak of
FOOTAGE = "holiday.mp4"  # of anybody's videos; here, of the footage of `make demo`
_PHRASE = re.compile(r"^\[(\d+):(\d\d):(\d\d)\] (.+)$", re.MULTILINE)


def assert_true(line: str, told: str) -> None:
    """Every phrase that a call of `svlm caption` told is said of that match in that second; of footage, most are."""
    if FOOTAGE in line:
        texts = [""] * DEMO_SECONDS
        for h, m, s, words in _PHRASE.findall(told):
            texts[int(h) * 3600 + int(m) * 60 + int(s)] = f" {words}"
        report = score([FootageScript.of(EndlessFootage(FOOTAGE_SEED), DEMO_SECONDS)], [tuple(texts)], {})
        assert (report.rates[FootageRate.ALL].value or 0) > 0.7, told
        return
    (seed,) = (seed for name, seed in SEEDS.items() if f"{name}.mp4" in line)
    truth = write_script(seed, 60).texts
    phrases = [(int(h) * 3600 + int(m) * 60 + int(s), words) for h, m, s, words in _PHRASE.findall(told)]
    assert phrases, f"{line}: {told}"
    for second, words in phrases:
        assert words == truth[second].strip(), f"{line}: {second} s"


@pytest.fixture(scope="module")
def match(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The beginning of the match that the pages speak of."""
    path = tmp_path_factory.mktemp("guides") / "match.mp4"
    copy = ("-t", "12", "-c", "copy", "-movflags", "+faststart")
    run_ffmpeg("-i", ROOT / "docs" / "assets" / "match.mp4", *copy, path)
    return path


@pytest.mark.extra  # two minutes in all
@pytest.mark.timeout(180)
@pytest.mark.parametrize("lines", RUN.values(), ids=RUN)
def test_commands_do_what_they_say(
    lines: list[str], match: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In this process, so that torch is imported once."""
    shutil.copy(match, tmp_path / "match.mp4")
    shutil.copy(ROOT / "docs" / "assets" / "match.context.txt", tmp_path)
    shutil.copy(ROOT / "docs" / "assets" / "footage.mp4", tmp_path / FOOTAGE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SVLM_CONFIG", raising=False)
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for line in lines:
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
        if line.startswith("svlm ") and not set(line) & set("|<>"):
            code = main(shlex.split(line)[1:])
            out, told = capfd.readouterr()
        else:
            script = f'svlm() {{ {shlex.quote(sys.executable)} -m svlm_cli "$@"; }}; {line}'
            done = subprocess.run(
                ["bash", "-eu", "-c", script], env=environment(), capture_output=True, text=True, check=False
            )
            code, out, told = done.returncode, done.stdout, done.stderr
        assert code == 0, f"{line}: {told}"
        now = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
        written = now != before
        assert out or written, line
        assert all(now.get(path) == at for path, at in before.items() if ".truth." in path.name), (
            f"{line}: no truth left"
        )
        if "svlm caption " in line:
            assert_true(line, told)
            assert "context" not in told, told
