"""Where ffmpeg is found, what it is told to open, and what of it people get to see."""

import io
import os
import subprocess
import sys
import traceback
from fractions import Fraction
from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.core.text import presentable
from svlm_cli.media.ffmpeg import Address, Ffmpeg, Timing, file_address, find_ffmpeg, live_command, path_name
from svlm_cli.media.nut import NutReader
from tests.clips import CARRIED, PROGRAMS


def test_the_ffmpeg_on_the_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """People who install their own ffmpeg mean it."""
    own = tmp_path / "ffmpeg"
    own.symlink_to(CARRIED.path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert find_ffmpeg() == Ffmpeg(str(own))


def test_without_one_on_the_path_the_carried_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_ffmpeg() == CARRIED


def test_without_any_ffmpeg_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(InputError, match=r"ffmpeg was not found\. Install it"):
        find_ffmpeg()


@pytest.mark.parametrize("program", PROGRAMS)
def test_version(program: Ffmpeg) -> None:
    assert any(character.isdigit() for character in program.version())


def test_a_program_that_does_not_run_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "ffmpeg"
    broken.write_text("no program")
    broken.chmod(0o755)
    with pytest.raises(InputError, match="does not run"):
        Ffmpeg(str(broken)).version()


def test_what_is_wrong_with_a_path_is_said_before_ffmpeg_is_asked(tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    for path, sentence in (
        (tmp_path / "none.mp4", "does not exist"),
        (tmp_path, "is a folder"),
        (empty, "is empty"),
        (empty / "inside.mp4", "cannot be opened"),
        (tmp_path / ("n" * 300), "cannot be opened"),
        (Path("a\0b"), "cannot be opened"),
    ):
        with pytest.raises(InputError, match=sentence):
            file_address(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "secret.mp4"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(InputError, match="cannot be read: permission denied"):
        file_address(path)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_clock_that_is_set_back_hides_no_picture(program: Ffmpeg) -> None:
    """By ffmpeg's clock the fifth picture comes an hour before the fourth; at ten a second, two a second are wanted."""
    source = "testsrc2=s=16x16:r=10:d=2"
    address = Address(source, "test", "file", formats="lavfi,rawvideo", options=(("f", "lavfi"),))
    command = live_command(program, address, Fraction(2), Timing.ARRIVAL)
    graph = next(index for index, argument in enumerate(command) if "RTCTIME" in argument)
    command[graph] = command[graph].replace("RTCTIME", "(1700000000e6+N*100000-3600e6*gte(N\\,4))")
    packets = NutReader(io.BytesIO(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout))
    assert len(list(iter(packets.read, None))) == 4


def test_names_are_printable() -> None:
    """A file name must not move the cursor, break a line, or stop an output that is UTF-8."""
    shown = path_name(os.fsdecode(b"a\nb\x1b[31m\xff.mp4"))
    assert shown == "a b\ufffd.mp4"
    shown.encode()


def test_passwords_are_left_out_wherever_they_stand() -> None:
    assert presentable("Opening 'rtsp://user:p@camera/live'") == "Opening 'rtsp://...@camera/live'"
    assert presentable("http://u@host/") == "http://...@host/"
    assert "p@" not in presentable("rtsp:\x00//user:p@camera/live")
    assert presentable("rtsp://camera/a@b") == "rtsp://camera/a@b"


def test_an_address_taken_for_a_file_is_not_quoted() -> None:
    """Guards programs that use the library: a traceback of theirs tells the causes of an error too."""
    password = "sesame"
    with pytest.raises(InputError) as caught:
        file_address(f"rtsp://me:{password}@camera/live")
    assert "begins with its kind" in caught.value.hint
    assert "sesame" not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(InputError, match=r"^rtsp://\.\.\.@camera/live does not exist"):
        file_address("rtsp://user:secret@camera/live")
