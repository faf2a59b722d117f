"""Runs of `svlm train` in several processes, on CPUs: by torchrun, and as `--gpus` starts them where there are GPUs."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from svlm_cli.training.folder import LOG_FILE
from svlm_cli.training.recipe import Recipe, dump
from tests.conftest import environment

PATIENCE_S = 90
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node")
ACCELERATE = ("-m", "accelerate.commands.launch", "--cpu", "--main_process_port", "0", "--num_processes")

_STARTER = """
import sys
import svlm_cli.training.launching as launching
from svlm_cli.__main__ import start
launching.require_gpus = lambda count, device: None  # there are none
sys.exit(start())
"""


def halting(step: int) -> str:
    """Code with which a run stands still once that step is logged, so that it is killed there on any machine."""
    return f"""
import time, svlm_cli.training.log as log
note = log.TrainingLog.note
def halts(self, step, *values):
    note(self, step, *values)
    if step == {step}:
        time.sleep(600)
log.TrainingLog.note = halts
"""


def by_python(recipe: Recipe, folder: Path, *options: str, code: str = "") -> list[str]:
    """The command of one process; `code` runs before svlm does."""
    script = folder.with_suffix(".py")
    script.write_text(f"import sys\n{code}\nfrom svlm_cli.__main__ import start\nsys.exit(start())\n")
    return [sys.executable, str(script), *_train(recipe, folder), *options]


def by_torchrun(recipe: Recipe, folder: Path, ranks: int, *options: str, code: str = "") -> list[str]:
    """The same in several."""
    python, *rest = by_python(recipe, folder, *options, code=code)
    return [python, *TORCHRUN, str(ranks), *rest]


def by_accelerate(recipe: Recipe, folder: Path, ranks: int) -> list[str]:
    """The same by another launcher."""
    python, *rest = by_python(recipe, folder)
    return [python, *ACCELERATE, str(ranks), *rest]


def by_svlm(recipe: Recipe, folder: Path, ranks: int, *options: str) -> list[str]:
    """The same by svlm itself."""
    return [sys.executable, "-c", _STARTER, *_train(recipe, folder), "--gpus", str(ranks), *options]


def done(command: list[str]) -> None:
    """Runs it to a good end."""
    ran = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == ""


@contextmanager
def started(command: list[str], **changes: str) -> Iterator[subprocess.Popen[str]]:
    """It runs, and nothing is left of it afterwards."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment(**changes), stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            kill(family(process))


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """It and all that it has started."""
    try:
        parent = psutil.Process(process.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill(processes: list[psutil.Process]) -> None:
    """At once."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def rank_of(processes: list[psutil.Process], rank: int) -> psutil.Process:
    """The process of that rank."""
    return next(process for process in processes if process.environ().get("RANK") == str(rank))


def rows(folder: Path) -> list[dict[str, float]]:
    """What the run has logged."""
    path = folder / LOG_FILE
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def wait_for_step(folder: Path, step: int) -> None:
    """Until it is logged."""
    deadline = time.monotonic() + PATIENCE_S
    while len(rows(folder)) < step:
        assert time.monotonic() < deadline, f"step {step} does not come"
        time.sleep(0.02)


def _train(recipe: Recipe, folder: Path) -> list[str]:
    path = folder.with_suffix(".toml")
    path.write_text(dump(recipe), encoding="utf-8")
    return ["train", str(path), "--output", str(folder), "--device", "cpu"]
