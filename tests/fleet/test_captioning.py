"""A call with a fleet, in the process that drives it; its workers do what a script says."""

import subprocess
import sys
from pathlib import Path

from svlm_cli.evals.benchmarks.chunks import read_commentary
from tests.clips import make_clip
from tests.conftest import environment
from tests.evals.benchmarks.miniature import game, write_lines

DRIVER = """
import sys
from contextlib import nullcontext
from types import ModuleType

sys.modules.update(dict.fromkeys(["torch", "transformers", "decord"]))  # not to be had

import svlm_cli.commands.fleet_options
import svlm_cli.fleet.captioning
from svlm_cli.__main__ import start
from tests.fleet.fleets import ScriptedCrew

svlm_cli.commands.fleet_options.require_ray = lambda: None
svlm_cli.fleet.captioning.connected = nullcontext
stand_in = sys.modules["svlm_cli.fleet.ray_crew"] = ModuleType("ray_crew")
stand_in.RayCrew = lambda *asked, **more: nullcontext(ScriptedCrew())
sys.argv = ["svlm", "caption", "one.mp4", "two.mp4", "--fleet", "local"]
sys.exit(start())
"""


def test_the_driver_needs_no_torch(tmp_path: Path) -> None:
    """Guards the seconds and the memory of a process that computes nothing, and that of a GPU of its host."""
    for name in ("one", "two"):
        make_clip(tmp_path / f"{name}.mp4", frames=2, fps="2")
    done = subprocess.run(
        [sys.executable, "-c", DRIVER], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "one.mp4 -> one.srt: 1.0 s of video in" in done.stderr
    assert "2 videos: 2 captioned." in done.stderr
    assert (tmp_path / "two.srt").read_text() == "words"


GENERATING = """
import sys
from contextlib import nullcontext
from types import ModuleType

sys.modules.update(dict.fromkeys(["torch", "transformers", "decord"]))  # not to be had

import svlm_cli.commands.fleet_options
import svlm_cli.fleet.ray_cluster
from svlm_cli.__main__ import start
from tests.fleet.test_stretch_driver import StretchCrew

svlm_cli.commands.fleet_options.require_ray = lambda: None
svlm_cli.fleet.ray_cluster.connected = nullcontext
svlm_cli.fleet.ray_cluster.nodes = lambda: []
stand_in = sys.modules["svlm_cli.fleet.ray_crew"] = ModuleType("ray_crew")
stand_in.RayCrew = lambda *asked, **more: nullcontext(StretchCrew())
called = "eval commentary generate --annotations all.jsonl --videos . --start 0 -o pred.jsonl --fleet local"
sys.argv = ["svlm", *called.split()]
sys.exit(start())
"""


def test_nor_does_one_that_generates(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_clip(tmp_path / f"{name}.mp4", frames=2, fps="2")
    write_lines(tmp_path / "all.jsonl", [game(f"F/{name}.mp4", [(0, 3, "so")]) for name in ("one", "two")])
    done = subprocess.run(
        [sys.executable, "-c", GENERATING], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "2 videos, 6 s of video in " in done.stderr
    assert read_commentary(tmp_path / "pred.jsonl").chunks == {"one": ((0, 3),), "two": ((0, 3),)}
