"""decord: the same frames as through the pipe, or the pipe."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.sources.files import Decoder, open_frames
from svlm_cli.sources.windows import read_window
from tests.clips import CARRIED, X264, cut, make_clip, numbers, run_ffmpeg, times_filter
from tests.sources.oracle import expected, seen

STEADY = [index / 30 for index in range(120)]
UNEVEN = [0.0, 0.1, 0.2, 1.3, 1.35, 3.0, 3.1, 4.2]

RANGES = [(None, None), (0.5, 1.5), (1.02, 2.6), (3.99, None), (-1.0, 0.4)]


@pytest.mark.parametrize(("start_s", "end_s"), RANGES)
@pytest.mark.parametrize("fps", [2.0, 8.0])
def test_decord_and_ffmpeg_show_the_same(
    plain_clip: Path, fps: float, start_s: float | None, end_s: float | None
) -> None:
    """B-frames, key frames, ranges between frames: which decoder reads must not matter."""
    found = {}
    for decoder in Decoder:
        with open_frames(plain_clip, fps=fps, start_s=start_s, end_s=end_s, decoder=decoder) as frames:
            assert frames.duration_s == 4.0
            found[decoder] = list(frames)
            assert frames.notices == []
    assert seen(found[Decoder.DECORD]) == seen(found[Decoder.FFMPEG])
    for one, other in zip(found[Decoder.DECORD], found[Decoder.FFMPEG], strict=True):
        assert np.abs(one.pixels.astype(int) - other.pixels).mean() < 3  # two versions of swscale


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_windows_go_by_timestamps(tmp_path: Path, suffix: str) -> None:
    """Index / average rate shows pictures seconds too early or too late."""
    clip = make_clip(tmp_path / f"uneven.{suffix}", frames=8, options=times_filter(UNEVEN))
    found = read_window(clip, 0.25, 3.9, fps=2)
    assert seen(found) == expected(UNEVEN, 4.3, fps=2, start_s=0.25, end_s=3.9)


@pytest.mark.parametrize("window", [(0.0, 1.0), (1.02, 2.6), (3.5, 9.0), (2.0, 2.0), (50.0, 60.0)])
@pytest.mark.parametrize("suffix", ["mp4", "ts"])
def test_windows_reach_as_far_as_the_file(
    tmp_path: Path, plain_clip: Path, suffix: str, window: tuple[float, float]
) -> None:
    """Fewer frames, or none, are no error: a window at the end of a match is short."""
    clip = tmp_path / f"clip.{suffix}"
    run_ffmpeg("-i", plain_clip, "-c", "copy", "-muxdelay", "0", clip)
    start_s, end_s = window
    assert seen(read_window(clip, start_s, end_s, fps=2)) == expected(STEADY, 4.0, fps=2, start_s=start_s, end_s=end_s)


def test_windows_that_cannot_be(plain_clip: Path, tmp_path: Path) -> None:
    for start_s, end_s in ((2.0, 1.0), (0.0, float("inf")), (float("nan"), 1.0)):
        with pytest.raises(UsageError):
            read_window(plain_clip, start_s, end_s, fps=2)
    with pytest.raises(InputError, match="does not exist"):
        read_window(tmp_path / "none.mp4", 0, 1, fps=2)


def test_the_times_of_a_file_that_does_not_begin_at_0(plain_clip: Path, tmp_path: Path) -> None:
    """In decord they count from the first picture, in players from the first moment, which is here the sound's."""
    clip = tmp_path / "later.mkv"
    sound = ("-f", "lavfi", "-itsoffset", "10", "-i", "sine=d=5")
    run_ffmpeg("-itsoffset", "10.5", "-i", plain_clip, *sound, "-c:v", "copy", "-c:a", "flac", clip)
    for decoder in Decoder:
        with open_frames(clip, fps=2, decoder=decoder) as frames:
            found = list(frames)
        assert seen(found) == [(15 * index, 0.5 + index / 2) for index in range(8)]
        assert [frame.container_s for frame in found] == pytest.approx([10.5 + index / 2 for index in range(8)])
    assert seen(read_window(clip, 1.0, 2.0, fps=2)) == [(15, 1.0), (30, 1.5)]


