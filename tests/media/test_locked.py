"""``NAME.part`` belongs to one run: whatever else has that name is left alone, by words and videos alike."""

import fcntl
import os
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from svlm_cli.core.errors import OutputError
from svlm_cli.media.locked import LockedPart
from svlm_cli.media.part import PartVideo
from svlm_cli.media.writer import VideoWriter
from svlm_cli.outputs.destination import PartFile
from tests.clips import CLIP_MAKER

OPENERS = [
    pytest.param(lambda path: PartFile(path, overwrite=True), id="words"),
    pytest.param(lambda path: PartVideo(path, overwrite=True), id="video, before anything is done"),
    pytest.param(lambda path: VideoWriter(path, width=64, height=48, rate=Fraction(8), overwrite=True), id="pictures"),
]
Opener = Callable[[Path], object]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "mine").write_text("mine")
    return tmp_path / "o.mp4"


def a_link(part: Path) -> None:
    part.symlink_to("mine")


def a_link_to_nothing(part: Path) -> None:
    part.symlink_to("nothing")


def another_name(part: Path) -> None:
    part.hardlink_to(part.with_name("mine"))


def a_folder(part: Path) -> None:
    part.mkdir()


def a_pipe(part: Path) -> None:
    os.mkfifo(part)


def a_file_to_be_kept(part: Path) -> None:
    part.write_text("mine")
    part.chmod(0o444)


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize("make", [a_link, a_link_to_nothing, another_name, a_folder, a_pipe, a_file_to_be_kept])
def test_what_no_run_of_ours_left_is_refused(path: Path, opener: Opener, make: Callable[[Path], None]) -> None:
    part = path.with_name("o.mp4.part")
    make(part)
    before = part.lstat()
    with pytest.raises(OutputError, match=r"o\.mp4\.part") as caught:
        opener(path)
    assert caught.value.hint
    after = part.lstat()
    assert (after.st_ino, after.st_mode, after.st_size) == (before.st_ino, before.st_mode, before.st_size)
    assert path.with_name("mine").read_text() == "mine"
    assert not path.with_name("nothing").exists()


@pytest.mark.parametrize("opener", OPENERS)
def test_a_second_run_takes_nothing_from_the_first(path: Path, opener: Opener) -> None:
    first = LockedPart(path)
    os.write(first.descriptor, b"first")
    with pytest.raises(OutputError, match=r"Another run is writing \S*o\.mp4"):
        opener(path)
    first.rename(overwrite=False)
    os.close(first.descriptor)
    assert path.read_text() == "first"


def test_a_lock_outlives_its_run_as_long_as_ffmpeg_writes(path: Path) -> None:
    """Guards the file of an ffmpeg whose svlm was killed: two of them would write one file."""
    video = PartVideo(path, overwrite=False)
    with subprocess.Popen(["sleep", "60"], pass_fds=video.open()) as process:
        assert video._locked is not None
        os.close(video._locked.descriptor)
        with pytest.raises(OutputError, match="Another run"):
            PartVideo(path, overwrite=False)
        process.kill()
    PartVideo(path, overwrite=False)


def test_ffmpeg_writes_into_the_file_that_is_locked(path: Path) -> None:
    video = PartVideo(path, overwrite=False)
    inherited = video.open()
    video.part.write_bytes(b"x" * 100_000)
    command = [CLIP_MAKER.path, "-nostdin", "-loglevel", "error", "-y", "-f", "lavfi", "-i", "color=s=64x48:d=1"]
    subprocess.run([*command, "-movflags", "+faststart", "-f", "mp4", video.part], pass_fds=inherited, check=True)
    assert 0 < video.part.stat().st_size < 100_000
    video.complete()
    video.abandon()
    assert {file.name for file in path.parent.iterdir()} == {"mine", "o.mp4"}


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_put_in_its_place_does_not_get_the_name(path: Path, overwrite: bool) -> None:
    video = PartVideo(path, overwrite=overwrite)
    video.open()
    video.part.unlink()
    video.part.write_text("mine")
    with pytest.raises(OutputError, match="moved or removed while svlm was writing it"):
        video.complete()
    video.abandon()
    assert video.part.read_text() == "mine"
    assert not path.exists()


def test_a_link_put_in_its_place_does_not_get_the_name(path: Path) -> None:
    """Guards against a link that leads to the very file that was written."""
    video = PartVideo(path, overwrite=False)
    video.open()
    video.part.rename(path.with_name("moved"))
    video.part.symlink_to("moved")
    with pytest.raises(OutputError, match="moved or removed while svlm was writing it"):
        video.complete()
    video.abandon()
    assert video.part.is_symlink()
    assert not path.exists()


def test_a_part_that_is_replaced_while_it_is_opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the words of a run that locks a file just as another run gives it its name: nobody would find them."""
    part = path.with_name("o.mp4.part")
    lock = fcntl.flock
    locked: list[int] = []

    def replace_once(descriptor: int, operation: int) -> None:
        if not locked:
            part.rename(path.with_name("finished"))
            part.write_text("new")
        locked.append(os.fstat(descriptor).st_ino)
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", replace_once)
    ours = LockedPart(path)
    assert ours.kept
    assert locked[0] != locked[1] == part.stat().st_ino == os.fstat(ours.descriptor).st_ino
    os.close(ours.descriptor)


def test_a_video_that_appears_meanwhile_is_not_replaced(path: Path) -> None:
    video = PartVideo(path, overwrite=False)
    video.open()
    path.write_text("mine")
    with pytest.raises(OutputError, match="appeared while it was written"):
        video.complete()
    video.abandon()
    assert path.read_text() == "mine"
    assert not video.part.exists()


def test_what_a_dead_run_left_is_replaced(path: Path) -> None:
    part = path.with_name("o.mp4.part")
    part.write_text("left behind")
    video = PartVideo(path, overwrite=False)
    assert part.read_text() == "left behind"
    video.open()
    assert part.read_text() == ""
    video.abandon()
    assert not part.exists()
