"""Files that are still being written."""

import threading
import time
from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.sources.files import open_frames
from tests.clips import X264, make_clip, numbers


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Four seconds as a transport stream."""
    path = tmp_path_factory.mktemp("follow") / "clip.ts"
    return make_clip(path, frames=120, encode=X264, options=("-g", "15", "-bf", "2")).read_bytes()


def write_slowly(path: Path, data: bytes, pieces: int, pause_s: float) -> threading.Thread:
    """The first piece now, the others in a thread."""
    size = len(data) // pieces + 1
    path.write_bytes(data[:size])

    def write() -> None:
        with path.open("ab", buffering=0) as file:
            for begin in range(size, len(data), size):
                time.sleep(pause_s)
                file.write(data[begin : begin + size])

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def test_a_growing_file_is_read_to_where_it_ends_at_last(tmp_path: Path, stream: bytes) -> None:
    """Without it, captions end where the file ended when it was opened; and the last pictures are not held back."""
    path = tmp_path / "a.ts"
    writer = write_slowly(path, stream, pieces=8, pause_s=0.2)
    with open_frames(path, fps=2, follow_s=1.0) as frames:
        found = list(frames)
    writer.join()
    assert numbers(frame.pixels for frame in found) == list(range(0, 120, 15))
    assert not frames.truncated
    assert frames.notices == []
    assert not [thread for thread in threading.enumerate() if thread.name == "svlm-follow"]


def test_a_file_that_is_empty_at_first(tmp_path: Path, stream: bytes) -> None:
    """Whoever writes it may be a moment late."""
    path = tmp_path / "a.ts"
    path.touch()
    writer = threading.Timer(0.3, path.write_bytes, (stream,))
    writer.start()
    with open_frames(path, fps=2, follow_s=1.0) as frames:
        assert numbers(frame.pixels for frame in frames) == list(range(0, 120, 15))
    writer.join()
    path.write_bytes(b"")
    with pytest.raises(InputError, match="is empty"):
        open_frames(path, fps=2)


def test_the_first_pictures_are_shown_while_the_file_grows(tmp_path: Path, stream: bytes) -> None:
    """Left alone, ffmpeg would read five seconds of it first."""
    path = tmp_path / "a.ts"
    path.write_bytes(stream)
    with open_frames(path, fps=2, follow_s=60.0) as frames:
        assert numbers([next(frames).pixels for _ in range(3)]) == [0, 15, 30]


def test_leaving_a_growing_file(tmp_path: Path) -> None:
    """Closed while it waits for more, it ends at once."""
    path = tmp_path / "a.ts"
    make_clip(path, frames=120, encode=X264, options=("-g", "15", "-bf", "2"))
    frames = open_frames(path, fps=2, follow_s=60.0)
    next(frames)
    began = time.monotonic()
    closer = threading.Timer(0.5, frames.close)
    closer.start()
    list(frames)
    closer.join()
    assert time.monotonic() - began < 30
    assert not [thread for thread in threading.enumerate() if thread.name == "svlm-follow"]


@pytest.mark.parametrize(
    "text", ["no video", "#EXTM3U\n#EXTINF:1,\nvictim.ts\n", "ffconcat version 1.0\nfile 'victim.ts'\n"]
)
def test_a_file_that_is_no_video(tmp_path: Path, text: str) -> None:
    """A playlist that grows leads nowhere, like one that does not."""
    path = tmp_path / "a.ts"
    path.write_text(text)
    with pytest.raises(InputError):
        open_frames(path, fps=2, follow_s=0.5)
    assert not [thread for thread in threading.enumerate() if thread.name == "svlm-follow"]
