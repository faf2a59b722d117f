"""Whenever a file's own clock begins, and however it goes on: times are those of players, from any start."""

from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.core.types import Frame
from svlm_cli.sources.files import open_frames
from tests.clips import X264, make_clip, numbers, packet_times, run_ffmpeg
from tests.sources.oracle import expected, seen

STEADY = [index / 30 for index in range(120)]


def read(source: str | Path, start_s: float | None = None) -> list[Frame]:
    """All frames at 2 fps; fails if there is any notice."""
    with open_frames(source, fps=2, start_s=start_s) as frames:
        found = list(frames)
        assert frames.notices == []
    return found


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize("start_s", [None, -5.0, 0.0, 0.001, 0.033, 1.2, 2.9667])
def test_times_count_from_the_first_moment(tmp_path: Path, start_s: float | None) -> None:
    """As in players, which never show a cue of the container's own clock."""
    clip = make_clip(tmp_path / "ten.ts", frames=90, options=("-output_ts_offset", "10", "-muxdelay", "0"))
    found = read(clip, start_s=start_s)
    assert seen(found) == expected(STEADY[:90], 3.0, fps=2, start_s=start_s)
    assert [frame.container_s for frame in found] == pytest.approx([10 + frame.time_s for frame in found])


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize(
    ("suffix", "offset_s", "encode"),
    [
        pytest.param("ts", 50_000.0, X264, id="late"),
        pytest.param("vob", 0.5, ("-c:v", "mpeg2video", "-q:v", "2"), id="disc"),
        pytest.param("mkv", 10.0, X264, id="matroska"),
        pytest.param("ts", 2**33 / 90_000 - 1.0, X264, id="wraps"),
        pytest.param("ts", 2**33 / 90_000 - 12.0, X264, id="wraps-late"),
    ],
)
def test_a_start_changes_no_time(tmp_path: Path, suffix: str, offset_s: float, encode: tuple[str, ...]) -> None:
    """Whenever the container's clock begins, and if it begins anew on the way."""
    times_s = [*STEADY[:90], *(20 + time for time in STEADY[:30])]
    gap = ("-vf", "settb=1/90000,setpts='(N/30+17*gte(N,90))/TB'")
    options = (*gap, "-output_ts_offset", f"{offset_s}", "-muxdelay", "0", "-bf", "0")
    clip = make_clip(tmp_path / f"clip.{suffix}", frames=120, encode=encode, options=options)
    whole = seen(read(clip))
    assert whole == expected(times_s, 21.0, fps=2)
    for start_s in (2.5, 15.0, 20.5):
        assert seen(read(clip, start_s=start_s)) == [one for one in whole if one[1] >= start_s]
    with pytest.raises(InputError, match=r"has no pictures from 200 s. It runs from 0.0 s to 2[01]"):
        open_frames(clip, fps=2, start_s=200.0)


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize("leap_s", [45, -15])
def test_a_clock_that_jumps_is_the_same_from_any_start(tmp_path: Path, leap_s: int) -> None:
    """Seeking by it would lead elsewhere: to a moment that comes twice, or to one that never comes."""
    parts = [
        make_clip(tmp_path / f"{first}.ts", frames=40, fps="2", first=first, options=("-output_ts_offset", f"{at_s}"))
        for first, at_s in ((0, 30), (40, 50 + leap_s))
    ]
    clip = tmp_path / "jump.ts"
    clip.write_bytes(b"".join(part.read_bytes() for part in parts))
    whole = seen(read(clip))
    assert [number for number, _ in whole[-30:]] == list(range(50, 80))
    assert whole[-1][1] == pytest.approx(39.5 + max(0, leap_s), abs=0.5)
    for start_s in (10.0, 25.0, 38.0, 60.0):
        later = [one for one in whole if one[1] >= start_s]
        if later:
            assert seen(read(clip, start_s=start_s)) == later
        else:
            with pytest.raises(InputError, match="has no pictures"):
                open_frames(clip, fps=2, start_s=start_s)


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize("start_s", [None, 1.5])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_sound_that_begins_first_shifts_nothing(tmp_path: Path, suffix: str, start_s: float | None) -> None:
    """Times count from the container's start in ffmpeg, or, in transport streams, silently from the video's."""
    video = make_clip(tmp_path / "video.mp4", frames=90)
    clip = tmp_path / f"sound.{suffix}"
    sound = ("-f", "lavfi", "-i", "sine=d=4", "-map", "0", "-map", "1", "-c:v", "copy", "-muxdelay", "0")
    run_ffmpeg("-itsoffset", "0.5", "-i", video, *sound, clip)
    times_s = packet_times(clip)
    assert 0.5 <= times_s[0] < 0.6  # the sound begins at 0
    assert seen(read(clip, start_s=start_s)) == expected(times_s, times_s[-1] + 1 / 30, fps=2, start_s=start_s)


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize("start_s", [None, 0.5])
@pytest.mark.parametrize(("first", "second"), [(0, 7200), (7200, 0)])
def test_a_broken_clock_is_not_hours_of_repeated_frames(
    tmp_path: Path, first: int, second: int, start_s: float | None
) -> None:
    parts = [
        make_clip(tmp_path / f"{name}.ts", frames=60, first=number, options=("-output_ts_offset", str(offset)))
        for name, number, offset in (("a", 0, first), ("b", 60, second))
    ]
    clip = tmp_path / "jump.ts"
    clip.write_bytes(b"".join(part.read_bytes() for part in parts))
    found = read(clip, start_s=start_s)
    assert len(found) == (8 if start_s is None else 7)
    assert numbers(frame.pixels for frame in found)[-1] >= 105
