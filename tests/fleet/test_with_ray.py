"""``svlm caption --fleet local``, on this host, without GPUs: whoever is killed, every file is whole, once.

The clips are of a simulated match, and svlm-mini speaks. A run alone is what all others are held to, byte for byte.
"""

import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from svlm_cli.fleet.ray_cluster import SCRATCH
from tests.clips import run_ffmpeg
from tests.conftest import ROOT, environment
from tests.fleet.calls import ACTOR, call, calling, command_of, held_to, left_over, short_folder, states, words
from tests.processes import ends

pytestmark = [pytest.mark.extra, pytest.mark.timeout(400)]

CLIPS = 7


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with clips, the longest last, one of which is none; and what a run alone wrote. Not to be changed."""
    folder = tmp_path_factory.mktemp("alone")
    season = folder / "season"
    season.mkdir()
    for index in range(CLIPS):
        span = ("-ss", str(2 * index), "-t", str(6 + 2 * index))
        run_ffmpeg(*span, "-i", ROOT / "docs/assets/match.mp4", "-an", season / f"clip{index}.mp4")
    (season / "none.mp4").write_text("no video")
    done = subprocess.run(call(), cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert len(words(folder)) == 2 * CLIPS
    assert any(b"\n" in text for text in words(folder).values())
    (folder / "summary.json").write_text(done.stdout)
    return folder


@pytest.fixture
def here(alone: Path, tmp_path: Path) -> Path:
    """The same clips, and no words."""
    shutil.copytree(alone / "season", tmp_path / "season", ignore=shutil.ignore_patterns("*.srt", "*.txt"))
    return tmp_path


def test_a_worker_is_killed(alone: Path, here: Path) -> None:
    with calling(here, "--fleet", "local") as running:
        running.first_words()
        running.below(ACTOR)[0].kill()
        running.below()
        code, out, err = running.end()
    assert code == 1
    held_to(alone, here)
    assert states(out) == states((alone / "summary.json").read_text())
    assert "its worker ended (its process died); another goes on with it." in err
    assert err.count("none.mp4 is not a video that ffmpeg knows") == 1, "once, however often it was tried"
    assert [line for line in err.splitlines() if not line.startswith("svlm: ") and " -> " not in line] == []
    assert [one for one in running.seen.values() if not ends(one)] == []
    assert len(left_over(here)) == 1, "the manifest, which knows what failed"
    again = subprocess.run(
        call("--fleet", "local"), cwd=here, env=environment(), capture_output=True, text=True, check=False
    )
    assert again.returncode == 1
    wanted = {name: "failed" if "none" in name else "skipped" for name in states(out)}
    assert states(again.stdout) == wanted, "the same call does what failed"
    held_to(alone, here)


def test_the_driver_is_killed_and_called_again(alone: Path, here: Path) -> None:
    with calling(here, "--fleet", "local") as running:
        running.first_words()
        workers = [*running.below(ACTOR), *(one for one in running.below() if "ffmpeg" in command_of(one))]
        running.process.kill()
        before = {path: path.stat().st_mtime_ns for path in here.glob("season/*.srt")}
        with calling(here, "--fleet", "local") as second:  # at once, while the first one's workers still end
            code, out, err = second.end()
        assert [one for one in workers if not ends(one)] == []
    assert code == 1, err
    held_to(alone, here)
    assert {path: path.stat().st_mtime_ns for path in before} == before, "what is done is not done again"
    assert sorted(set(states(out).values())) == ["done", "failed", "skipped"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_and_leaves_nothing(tmp_path: Path, number: int, code: int) -> None:
    """Two workers, each within a long video."""
    (tmp_path / "season").mkdir()
    for name in ("one", "two"):
        looped = ("-stream_loop", "9", "-i", ROOT / "docs/assets/match.mp4", "-an", "-c", "copy")
        run_ffmpeg(*looped, tmp_path / "season" / f"{name}.mp4")
    with short_folder() as scratch, calling(tmp_path, "--fleet", "local", env={"TMPDIR": str(scratch)}) as running:
        parts = [tmp_path / "season" / f"{name}.srt.part" for name in ("one", "two")]
        running.wait_until(lambda: all(path.exists() and path.stat().st_size for path in parts))
        running.below()
        assert [path.name.startswith(SCRATCH) for path in scratch.iterdir()] == [True]
        running.process.send_signal(number)
        ended, out, err = running.end()
        assert [*scratch.iterdir()] == []
    assert ended == code, err
    assert set(states(out).values()) == {"stopped"}
    assert err.count(" was stopped; its words so far are in season/") == 2
    assert [one for one in running.seen.values() if not ends(one)] == []
    assert words(tmp_path) == {}
    assert all(path.read_text().startswith("1\n") for path in parts)
