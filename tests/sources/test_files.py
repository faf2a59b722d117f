"""Which frames of a file come, and when: each trap of video files on a clip of its own."""

import os
from pathlib import Path

import numpy as np
import pytest

from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.core.types import Frame
from svlm_cli.media.ffmpeg import Ffmpeg
from svlm_cli.sources.files import Decoder, open_frames
from tests.clips import CARRIED, X264, cut, make_clip, number_of, numbers, run_ffmpeg, times_filter
from tests.sources.oracle import expected, seen

STEADY = [index / 30 for index in range(120)]
UNEVEN = [0.0, 0.1, 0.2, 1.3, 1.35, 3.0, 3.1, 4.2]
X265 = ("-c:v", "libx265", "-preset", "ultrafast")
HDR = "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"
CODECS = [
    pytest.param("mp4", (*X265, "-x265-params", "log-level=none", "-pix_fmt", "yuv420p"), id="hevc"),
    pytest.param("mp4", (*X265, "-x265-params", HDR, "-pix_fmt", "yuv420p10le"), id="10-bit-hdr"),
    pytest.param("webm", ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"), id="vp9"),
    pytest.param("mp4", ("-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime"), id="av1"),
    pytest.param("h264", X264, id="raw-h264"),
    pytest.param("avi", ("-c:v", "mjpeg", "-q:v", "3"), id="mjpeg"),
]


def read(source: str | Path, **options: object) -> list[Frame]:
    """All frames at 2 fps, or as `options` say; fails if there is any notice."""
    with open_frames(source, **({"fps": 2.0} | options)) as frames:  # type: ignore[arg-type]
        found = list(frames)
        assert frames.notices == []
        assert not frames.truncated
    return found


@pytest.mark.usefixtures("each_ffmpeg")
def test_frames_are_those_on_screen_at_each_moment(plain_clip: Path) -> None:
    """The filter fps=2 by itself takes frames 7, 22, 37."""
    with open_frames(plain_clip, fps=2) as frames:
        assert frames.duration_s == 4.0
        found = list(frames)
    assert seen(found) == [(15 * index, index / 2) for index in range(8)]
    assert {frame.pixels.shape for frame in found} == {(120, 160, 3)}
    assert found[0].pixels.dtype == np.uint8


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize("fps", [0.5, 1 / 3, 8.0, 30.0, 29.97, 60.0])
def test_any_rate(plain_clip: Path, fps: float) -> None:
    assert seen(read(plain_clip, fps=fps)) == expected(STEADY, 4.0, fps=fps)


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_variable_rate_is_read_by_its_timestamps(tmp_path: Path, suffix: str) -> None:
    """Index / average rate shows pictures seconds too early or too late."""
    clip = make_clip(tmp_path / f"uneven.{suffix}", frames=8, options=times_filter(UNEVEN))
    found = seen(read(clip))
    assert found == expected(UNEVEN, found[-1][1] + 0.1, fps=2)
    assert 4.0 <= found[-1][1] < 6.0


@pytest.mark.usefixtures("each_ffmpeg")
def test_matroska_rounds_times(tmp_path: Path) -> None:
    """Picture 2 of 30 a second is at 67 ms there, which is not too late for 66.7 ms."""
    clip = make_clip(tmp_path / "clip.mkv")
    assert seen(read(clip, fps=15)) == expected(STEADY[:60], 2.0, fps=15)


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi"])
@pytest.mark.parametrize(
    ("start_s", "end_s"), [(1.02, 2.6), (1.0, 2.0), (2.9667, None), (3.99, None), (-5.0, 0.6), (0.0, 9.0)]
)
def test_start_and_end_are_exact(tmp_path: Path, suffix: str, start_s: float, end_s: float | None) -> None:
    """Between two frames the older one is on screen; a picture on the end belongs to what follows."""
    clip = make_clip(tmp_path / f"clip.{suffix}", frames=120, options=("-g", "30", "-bf", "0"))
    assert seen(read(clip, start_s=start_s, end_s=end_s)) == expected(STEADY, 4.0, fps=2, start_s=start_s, end_s=end_s)


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize(("group", "start_s"), [(600, 18.25), (170, 16.0)])
def test_a_start_far_from_any_key_frame(tmp_path: Path, group: int, start_s: float) -> None:
    """Without an index seeking ends in the middle of a group of pictures; whatever comes first then is too late."""
    clip = make_clip(tmp_path / "long.ts", frames=600, options=("-g", str(group), "-muxdelay", "0"))
    times_s = [index / 30 for index in range(600)]
    assert seen(read(clip, start_s=start_s)) == expected(times_s, 20.0, fps=2, start_s=start_s)


@pytest.mark.usefixtures("each_ffmpeg")
def test_a_still_picture_before_the_start_is_found(tmp_path: Path) -> None:
    """What is on screen at the start may have come on screen long before."""
    clip = make_clip(tmp_path / "still.mkv", frames=3, options=times_filter([0.0, 1.0, 30.0]))
    assert seen(read(clip, start_s=25.0, end_s=26.0)) == [(1, 25.0), (1, 25.5)]


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize(("turn", "quarters"), [("90", 1), ("180", 2), ("-90", 3)])
def test_rotation_is_applied(plain_clip: Path, tmp_path: Path, turn: str, quarters: int) -> None:
    """Telephones film sideways and say so."""
    clip = tmp_path / "turned.mp4"
    run_ffmpeg("-display_rotation:v", turn, "-i", plain_clip, "-c", "copy", clip, program=CARRIED)
    found = read(clip)
    assert found[0].pixels.shape == ((160, 120, 3) if quarters % 2 else (120, 160, 3))
    assert numbers(np.rot90(frame.pixels, -quarters) for frame in found) == list(range(0, 120, 15))


@pytest.mark.usefixtures("each_ffmpeg")
def test_mirroring_is_applied(plain_clip: Path, tmp_path: Path) -> None:
    """The angle alone does not tell: this one reads as 180 degrees."""
    clip = tmp_path / "mirrored.mp4"
    run_ffmpeg("-display_hflip", "-i", plain_clip, "-c", "copy", clip, program=CARRIED)
    assert numbers(frame.pixels[:, ::-1] for frame in read(clip)) == list(range(0, 120, 15))


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize(("aspect", "width"), [("4/3", 213), ("1/2", 80), ("1", 160), ("0", 160), ("1000", 640)])
def test_pixels_become_square(tmp_path: Path, aspect: str, width: int) -> None:
    """A nonsense aspect must not become a picture a kilometre wide."""
    clip = make_clip(tmp_path / "wide.mp4", frames=30, options=("-vf", f"setsar={aspect}"))
    found = read(clip)
    assert {frame.pixels.shape for frame in found} == {(120, width, 3)}
    assert numbers(frame.pixels for frame in found) == [0, 15]


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize("start_s", [None, 0.6])
@pytest.mark.parametrize("sizes", [((160, 120), (320, 180), (96, 64)), ((160, 120), (120, 160), (160, 120))])
def test_a_new_picture_size_loses_nothing(
    tmp_path: Path, sizes: tuple[tuple[int, int], ...], start_s: float | None
) -> None:
    """By default ffmpeg starts its filters anew, which lost half the frames, and scales to the first size."""
    parts = [
        make_clip(
            tmp_path / f"{index}.ts",
            frames=30,
            first=30 * index,
            size=size,
            options=("-output_ts_offset", str(index), "-muxdelay", "0"),
        )
        for index, size in enumerate(sizes)
    ]
    clip = tmp_path / "sizes.ts"
    clip.write_bytes(b"".join(part.read_bytes() for part in parts))
    found = read(clip, start_s=start_s)
    assert seen(found) == expected(STEADY[:90], 3.0, fps=2, start_s=start_s)
    for frame in found:
        width, height = sizes[int(frame.time_s)]
        assert frame.pixels.shape == (height, width, 3)


@pytest.mark.usefixtures("each_ffmpeg")
def test_a_new_picture_size_under_a_rotation_ends_the_reading(tmp_path: Path) -> None:
    """The rotation does not follow it: it shows other memory instead."""
    parts = [
        make_clip(tmp_path / "0.ts", frames=60, size=(160, 120)),
        make_clip(tmp_path / "1.ts", frames=600, size=(96, 64), options=("-output_ts_offset", "2")),
    ]
    clip, turned = tmp_path / "sizes.ts", tmp_path / "turned.mp4"
    clip.write_bytes(b"".join(part.read_bytes() for part in parts))
    run_ffmpeg("-display_rotation:v", "90", "-i", clip, "-c", "copy", turned, program=CARRIED)
    with open_frames(turned, fps=2) as frames:
        count = len(list(frames))
        assert frames.truncated
        assert "picture size" in frames.notices[0]
    assert count < 20


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize(("suffix", "encode"), CODECS)
def test_codecs(tmp_path: Path, suffix: str, encode: tuple[str, ...]) -> None:
    clip = make_clip(tmp_path / f"clip.{suffix}", frames=45, encode=encode)
    assert numbers(frame.pixels for frame in read(clip)) == [0, 15, 30]


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize("size", [(161, 121), (17, 33)])
def test_odd_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    clip = make_clip(tmp_path / "odd.mkv", frames=20, size=size, encode=("-c:v", "ffv1"))
    found = read(clip)
    assert {frame.pixels.shape for frame in found} == {(size[1], size[0], 3)}
    assert numbers(frame.pixels for frame in found) == [0, 15]


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "gif", "png"])
def test_one_frame(tmp_path: Path, suffix: str) -> None:
    """Its duration is unknown, or a thirtieth of a second: it is one picture all the same."""
    clip = make_clip(tmp_path / f"one.{suffix}", frames=1, encode=X264 if suffix in ("mp4", "mkv", "ts") else ())
    assert numbers(frame.pixels for frame in read(clip)) == [0]


