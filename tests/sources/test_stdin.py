"""Standard input: the same frames as from the file, as far as a pipe can give them."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.sources.files import Decoder, open_frames
from tests.clips import cut, make_clip, numbers, run_ffmpeg
from tests.sources.oracle import expected, seen

pytestmark = pytest.mark.usefixtures("each_ffmpeg")


@pytest.fixture
def send() -> Iterator[Callable[[Path], None]]:
    """Puts a file into this process's standard input, through a pipe."""
    kept = os.dup(0)
    senders = []

    def put(path: Path) -> None:
        sender = subprocess.Popen(["cat", str(path)], stdout=subprocess.PIPE)
        assert sender.stdout is not None
        os.dup2(sender.stdout.fileno(), 0)
        sender.stdout.close()
        senders.append(sender)

    yield put
    os.dup2(kept, 0)
    os.close(kept)
    for sender in senders:
        sender.wait(60)


@pytest.mark.parametrize("start_s", [None, 1.02])
def test_an_mp4_with_its_index_first(plain_clip: Path, send: Callable[[Path], None], start_s: float | None) -> None:
    send(plain_clip)
    with open_frames("-", fps=2, start_s=start_s) as frames:
        assert seen(list(frames)) == expected([index / 30 for index in range(120)], 4.0, fps=2, start_s=start_s)
        assert frames.notices == []


@pytest.mark.parametrize("start_s", [None, 1.7])
def test_a_transport_stream(tmp_path: Path, send: Callable[[Path], None], start_s: float | None) -> None:
    """A start cannot be sought in a pipe; what comes before it is decoded and dropped."""
    clip = make_clip(tmp_path / "ten.ts", frames=90, options=("-output_ts_offset", "10", "-muxdelay", "0"))
    send(clip)
    with open_frames("-", fps=2, start_s=start_s) as frames:
        assert frames.duration_s is None
        times_s = [index / 30 for index in range(90)]
        assert seen(list(frames)) == expected(times_s, 3.0, fps=2, start_s=start_s)


@pytest.mark.parametrize("start_s", [None, 0.6])
def test_a_clock_that_jumps(tmp_path: Path, send: Callable[[Path], None], start_s: float | None) -> None:
    for name, offset in (("a", 0), ("b", 7200)):
        make_clip(tmp_path / f"{name}.ts", frames=60, options=("-output_ts_offset", str(offset), "-muxdelay", "0"))
    clip = tmp_path / "jump.ts"
    clip.write_bytes((tmp_path / "a.ts").read_bytes() + (tmp_path / "b.ts").read_bytes())
    send(clip)
    with open_frames("-", fps=2, start_s=start_s) as frames:
        assert len(list(frames)) == (8 if start_s is None else 7)


def test_an_mp4_with_its_index_last(tmp_path: Path, send: Callable[[Path], None]) -> None:
    """Zero frames, and ffmpeg alone does not say why."""
    noise = "nullsrc=s=320x240:r=30:d=3,geq=lum=random(1)*255:cb=128:cr=128"
    clip = tmp_path / "last.mp4"
    run_ffmpeg("-f", "lavfi", "-i", noise, "-c:v", "mpeg4", "-q:v", "1", clip)
    send(clip)
    with pytest.raises(InputError, match=r"index comes last.* path.*-movflags \+faststart"):
        open_frames("-", fps=2)


def test_one_that_breaks_off(plain_clip: Path, tmp_path: Path, send: Callable[[Path], None]) -> None:
    send(cut(plain_clip, tmp_path / "cut.mp4", 0.61))
    with open_frames("-", fps=2) as frames:
        found = numbers(frame.pixels for frame in frames)
        assert found == [15 * index for index in range(len(found))]
        assert frames.truncated


def test_nothing_and_no_video(tmp_path: Path, send: Callable[[Path], None]) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    text = tmp_path / "text"
    text.write_text("Not a video.\n" * 100)
    for path in (empty, text):
        send(path)
        with pytest.raises(InputError, match="standard input is empty, or not a video"):
            open_frames("-", fps=2)


def test_a_terminal() -> None:
    """Nobody types a video; ffmpeg, which is not in the foreground, would be stopped and wait for ever."""
    ours, theirs = os.openpty()
    kept = os.dup(0)
    try:
        os.dup2(theirs, 0)
        with pytest.raises(InputError, match="is a terminal"):
            open_frames("-", fps=2)
    finally:
        os.dup2(kept, 0)
        for descriptor in (ours, theirs, kept):
            os.close(descriptor)


def test_a_script_from_a_pipe_opens_no_file(plain_clip: Path, tmp_path: Path, send: Callable[[Path], None]) -> None:
    script = tmp_path / "script"
    script.write_text(f"ffconcat version 1.0\nfile '{plain_clip}'\n")
    send(script)
    with pytest.raises(InputError, match="is not a video"):
        open_frames("-", fps=2)


def test_decord_is_told_apart(plain_clip: Path, send: Callable[[Path], None]) -> None:
    send(plain_clip)
    with open_frames("-", fps=2, decoder=Decoder.DECORD) as frames:
        assert len(list(frames)) == 8
        assert "decord does not read standard input" in frames.notices[0]
