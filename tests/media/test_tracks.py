"""What a copy keeps of a video besides pictures and sound, and what is said in advance of what it cannot keep."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from svlm_cli.core.errors import OutputError
from svlm_cli.media.container import Container
from svlm_cli.media.ffmpeg import file_address
from svlm_cli.media.part import PartVideo
from svlm_cli.media.subtitled import check_burn_in, check_mux, mux
from tests.clips import CARRIED, CLIP_MAKER, X264, make_clip, run_ffmpeg

TONE = ("-f", "lavfi", "-i", "sine=440:duration=1")
LIE = "Stream #0:0: Subtitle: hdmv_pgs_subtitle"
WORDS = "1\n00:00:00,000 --> 00:00:00,500\nGoal\n\n"


def drawn(path: Path) -> Path:
    """Subtitles that are pictures, as on a Blu-ray: one of 8 x 2, shown after half a second."""
    shown = b"\x00\xa0\x00\x78\x10\x00\x00\x80\x00\x00\x01\x00\x00\x00\x00\x00\x0a\x00\x0a"  # on 160 x 120
    window, palette = b"\x01\x00\x00\x0a\x00\x0a\x00\x08\x00\x02", b"\x00\x00\x01\xeb\x80\x80\xff"
    rows = (b"\x01" * 8 + b"\x00\x00") * 2
    picture = b"\x00\x00\x00\xc0" + (len(rows) + 4).to_bytes(3) + b"\x00\x08\x00\x02" + rows
    parts = ((0x16, shown), (0x17, window), (0x14, palette), (0x15, picture), (0x80, b""))
    time = (45_000).to_bytes(4) + bytes(4)
    path.write_bytes(b"".join(b"PG" + time + bytes([kind]) + len(data).to_bytes(2) + data for kind, data in parts))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Words, and two videos that hold all that their container can, called so that ffmpeg's lines read like lies."""
    folder = tmp_path_factory.mktemp("tracks")
    words, font, cover, chapters = (folder / name for name in ("words.srt", "a.ttf", "cover.png", "chapters"))
    words.write_text(WORDS)
    font.write_bytes(b"font")
    run_ffmpeg("-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1", cover)
    chapters.write_text(f";FFMETADATA1\ntitle={LIE}\n[CHAPTER]\nTIMEBASE=1/10\nSTART=0\nEND=5\ntitle={LIE}\n")
    clip = make_clip(folder / "clip.mp4", frames=20, inputs=TONE, options=("-c:a", "aac", "-shortest"))
    inputs = ("-i", clip, "-i", words, "-i", words, "-i", chapters, "-i", cover, "-map_metadata", "3")
    maps = ("-map_chapters", "3", "-map", "0", "-map", "1", "-map", "2", "-c:v", "copy", "-c:a", "copy")
    said = ("-metadata:s:a", f"title={LIE}", "-metadata:s:a", "language=fra", "-metadata:s:s:0", "language=deu")
    flags = ("-disposition:a", "comment", "-disposition:s:0", "default+forced", "-disposition:s:1", "hearing_impaired")
    attached = ("-attach", font, "-metadata:s:t:0", "mimetype=application/x-truetype-font", "-attach", cover)
    called = ("-metadata:s:t:1", "mimetype=image/png", "-metadata:s:t:1", "filename=cover.png")
    run_ffmpeg(*inputs, *maps, *said, *flags, "-c:s:1", "ass", *attached, *called, folder / "full.mkv")
    image = ("-map", "4", "-disposition:v:1", "attached_pic", "-c:s", "mov_text")
    run_ffmpeg(*inputs, *maps, *image, *said, *flags, f"file:{folder / LIE}.mp4")
    return folder