@pytest.mark.usefixtures("each_ffmpeg")
def test_edit_lists(plain_clip: Path, tmp_path: Path) -> None:
    """Cut without encoding, a file holds pictures from before its start, which are not shown."""
    clip = tmp_path / "edited.mp4"
    run_ffmpeg("-ss", "0.7", "-i", plain_clip, "-c", "copy", clip)
    assert seen(read(clip)) == [(21 + 15 * index, index / 2) for index in range(7)]


@pytest.mark.usefixtures("each_ffmpeg")
def test_a_picture_of_the_album_is_no_video(tmp_path: Path) -> None:
    cover = make_clip(tmp_path / "cover.png", frames=1, encode=())
    song = tmp_path / "song.mp3"
    run_ffmpeg(
        "-f", "lavfi", "-i", "sine=d=1", "-i", cover, "-map", "0", "-map", "1", "-disposition:v", "attached_pic", song
    )
    with pytest.raises(InputError, match="has sound but no video"):
        open_frames(song, fps=2)


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_file_that_is_cut_off(plain_clip: Path, tmp_path: Path, suffix: str) -> None:
    """Such a file ends as if all were well, with exit code 0."""
    whole = tmp_path / f"whole.{suffix}"
    run_ffmpeg("-i", plain_clip, "-c", "copy", "-movflags", "+faststart", whole)
    clip = cut(whole, tmp_path / f"cut.{suffix}", 0.61)  # inside a picture: after one, ffmpeg 9 finds nothing wrong
    with open_frames(clip, fps=2) as frames:
        found = list(frames)
        assert numbers(frame.pixels for frame in found) == [15 * index for index in range(len(found))]
        assert 3 <= len(found) <= 6
        assert frames.truncated
        assert "is cut off: it could be read up to" in frames.notices[0]


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize("start_s", [None, 1.0])
def test_damage_in_the_middle(plain_clip: Path, tmp_path: Path, start_s: float | None) -> None:
    """What can be decoded is delivered, on time, and the user is told."""
    data = bytearray(plain_clip.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 1500] = np.random.default_rng(0).bytes(1500)
    clip = tmp_path / "damaged.mp4"
    clip.write_bytes(data)
    with open_frames(clip, fps=2, start_s=start_s) as frames:
        found = list(frames)
        assert found[-1].time_s == 3.5
        assert number_of(found[-1].pixels) == 105
        assert "ffmpeg met" in frames.notices[0]
        assert not frames.truncated


