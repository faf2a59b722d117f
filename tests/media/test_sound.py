"""The sound of files as samples: where each is heard, and what is refused."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.media.conversion import read_header
from svlm_cli.media.ffmpeg import file_address, find_ffmpeg
from svlm_cli.media.sound import RATE, SoundPipe
from tests.curation.spoken_videos import make_video, tones


def opened(path: Path) -> SoundPipe:
    program, address = find_ffmpeg(), file_address(path)
    return SoundPipe(program, address, origin_s=read_header(program, address).origin_s)


def heard(path: Path) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    with opened(path) as sound:
        return np.frombuffer(b"".join(sound.blocks()), np.int16)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_a_sample_is_heard_when_players_play_it(tmp_path: Path, name: str) -> None:
    """Guards the times of all words: sound that begins late is silence before, in every container."""
    samples = heard(make_video(tmp_path / name, 5, *tones([1.0], 3), delay_s=1.5))
    (loud,) = np.nonzero(abs(samples.astype(int)) > 3000)
    assert loud[0] / RATE == pytest.approx(2.5, abs=0.05)
    assert loud[-1] / RATE == pytest.approx(3.0, abs=0.05)


def test_a_gap_is_silence(tmp_path: Path) -> None:
    """Guards the times after a gap, as of a recording that lost its sender: what is missing takes its time."""
    gap = tmp_path / "gap.mkv"
    select = "aselect='lt(t,1.5)+gt(t,3.5)'"  # a hole of two seconds, whose times are kept
    source = str(make_video(tmp_path / "whole.mkv", 5, *tones([0.5, 3.5], 5), delay_s=0.5))
    subprocess.run(
        [
            "ffmpeg",
            "-loglevel",
            "error",
            "-i",
            source,
            "-c:v",
            "copy",
            "-af",
            select,
            "-c:a",
            "pcm_s16le",
            "-y",
            str(gap),
        ],
        check=True,
    )
    (loud,) = np.nonzero(abs(heard(gap).astype(int)) > 3000)
    assert loud[-1] / RATE == pytest.approx(4.5, abs=0.05)


def test_sound_that_is_cut_off(tmp_path: Path) -> None:
    """Guards against half of a video's words: what is missing at a file's end is told."""
    path = make_video(tmp_path / "a.mp4", 20, *tones([1.0], 20))
    faststart = tmp_path / "b.mp4"
    command = ["ffmpeg", "-loglevel", "error", "-i", str(path), "-c", "copy", "-movflags", "+faststart", "-y"]
    subprocess.run([*command, str(faststart)], check=True)
    faststart.write_bytes(faststart.read_bytes()[: faststart.stat().st_size // 2])
    with pytest.raises(InputError, match=r"b\.mp4 is cut off: not all of its sound is there"):
        heard(faststart)


def test_without_sound(tmp_path: Path) -> None:
    """Guards the sentence of a pipe that has nothing to give."""
    with pytest.raises(InputError, match=r"The sound of .*a\.mp4 cannot be decoded"):
        heard(make_video(tmp_path / "a.mp4", 1))


def test_leaving_early_ends_ffmpeg(tmp_path: Path) -> None:
    """Guards against programs that stay behind."""
    path = make_video(tmp_path / "a.mp4", 60, *tones([1.0], 60))
    with opened(path) as sound:
        assert len(next(sound.blocks())) == 2 * RATE
        process = sound._process
    assert process.returncode is not None