def unfit_clip(kind: str, plain: Path, folder: Path) -> Path:
    """A clip at which decord fails, or gives something else without a word."""
    clip = folder / f"{kind}.{'ts' if kind == 'transport stream' else 'mp4'}"
    match kind:
        case "transport stream":
            run_ffmpeg("-i", plain, "-c", "copy", "-output_ts_offset", "10", clip)
        case "av1":
            make_clip(clip, frames=60, encode=("-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime"))
        case "motion jpeg":
            make_clip(clip, frames=60, encode=("-c:v", "mjpeg", "-q:v", "3"))
        case "unclear beginning":
            clip.write_bytes(plain.read_bytes().replace(b"ftyp", b"free", 1))
        case "cut off":
            cut(plain, clip, 0.6)
        case "cut off inside":
            whole = folder / "whole.mkv"
            run_ffmpeg("-i", plain, "-c", "copy", whole)
            clip = cut(whole, folder / "inside.mkv", 0.6)
        case "edit list":
            run_ffmpeg("-ss", "0.7", "-i", plain, "-c", "copy", clip)
        case "wide pixels":
            make_clip(clip, frames=60, encode=X264, options=("-vf", "setsar=4/3"))
        case "mirrored":
            run_ffmpeg("-display_vflip", "-i", plain, "-c", "copy", clip, program=CARRIED)
        case "two streams":
            other = make_clip(folder / "other.mp4", frames=120, first=500, size=(320, 240))
            run_ffmpeg("-i", plain, "-i", other, "-map", "0", "-map", "1", "-c", "copy", clip)
    return clip


@pytest.mark.parametrize("start_s", [None, 0.6])
@pytest.mark.parametrize(
    "kind",
    [
        *("transport stream", "av1", "motion jpeg", "unclear beginning", "cut off", "cut off inside", "edit list"),
        *("wide pixels", "mirrored", "two streams"),
    ],
)
def test_where_decord_is_unfit_the_pipe_takes_over(
    plain_clip: Path, tmp_path: Path, kind: str, start_s: float | None
) -> None:
    """It hangs, fails, or shows something else without a word."""
    clip = unfit_clip(kind, plain_clip, tmp_path)
    with open_frames(clip, fps=2, start_s=start_s) as frames:
        through_the_pipe = list(frames)
    with open_frames(clip, fps=2, start_s=start_s, decoder=Decoder.DECORD) as frames:
        found = list(frames)
        assert "decord does not read" in frames.notices[0]
        assert frames.truncated == kind.startswith("cut off")
    assert [frame.time_s for frame in found] == [frame.time_s for frame in through_the_pipe]
    for one, other in zip(found, through_the_pipe, strict=True):
        assert np.array_equal(one.pixels, other.pixels)


@pytest.mark.parametrize("start_s", [None, 0.3])
def test_where_decord_fails_on_the_way_no_frame_is_lost_or_repeated(
    plain_clip: Path, monkeypatch: pytest.MonkeyPatch, start_s: float | None
) -> None:
    import decord

    genuine = decord.VideoReader.get_batch

    def fail_late(reader: decord.VideoReader, indices: list[int]) -> object:
        if indices[0] > 50:
            raise decord.DECORDError("no more")
        return genuine(reader, indices)

    monkeypatch.setattr(decord.VideoReader, "get_batch", fail_late)
    with open_frames(plain_clip, fps=2, start_s=start_s, decoder=Decoder.DECORD) as frames:
        assert seen(list(frames)) == expected(STEADY, 4.0, fps=2, start_s=start_s)
        assert len(frames.notices) == 1
        assert "it failed at" in frames.notices[0]


def test_without_decord_the_pipe_reads(plain_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no wheels for ARM."""
    monkeypatch.setitem(sys.modules, "decord", None)
    with open_frames(plain_clip, fps=2, decoder=Decoder.DECORD) as frames:
        assert numbers(frame.pixels for frame in frames) == list(range(0, 120, 15))
        assert "it is not installed" in frames.notices[0]
    assert len(read_window(plain_clip, 0, 1, fps=2)) == 2


def test_imports_are_late_and_in_order() -> None:
    """Loaded first, decord breaks torch; and a reader of files needs neither."""
    code = (
        "import sys; import svlm_cli.sources.files, svlm_cli.sources.windows as windows\n"
        "assert not {'torch', 'decord'} & set(sys.modules)\n"
        "try: windows._open_reader('/nowhere')\n"
        "except windows.DecordUnfitError: pass\n"
        "names = list(sys.modules)\n"
        "assert names.index('torch') < names.index('decord')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