@pytest.fixture
def carried(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other ffmpeg is found."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "ffmpeg").symlink_to(CARRIED.path)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


def copy(folder: Path, source: Path, path: Path) -> tuple[str, str]:
    """What is said of a copy, and what ffmpeg prints about it."""
    video, container = PartVideo(path, overwrite=False), Container.of(path)
    said = mux(file_address(source), folder / "words.srt", video, container, "eng", lambda done_s: None)
    done = subprocess.run([CLIP_MAKER.path, "-hide_banner", "-i", str(path)], capture_output=True, check=False)
    return said, done.stderr.decode()


def lines(header: str, kind: str) -> list[str]:
    return re.findall(rf"^  Stream #0:\d+.*: {kind}: .*", header, re.MULTILINE)


@pytest.mark.parametrize("suffix", Container)
@pytest.mark.parametrize("name", ["full.mkv", f"{LIE}.mp4"])
def test_all_that_a_container_holds_is_kept(folder: Path, tmp_path: Path, name: str, suffix: Container) -> None:
    """Guards fonts, cover, chapters, titles, languages and flags in every direction; words come first."""
    path = tmp_path / f"out.{suffix}"
    said, header = copy(folder, folder / name, path)
    words, first, second = lines(header, "Subtitle")
    assert re.search(r"\(eng\): .* \(default\)$", words)
    assert re.search(r"\(deu\): [^()]*(\(tx3g[^)]*\), 0 kb/s)? \(forced\)$", first)
    assert "(hearing impaired)" in second
    (sound,) = lines(header, "Audio")
    assert re.search(r"\(fra\): .*\(comment\)", sound)
    (picture, cover) = lines(header, "Video")
    assert "h264" in picture
    assert re.search(r"png.*\(attached pic\)$", cover)
    assert f"\n    title           : {LIE}\n" in header
    chapter = "\n    Chapter #0:0: start 0.000000, end 0.500000\n      Metadata:\n"
    assert f"{chapter}        title           : {LIE}\n" in header
    fonts = lines(header, "Attachment")
    if name == "full.mkv" and suffix is Container.MKV:
        assert f"{sound}\n    Metadata:\n      title           : {LIE}\n" in header
        assert "ass" in second, "with its style"
        assert len(fonts) == 1
        assert "filename        : a.ttf" in header
        assert said == ""
    elif name == "full.mkv":
        assert f"{sound}\n    Metadata:\n      handler_name    : {LIE}\n" in header
        assert said == f"{path} lacks 1 attachment (ttf), which MP4 cannot hold."
    else:
        assert said == ""


@pytest.mark.usefixtures("carried")
def test_drawn_subtitles(folder: Path, tmp_path: Path) -> None:
    source, path = tmp_path / "drawn.mkv", tmp_path / "out.mp4"
    maps = ("-map", "0", "-map", "1", "-map", "1", "-c", "copy")
    run_ffmpeg("-i", folder / "clip.mp4", "-i", drawn(tmp_path / "a.sup"), *maps, source)
    assert check_mux(file_address(source), PartVideo(tmp_path / "out.mkv", overwrite=False), Container.MKV) == ""
    said, header = copy(folder, source, path)
    assert said == f"{path} lacks 2 tracks of drawn subtitles (hdmv_pgs_subtitle), which MP4 cannot hold."
    assert len(lines(header, "Subtitle")) == 1


@pytest.mark.usefixtures("carried")
def test_pictures_and_sound_that_do_not_fit_are_refused_in_advance(tmp_path: Path) -> None:
    """Guards the hours of captioning that would end in a copy that cannot be made."""
    webm = make_clip(tmp_path / "a.webm", frames=4, encode=("-c:v", "libvpx", "-deadline", "realtime"))
    wma = make_clip(tmp_path / "a.mkv", frames=4, inputs=TONE, options=("-c:a", "wmav2", "-shortest"))
    video = PartVideo(tmp_path / "out.mp4", overwrite=False)
    with pytest.raises(
        OutputError, match=r"out\.mp4 .*MP4 cannot hold the pictures of \S*a\.webm \(vp8\)\. .*OUT\.mkv"
    ):
        check_mux(file_address(webm), video, Container.MP4)
    with pytest.raises(OutputError, match=r"MP4 cannot hold the sound of \S*a\.mkv \(wmav2\)\. .*--burn-in OUT\.mkv"):
        check_burn_in(file_address(wma), video, Container.MP4)
    assert check_mux(file_address(webm), PartVideo(tmp_path / "out.mkv", overwrite=False), Container.MKV) == ""
    assert {path.name for path in tmp_path.iterdir()} == {"a.webm", "a.mkv"}


@pytest.mark.usefixtures("carried")
def test_an_avi_does_not_say_when_its_pictures_are_shown(folder: Path, tmp_path: Path) -> None:
    """Guards against copies that fail, or are shown in the wrong order, where pictures refer to later ones."""
    source = make_clip(tmp_path / "a.avi", frames=20, encode=(*X264, "-bf", "2"))
    said, header = copy(folder, source, tmp_path / "out.mkv")
    assert said == ""
    assert re.search(r"Duration: 00:00:00\.[67]", header)
