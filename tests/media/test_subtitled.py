"""Videos with words: a track that can be switched off, or words in the pictures; sound as it was."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from svlm_cli.core.errors import InputError, OutputError, UsageError
from svlm_cli.core.types import Picture
from svlm_cli.media.container import Container
from svlm_cli.media.ffmpeg import file_address
from svlm_cli.media.part import PartVideo
from svlm_cli.media.subtitled import burn_in, check_burning, mux
from svlm_cli.outputs.ass import AssOutput
from svlm_cli.outputs.destination import open_destination
from svlm_cli.outputs.style import DEFAULT_STYLE
from svlm_cli.outputs.subtitles import SrtOutput
from tests.clips import CARRIED, CLIP_MAKER, make_clip, packet_times, run_ffmpeg
from tests.outputs.speech import rounds
from tests.subtitle_checker import read_srt

TONE = ("-f", "lavfi", "-i", "sine=440:duration=6")
SOUND = ("-c:a", "aac", "-shortest")
WIDTH, HEIGHT = 320, 240


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of black with a tone."""
    path = tmp_path_factory.mktemp("subtitled") / "clip.mp4"
    picture = ("-f", "lavfi", "-i", f"color=black:s={WIDTH}x{HEIGHT}:r=10:d=6")
    run_ffmpeg(*picture, *TONE, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", *SOUND, path)
    return path


def words(folder: Path, suffix: str, start_s: float = 0.0) -> Path:
    """Silence for two seconds, then words for two."""
    path = folder / f"words.{suffix}"
    kind = AssOutput if suffix == "ass" else SrtOutput
    output = kind(open_destination(path, overwrite=True), DEFAULT_STYLE)
    for segment in rounds(["", "", "What a goal", "by the Falcons!", "", ""], start_s=start_s):
        output.write(segment)
    output.close()
    return path


def hashes(path: Path, stream: str) -> list[str]:
    """Of the packets, undecoded."""
    lines = run_ffmpeg("-i", path, "-map", f"0:{stream}", "-c", "copy", "-f", "framehash", "-").decode().splitlines()
    return [line.split(",")[5].strip() for line in lines if not line.startswith("#")]


def streams(path: Path) -> list[str]:
    said = run_ffmpeg_header(path)
    return re.findall(r"Stream #0:\d+\S*: (?:Video|Audio|Subtitle): \w+", said)


def run_ffmpeg_header(path: Path) -> str:
    done = subprocess.run([CLIP_MAKER.path, "-hide_banner", "-i", str(path)], capture_output=True, check=False)
    return done.stderr.decode()


def shown(path: Path, time_s: float) -> Picture:
    raw = run_ffmpeg("-ss", f"{time_s}", "-i", path, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", "-")
    return np.frombuffer(raw, np.uint8)


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_a_track_that_can_be_switched_off(clip: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out.{suffix}"
    done: list[float] = []
    video = PartVideo(path, overwrite=False)
    said = mux(file_address(clip), words(tmp_path, "srt"), video, Container.of(path), "deu", done.append)
    assert said == ""
    assert re.search(r"Stream #0:2\S*\(deu\)\S*: Subtitle: (subrip|mov_text)", run_ffmpeg_header(path))
    assert hashes(path, "a") == hashes(clip, "a"), "sound is untouched"
    assert len(hashes(path, "v")) == 60
    (cue,) = read_srt(run_ffmpeg("-i", path, "-map", "0:s:0", "-f", "srt", "-").decode().rstrip("\n") + "\n\n")
    assert cue.text == "What a goal by the Falcons!"
    assert cue.start_s == pytest.approx(2.0, abs=0.03)  # Matroska begins with the encoder's delay
    assert {one.name for one in tmp_path.iterdir()} == {"words.srt", path.name}
    assert done == sorted(done)


def odd_clock(kind: str, clip: Path, folder: Path) -> tuple[Path, float, float]:
    """The clip with another clock; when its first moment comes to players, and in a copy."""
    path = folder / f"odd.{'mp4' if kind == 'gap' else 'ts'}"
    copy = ("-i", clip, "-c", "copy", "-muxdelay", "0")
    match kind:
        case "late":
            run_ffmpeg(*copy, "-output_ts_offset", "50000", path)
            return path, 0.0, 0.0
        case "gap":  # which players show
            run_ffmpeg(*copy, "-output_ts_offset", "2", path)
            return path, 2.0, 2.0
        case "leap":
            run_ffmpeg(*copy, "-t", "1", folder / "first.ts")
            run_ffmpeg(*copy, "-output_ts_offset", "46", folder / "second.ts")
            path.write_bytes(b"".join((folder / f"{name}.ts").read_bytes() for name in ("first", "second")))
            return path, 46.0, 46.0
    raise AssertionError(kind)


@pytest.mark.parametrize("kind", ["late", "gap", "leap"])
def test_words_stay_in_time_whatever_the_clock(clip: Path, tmp_path: Path, kind: str) -> None:
    """Guards recordings of broadcasts, which begin anywhere, and leap where the reception was bad."""
    source, to_players_s, in_copy_s = odd_clock(kind, clip, tmp_path)
    path, burned = tmp_path / "out.mkv", tmp_path / "out.mp4"
    mux(
        *(file_address(source), words(tmp_path, "srt", to_players_s), PartVideo(path, overwrite=False)),
        *(Container.MKV, "eng", lambda done_s: None),
    )
    cues = run_ffmpeg("-i", path, "-map", "0:s", "-copyts", "-f", "srt", "-", program=CARRIED).decode()
    (cue,) = read_srt(cues.rstrip("\n") + "\n\n")
    assert cue.start_s == pytest.approx(in_copy_s + 2.0, abs=0.1)
    assert packet_times(path)[-1] == pytest.approx(in_copy_s + 5.9, abs=0.2)
    burn_in(
        *(file_address(source), words(tmp_path, "ass", to_players_s), PartVideo(burned, overwrite=False)),
        *(Container.MP4, 48, lambda done_s: None),
    )
    begin_s = in_copy_s - packet_times(burned)[0] if kind == "gap" else in_copy_s  # ffmpeg seeks from the first picture
    assert shown(burned, begin_s + 1.5).max() < 60
    assert shown(burned, begin_s + 3.0).max() > 180
    if kind == "gap":
        assert packet_times(burned)[0] == pytest.approx(2.0, abs=0.05)


def test_its_own_subtitles_are_kept_behind_ours(clip: Path, tmp_path: Path) -> None:
    own, path = tmp_path / "own.mp4", tmp_path / "out.mkv"
    run_ffmpeg("-i", clip, "-i", words(tmp_path, "srt"), "-c", "copy", "-c:s", "mov_text", own)
    mux(
        *(file_address(own), words(tmp_path, "srt"), PartVideo(path, overwrite=False)),
        *(Container.MKV, "eng", lambda done_s: None),
    )
    said = run_ffmpeg_header(path)
    assert len(re.findall(r"Subtitle: subrip", said)) == 2
    assert said.count("(default)") - said.count("Audio") - said.count("Video") <= 1


def test_words_in_the_picture(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    burn_in(
        *(file_address(clip), words(tmp_path, "ass"), PartVideo(path, overwrite=False)),
        *(Container.MP4, 48, lambda done_s: None),
    )
    assert streams(path) == streams(clip), "no track of words"
    assert hashes(path, "a") == hashes(clip, "a"), "sound is untouched"
    silent, spoken = (shown(path, time_s).reshape(HEIGHT, WIDTH) for time_s in (1.0, 3.0))
    assert silent.max() < 60
    assert spoken[: HEIGHT // 2].max() < 60
    assert spoken[HEIGHT // 2 :].max() > 180
    columns = np.flatnonzero(spoken.max(axis=0) > 180)
    assert 10 < columns.min() < columns.max() < WIDTH - 10


def test_odd_sizes_and_portraits(tmp_path: Path) -> None:
    """Guards H.264 against sizes it cannot store, and a narrow picture against words that are cut off."""
    source, path = tmp_path / "odd.avi", tmp_path / "out.mkv"
    run_ffmpeg("-f", "lavfi", "-i", "color=black:s=135x241:r=10:d=6", "-c:v", "mjpeg", "-q:v", "2", source)
    burn_in(
        *(file_address(source), words(tmp_path, "ass"), PartVideo(path, overwrite=False)),
        *(Container.MKV, 48, lambda done_s: None),
    )
    spoken = shown(path, 3.0).reshape(240, 134)
    rows = np.flatnonzero(spoken.max(axis=1) > 120)
    assert 120 < rows.min() < rows.max() < 240


def test_what_a_container_cannot_hold(tmp_path: Path) -> None:
    source, path = tmp_path / "a.mkv", tmp_path / "out.mp4"
    pcm = ("-c:a", "pcm_f64le", "-shortest")
    make_clip(source, frames=10, inputs=TONE, options=pcm)
    with pytest.raises(OutputError, match=r"out\.mp4 cannot be written.*OUT\.mkv"):
        mux(
            *(file_address(source), words(tmp_path, "srt"), PartVideo(path, overwrite=False)),
            *(Container.MP4, "eng", lambda done_s: None),
        )
    assert {one.name for one in tmp_path.iterdir()} == {"a.mkv", "words.srt"}


def test_interrupted_it_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    def stop(done_s: float) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "out.mp4"
    with pytest.raises(KeyboardInterrupt):
        burn_in(file_address(clip), words(tmp_path, "ass"), PartVideo(path, overwrite=False), Container.MP4, 48, stop)
    assert {one.name for one in tmp_path.iterdir()} == {"words.ass"}


def test_a_name_that_appears_meanwhile_is_left_alone(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.mkv"
    video = PartVideo(path, overwrite=False)
    path.write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        mux(file_address(clip), words(tmp_path, "srt"), video, Container.MKV, "eng", lambda done_s: None)
    assert path.read_text() == "mine"
    assert not list(tmp_path.glob("*.part"))


def test_without_a_font_nothing_is_drawn_in_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against a video in which the words are missing, and nobody was told."""
    check_burning()
    config = tmp_path / "fonts.conf"
    config.write_text('<?xml version="1.0"?><fontconfig><dir>/nonexistent</dir></fontconfig>')
    monkeypatch.setenv("FONTCONFIG_FILE", str(config))
    with pytest.raises(InputError, match="no font"):
        check_burning()


def test_other_containers_are_refused() -> None:
    assert Container.of(Path("a.MKV")) is Container.MKV
    with pytest.raises(UsageError, match=r"neither \.mkv nor \.mp4"):
        Container.of(Path("a.avi"))