@pytest.mark.usefixtures("each_ffmpeg")
def test_what_is_no_video_is_said_in_one_sentence(plain_clip: Path, tmp_path: Path) -> None:
    sound = tmp_path / "sound.mp4"
    run_ffmpeg("-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac", sound)
    text = tmp_path / "text.mp4"
    text.write_text("Not a video at all.\n" * 200)
    notes = tmp_path / "notes.txt"  # ffmpeg would draw it, letter by letter
    notes.write_text("Not a video at all.\n" * 200)
    unfinished = cut(make_clip(tmp_path / "whole.mp4", frames=30), tmp_path / "unfinished.mp4", 0.6)
    headless = cut(plain_clip, tmp_path / "headless.mp4", 0.002)
    empty = tmp_path / "empty.mp4"
    empty.touch()
    for path, sentence in (
        (sound, "has sound but no video"),
        (text, "is not a video that ffmpeg knows"),
        (notes, "is not a video"),
        (unfinished, "has no index"),
        (headless, "no index|not a video"),
        (empty, "is empty"),
        (tmp_path, "is a folder"),
        (tmp_path / "none.mp4", "does not exist"),
    ):
        with pytest.raises(InputError, match=sentence) as caught:
            open_frames(path, fps=2)
        assert path.name in caught.value.message
        assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("each_ffmpeg")
