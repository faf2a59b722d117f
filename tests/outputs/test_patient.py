"""A full disk costs time, no words. The disk is a real one, of 64 kB, where the system lets us make one."""

import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from svlm_cli.core.errors import OutputError
from svlm_cli.outputs import patient
from svlm_cli.outputs.destination import Destination, InPlaceFile, OutputClosedError
from svlm_cli.outputs.patient import MOST_KEPT, OutputUnfinishedError, PatientFile


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ("-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder))
    if subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
        pytest.skip("only root may make a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_once_and_nothing_is_lost(small_disk: Path) -> None:
    said: list[str] = []
    blocker = small_disk / "blocker"
    path = small_disk / "a.srt"
    file = PatientFile(lambda: InPlaceFile(path, overwrite=False), said.append)
    file.write("first\n")
    blocker.write_bytes(bytes(60 * 1024))
    pieces = [f"{index:06}\n" * 20 for index in range(100)]
    for piece in pieces:
        file.write(piece)
        assert path.read_text().endswith("\n"), "no half of a piece"
    assert len(said) == 1
    assert "room" in said[0]
    blocker.unlink()
    file.write("last\n")
    file.close(complete=True)
    assert path.read_text() == "".join(["first\n", *pieces, "last\n"])
    assert "nothing was lost" in said[1]


class Moody:
    """Takes pieces unless it is told not to."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.error: OutputError | None = None
        self.closed = False

    def write(self, text: str, ending: str = "") -> None:
        if self.error is not None:
            raise self.error
        self.pieces.append(text)

    def close(self, *, complete: bool) -> None:
        self.closed = complete


def test_what_waits_comes_first() -> None:
    """In order, once each."""
    said: list[str] = []
    moody = Moody()
    file = PatientFile(lambda: moody, said.append)
    for index in range(9):
        moody.error = OutputError("There is no room.") if 3 <= index < 6 else None
        file.write(f"{index}\n")
    file.close(complete=True)
    assert moody.pieces == [f"{index}\n" for index in range(9)]
    assert moody.closed
    assert len(said) == 2


def test_a_file_that_cannot_even_be_opened_is_tried_again() -> None:
    said: list[str] = []
    tries: list[bool] = []
    moody = Moody()

    def open_file() -> Destination:
        tries.append(True)
        if len(tries) < 3:
            raise OutputError("The disk is away.")
        return moody

    file = PatientFile(open_file, said.append)
    for index in range(3):
        file.write(f"{index}\n")
    assert moody.pieces == ["0\n", "1\n", "2\n"]


def test_what_is_kept_is_bounded_and_what_is_lost_is_said() -> None:
    moody = Moody()
    moody.error = OutputError("There is no room.")
    file = PatientFile(lambda: moody, lambda line: None)
    for _ in range(5):
        file.write("x" * (MOST_KEPT // 2))
    moody.error = None
    with pytest.raises(OutputError, match="3 pieces were lost"):
        file.close(complete=True)
    assert len(moody.pieces) == 2
    assert moody.closed


def test_at_the_end_what_could_not_be_written_is_an_error() -> None:
    moody = Moody()
    moody.error = OutputError("There is no room.", "Make some.")
    file = PatientFile(lambda: moody, lambda line: None)
    file.write("x")
    with pytest.raises(OutputError, match="last words were lost"):
        file.close(complete=True)


def test_a_reader_that_has_gone_does_not_come_back() -> None:
    moody = Moody()
    moody.error = OutputClosedError("Nobody reads.")
    with pytest.raises(OutputClosedError):
        PatientFile(lambda: moody, lambda line: None).write("x")


def test_a_full_disk_outlasts_several_files(small_disk: Path) -> None:
    """With --segment 1m a disk that is full for three minutes touches four files; each gets all of its words."""
    said: list[str] = []
    blocker = small_disk / "blocker"
    blocker.write_bytes(bytes(64 * 1024))
    files: list[PatientFile] = []
    for index in range(4):
        open_file = partial(InPlaceFile, small_disk / f"{index}.srt", overwrite=False)
        files.append(PatientFile(open_file, said.append, after=files[-1] if files else None))
        if index == 3:
            blocker.unlink()
        for line in "ab":
            files[-1].write(f"{line}{index}\n" * 600)
        if index < 3:
            with pytest.raises(OutputUnfinishedError):
                files[-1].close(complete=True)
    files[-1].close(complete=True)
    for index in range(4):
        assert (small_disk / f"{index}.srt").read_text() == f"a{index}\n" * 600 + f"b{index}\n" * 600
    assert len(said) == 2, "told once, and its end"
    assert "nothing was lost" in said[1]


def test_what_is_kept_of_several_files_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk may be full for a year."""
    monkeypatch.setattr(patient, "MOST_KEPT", 25)
    said: list[str] = []
    tried: list[Moody] = []
    room = False

    def open_file() -> Moody:
        if not room:
            raise OutputError("There is no room.")
        tried.append(Moody())
        return tried[-1]

    file = None
    for index in range(9):
        file = PatientFile(open_file, said.append, after=file)
        file.write(f"{index}" * 10)
        if index < 8:
            with pytest.raises(OutputUnfinishedError):
                file.close(complete=True)
    room = True
    assert file is not None
    with pytest.raises(OutputError, match="7 pieces were lost"):
        file.close(complete=True)
    assert [piece for one in tried for piece in one.pieces] == ["7" * 10, "8" * 10]
    assert all(one.closed for one in tried)
    assert len(said) == 2
