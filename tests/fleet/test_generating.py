"""``svlm eval commentary generate --fleet`` on two hosts of a cluster: whoever is killed, the predictions are the same.

The games are clips of a simulated match, and svlm-mini speaks. A run alone is what the others are held to.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.clips import CLIP_MAKER, run_ffmpeg
from tests.conftest import ROOT, environment
from tests.evals.benchmarks.miniature import game, write_lines
from tests.fleet.calls import ACTOR, RAY, calling, cluster, command_of, short_folder
from tests.processes import ends

pytestmark = [pytest.mark.extra, pytest.mark.timeout(400)]

GAMES = 6
PROGRAM = f"""#!/bin/sh
sleep 0.5  # a slow disk: there must be time to kill somebody
exec "{CLIP_MAKER.path}" "$@"
"""


def generate(*more: str) -> list[str]:
    command = [sys.executable, "-m", "svlm_cli", "eval", "commentary", "generate", "--annotations", "all.jsonl"]
    return [*command, "--videos", "games", "--start", "0", "-o", "pred.jsonl", "--json", *more]


def lines(folder: Path) -> list[str]:
    return sorted((folder / "pred.jsonl").read_text().splitlines())


def rounds(folder: Path) -> dict[str, bytes]:
    """The journals of games in progress."""
    return {path.name: path.read_bytes() for path in folder.glob("pred.jsonl.rounds/[!.]*.jsonl")}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with games, one of which is no video, and what a run alone made of them. Not to be changed."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "games").mkdir()
    rows = []
    for index in range(GAMES):
        length_s = 10 + 2 * index
        span = ("-ss", str(index), "-t", str(length_s))
        run_ffmpeg(*span, "-i", ROOT / "docs/assets/match.mp4", "-an", folder / f"games/game{index}.mp4")
        rows.append(game(f"Football/game{index}.mp4", [(0.5, 2, "so"), (2, length_s - 0.1, "on")]))
    (folder / "games/none.mp4").write_text("no video")
    rows.append(game("Football/none.mp4", [(0.5, 4, "so")]))
    write_lines(folder / "all.jsonl", rows)
    done = subprocess.run(generate(), cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert len(lines(folder)) == GAMES
    (folder / "told.json").write_text(done.stdout)
    return folder


@pytest.fixture
def here(alone: Path, tmp_path: Path) -> Path:
    shutil.copytree(alone / "games", tmp_path / "games")
    shutil.copy(alone / "all.jsonl", tmp_path)
    return tmp_path


def told(text: str) -> dict[str, Any]:
    """What is the same however long it took."""
    found: dict[str, Any] = json.loads(text)
    return {key: value for key, value in found.items() if key not in ("wall_s", "speed")}


def test_predictions_are_those_of_a_run_alone_whoever_is_killed(alone: Path, here: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    slow = here / "bin/ffmpeg"
    slow.parent.mkdir()
    slow.write_text(PROGRAM)
    slow.chmod(0o755)
    fleet = generate("--fleet", address)
    with short_folder() as scratch:
        env = {"PATH": f"{slow.parent}:{os.environ['PATH']}", "TMPDIR": str(scratch)}
        with cluster(scratch / "r", address, 2, cwd=here, env=env) as hosts:
            with calling(here, command=fleet, env={**RAY, **env}) as first:
                first.wait_until(lambda: any(rounds(here).values()))
                workers = [one for host in hosts for one in psutil.Process(host.pid).children(recursive=True)]
                next(one for one in workers if ACTOR in command_of(one)).kill()
                before = len(lines(here))
                first.wait_until(lambda: len(lines(here)) > before and any(rounds(here).values()))
                first.process.kill()
            begun = {name: text[: text.rfind(b"\n") + 1] for name, text in rounds(here).items()}
            with calling(here, command=fleet, env={**RAY, **env}) as again:
                code, out, err = again.end()
        assert [path.name for path in scratch.iterdir()] == ["r"], "what is Ray's own"
    assert any(begun.values())
    assert code == 1, err
    assert lines(here) == lines(alone), "every line once, and the same"
    made_by = "pred.jsonl.run.json"
    assert (here / made_by).read_text() == (alone / made_by).read_text()
    assert err.count("none.mp4 is not a video that ffmpeg knows") == 1, "once, however often it was tried"
    assert "pred.jsonl goes on where it was" in err
    found, expected = told(out), told((alone / "told.json").read_text())
    assert (found["done"], found["failed"], found["setting"]) == (
        expected["done"],
        expected["failed"],
        expected["setting"],
    )
    assert found["rounds"] < expected["rounds"], "what was said is not said again"
    assert {path.name for path in here.iterdir()} == {"all.jsonl", "bin", "games", "pred.jsonl", made_by}


def test_a_signal_ends_it_and_the_same_call_alone_goes_on(alone: Path, here: Path) -> None:
    """With Ray for this call alone, of which nothing is left."""
    with calling(here, command=generate("--fleet", "local")) as running:
        running.wait_until(lambda: any(rounds(here).values()))
        running.below()
        running.process.send_signal(signal.SIGTERM)
        code, _, err = running.end()
    assert code == 143, err
    assert "Stopped. Run the same command again to continue." in err
    assert [one for one in running.seen.values() if not ends(one)] == []
    done = subprocess.run(generate(), cwd=here, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert lines(here) == lines(alone)
    assert not (here / "pred.jsonl.rounds").exists()