def test_a_codec_that_this_ffmpeg_lacks(tmp_path: Path, each_ffmpeg: Ffmpeg) -> None:
    clip = tmp_path / "vvc.mp4"
    if each_ffmpeg == CARRIED:
        pytest.skip("the carried ffmpeg decodes everything that it encodes")
    make = (
        "-f",
        "lavfi",
        "-i",
        "testsrc=s=160x120:d=0.1",
        "-c:v",
        "libvvenc",
        "-preset",
        "faster",
        "-pix_fmt",
        "yuv420p10",
    )
    run_ffmpeg(*make, clip, program=CARRIED)
    with pytest.raises(InputError, match="cannot decode"):
        open_frames(clip, fps=2)


@pytest.mark.usefixtures("each_ffmpeg")
def test_pictures_too_large_to_hold_are_refused(tmp_path: Path) -> None:
    """A few kilobytes can unpack to gigabytes."""
    bomb = tmp_path / "bomb.png"
    run_ffmpeg("-f", "lavfi", "-i", "color=s=9000x9000", "-frames:v", "1", bomb)
    with pytest.raises(InputError, match="pictures of 9000x9000, larger than svlm reads"):
        open_frames(bomb, fps=2)


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize("decoder", Decoder)
def test_a_range_without_pictures(plain_clip: Path, decoder: Decoder) -> None:
    for start_s, end_s in ((100.0, None), (5.0, 6.0), (-2.0, -1.0)):
        with pytest.raises(InputError, match=r"has no pictures from .* It runs from 0.0 s to 4.0 s"):
            open_frames(plain_clip, fps=2, start_s=start_s, end_s=end_s, decoder=decoder)


def test_ranges_that_cannot_be(plain_clip: Path) -> None:
    for start_s, end_s in ((2.0, 2.0), (3.0, 1.0), (float("nan"), None), (None, float("inf"))):
        with pytest.raises(UsageError):
            open_frames(plain_clip, fps=2, start_s=start_s, end_s=end_s)


@pytest.mark.usefixtures("each_ffmpeg")
@pytest.mark.parametrize("decoder", Decoder)
@pytest.mark.parametrize(
    "name",
    [b"-i.mp4", b"a b.mp4", b"it's \"it\".mp4", b"two\nlines.mp4", b"100%d%%.mp4", b"http:x.mp4", b"a\xff\xfe.mp4",
     b"$(ls);&|*?[x].mp4", b"concat:a|b.mp4", "ü漢字.mp4".encode(), b"a,b:c=d@e.mp4"],
)  # fmt: skip
def test_names(
    plain_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: bytes, decoder: Decoder
) -> None:
    """No shell, no option and no protocol is ever read out of a name."""
    (tmp_path / os.fsdecode(name)).symlink_to(plain_clip)
    monkeypatch.chdir(tmp_path)
    with open_frames(os.fsdecode(name), fps=2, end_s=1, decoder=decoder) as frames:
        assert numbers(frame.pixels for frame in frames) == [0, 15]
