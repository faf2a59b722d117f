"""How much faster one stream for all questions is: ``python -m tests.evals.vqa.saved`` prints both times.

A simulated match of a minute, and a question after each five seconds, by the model that comes with svlm, on one core
of a CPU. The same answers are required, to the bit. Times are those of the processor. No test: machines differ.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from svlm_cli.checkpoints.resolve import resolve
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.footprint import Questions
from svlm_cli.evals.vqa.asked import WayOutcome, WayRun
from svlm_cli.evals.vqa.choices import Way
from svlm_cli.evals.vqa.results import VqaResult
from svlm_cli.evals.vqa.streams import StreamAsking, WatchedVideo, watches
from svlm_cli.evals.vqa.ways import ANSWER_TOKENS, WaySetting
from tests.conftest import environment
from tests.evals.vqa.looking import asked_of, own_interview, question

SECONDS, EVERY_S = 60, 5


def answer(engine: Engine, setting: WaySetting, watched: list[WatchedVideo]) -> tuple[dict[str, VqaResult], float]:
    """What is answered, and how many seconds of the processor that takes."""
    found: list[VqaResult] = []

    def ignore(_: object) -> None:
        """Nobody listens."""

    run = WayRun(setting, own_interview(), found.append, ignore, ignore, ignore, WayOutcome(setting.way))
    started = time.process_time()
    StreamAsking(engine, run).ask(watched, streams=1)
    return {one.id: one for one in found}, time.process_time() - started


def main() -> None:
    """Both, and how they compare."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "match.mp4"
        simulate = ["simulate", "--seed", "7", "--minutes", f"{SECONDS / 60:g}", "-o", str(video), "-q"]
        subprocess.run([sys.executable, "-m", "svlm_cli", *simulate], env=environment(), check=True)
        checkpoint = resolve(None)
        setting = WaySetting.of(Way.STREAMING, checkpoint.policy, frames=64, recent_frames=4, seed=0)
        engine = Engine.load(
            checkpoint.folder,
            setting.policy,
            device=torch.device("cpu"),
            dtype=torch.float32,
            questions=Questions(1, ANSWER_TOKENS),
        )
        asked = asked_of(video, *(question(end_s, float(end_s)) for end_s in range(EVERY_S, SECONDS + 1, EVERY_S)))
        together, together_s = answer(engine, setting, watches(asked))
        alone, alone_s = answer(engine, setting, [WatchedVideo([one]) for one in asked])
        assert together == alone, "the same answers"
        times = f"one stream for all {together_s:.1f} s, one for each {alone_s:.1f} s"
        print(f"{len(asked)} questions about {SECONDS} s: {times}: {alone_s / together_s:.1f} times faster")  # noqa: T201


if __name__ == "__main__":
    main()
