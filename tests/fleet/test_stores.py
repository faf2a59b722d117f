"""Videos and words on a server, with real Ray: fetched, captioned, stored, whoever is killed and whatever breaks."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from svlm_cli.fleet.scratch import SCRATCH
from svlm_cli.fleet.stored_planning import PARTS
from tests.clips import run_ffmpeg
from tests.conftest import ROOT, environment
from tests.fleet.calls import ACTOR, call, calling, short_folder, states
from tests.processes import ends
from tests.servers.ftp import PASSWORD, serve_ftp

pytestmark = [pytest.mark.extra, pytest.mark.timeout(400)]

CLIPS = 5


def caption(*more: str) -> list[str]:
    """The call of `calls`, without its folder."""
    return [*(one for one in call() if one != "season"), *more]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with clips, one of which is none, and what a run alone wrote. Not to be changed."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "season/a").mkdir(parents=True)
    for index in range(CLIPS):
        span = ("-ss", str(2 * index), "-t", str(6 + 2 * index))
        place = folder / "season" / ("a" if index % 2 else "") / f"clip{index}.mp4"
        run_ffmpeg(*span, "-i", ROOT / "docs/assets/match.mp4", "-an", place)
    (folder / "season/none.mp4").write_text("no video")
    done = subprocess.run(
        caption("season", "--output-dir", "words"), cwd=folder, env=environment(), capture_output=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert len(words(folder)) == 2 * CLIPS
    return folder


def words(folder: Path) -> dict[str, bytes]:
    """What the folder of outputs holds."""
    place = folder / "words"
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def whole(folder: Path, expected: Path) -> bool:
    """Whether all that has its name is whole."""
    found, complete = words(folder), words(expected)
    return all(text == complete[name] for name, text in found.items() if not name.startswith(PARTS))


def told_of(output: Sequence[str]) -> str:
    text = "".join(output)
    assert PASSWORD not in text
    return text


def test_words_are_those_of_a_run_alone_whoever_is_killed(alone: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyftpdlib")
    served_folder, here = tmp_path / "served", tmp_path / "here"
    shutil.copytree(alone / "season", served_folder / "season")
    here.mkdir()
    with serve_ftp(served_folder) as served, short_folder() as scratch:
        places = (f"{served.address}/season", "--output-dir", f"{served.address}/words")
        command = caption(*places, "--fleet", "local")
        with calling(here, command=command, env={"TMPDIR": str(scratch)}) as first:
            first.wait_until(lambda: first.below(ACTOR) and served.commands and [*scratch.glob(f"{SCRATCH}*/1/*.mp4")])
            served.breaks = 2
            first.below(ACTOR)[0].kill()
            first.wait_until(lambda: [one for one in words(served_folder) if not one.startswith(PARTS)])
            workers = first.below(ACTOR)
            first.process.kill()
        assert [one for one in workers if not ends(one)] == []
        assert whole(served_folder, alone)
        served.breaks = 2
        with calling(here, command=command, env={"TMPDIR": str(scratch)}) as again:
            code, out, err = again.end()
        assert [*scratch.iterdir()] == [], "no copy is left on the disk"
        assert code == 1, err
        assert words(served_folder) == words(alone)
        assert not (served_folder / "words" / PARTS).exists()
        told = told_of([out, err])
        assert err.count("/season/none.mp4 is not a video that ffmpeg knows") == 1, told
        assert {name.rpartition("/")[2] for name, state in states(out).items() if state == "failed"} == {"none.mp4"}
        [manifest] = here.iterdir()
        assert PASSWORD not in manifest.read_text()


def test_a_server_that_is_gone_and_a_video_that_is_not_there(tmp_path: Path) -> None:
    pytest.importorskip("pyftpdlib")
    with serve_ftp(tmp_path) as served:
        address = served.address
    lines = [(f"{address}/gone.mp4", "gone.mp4 cannot be reached: [Errno 111] Connection refused. Check its store")]
    with serve_ftp(tmp_path) as served:
        lines.append((f"{served.address}/gone.mp4", "gone.mp4 does not exist. Check its name."))
        for named, told in lines:
            done = subprocess.run(
                [sys.executable, "-m", "svlm_cli", "caption", named, "--fleet", "local"],
                cwd=tmp_path,
                env=environment(),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 3, done.stderr
            assert told in told_of([done.stderr])
            assert done.stderr.count("\n") == 1
