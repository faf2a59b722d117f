"""``svlm data words``: what it writes, what it goes on with, and what it says of videos that fail."""

import json
from pathlib import Path

import pytest

from svlm_cli.commands.app import main
from svlm_cli.curation.about import About
from svlm_cli.curation.collecting import WordCollector
from svlm_cli.curation.words_file import SpokenVideo, read_words
from tests.curation.spoken_videos import make_video, tones
from tests.curation.test_transcripts import SRT, VTT

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two videos with a transcript, one without sound and words, one that is none."""
    folder = tmp_path_factory.mktemp("season")
    make_video(folder / "a.mp4", 6, *tones([0.5], 6))
    make_video(folder / "b.mp4", 6)
    make_video(folder / "mute.mp4", 1)
    (folder / "broken.mp4").write_bytes(b"no video")
    (folder / "a.srt").write_text(SRT, encoding="utf-8")
    (folder / "b.vtt").write_text(VTT, encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def _whisper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "curation" / "standins")


def words(output: Path, *arguments: object, code: int = 0) -> None:
    assert main(["data", "words", *map(str, arguments), "-o", str(output)]) == code


def test_a_folder_of_videos(season: Path, tmp_path: Path, capsys: Captured) -> None:
    """Guards what a user counts on: each video a line, the broken one named, the silent one told, the sum as JSON."""
    about = tmp_path / "about.csv"
    about.write_text("video,title,category\na.mp4,Reds against Blues,football\n", encoding="utf-8")
    output = tmp_path / "words.jsonl"
    words(output, season, "--about", about, "--speech-model", "tones", "--json", code=1)
    told = capsys.readouterr()
    assert json.loads(told.out) == {
        "output": str(output),
        "videos": 4,
        "there": 0,
        "done": 3,
        "silent": 1,
        "failed": 1,
        "words": 7,
        "video_s": pytest.approx(13, abs=0.3),
    }
    found = {one.video.name: one for one in read_words(output)}
    assert {name: (one.source, one.words) for name, one in found.items()} == {
        "a.mp4": ("srt", 4),
        "b.mp4": ("vtt", 3),
        "mute.mp4": ("no sound", 0),
    }
    assert (found["a.mp4"].title, found["a.mp4"].category) == ("Reds against Blues", "football")
    assert found["a.mp4"].video.resolve() == season / "a.mp4"
    lines = told.err.splitlines()
    assert [line for line in lines if "broken" in line] == [
        f"svlm: {season}/broken.mp4 is not a video that ffmpeg knows. See what it is: `ffmpeg -i` says more."
    ]
    assert f"svlm: {season}/mute.mp4 has no sound: nothing is said in it." in lines
    assert f"svlm: 3 of 4 videos are not in {about}: they have no title and no category." in lines
    assert lines[-1].startswith("svlm: 3 videos (1 without a word) added to ")
    assert lines[-1].endswith(": 7 words in 0:00:13; 1 failed.")


def test_it_goes_on(season: Path, tmp_path: Path, capsys: Captured) -> None:
    """Guards hours of listening: what is there is kept, also by another name, and no line comes twice."""
    output = tmp_path / "words.jsonl"
    words(output, season / "a.mp4")
    whole = output.read_text(encoding="utf-8")
    words(output, season / "b.mp4", "-q")
    both = output.read_text(encoding="utf-8")
    assert both.startswith(whole)
    output.write_text(both[:-30], encoding="utf-8")
    (tmp_path / "link").symlink_to(season)
    capsys.readouterr()
    words(output, tmp_path / "link" / "a.mp4", tmp_path / "link" / "b.mp4", "--json")
    told = capsys.readouterr()
    assert "is incomplete and is left out" in told.err
    assert "1 of 2 videos are in" in told.err
    assert (json.loads(told.out)["there"], json.loads(told.out)["done"]) == (1, 1)
    assert output.read_text(encoding="utf-8") == both


def test_quiet(season: Path, tmp_path: Path, capsys: Captured) -> None:
    """Guards cron: nothing on stderr but errors."""
    words(tmp_path / "words.jsonl", season / "a.mp4", season / "mute.mp4", "-q")
    assert capsys.readouterr() == ("", "")


def test_a_lone_video_that_fails(season: Path, tmp_path: Path, capsys: Captured) -> None:
    """Guards the exit code: of one video its error is the command's, and it is told once."""
    words(tmp_path / "words.jsonl", season / "broken.mp4", "-q", code=3)
    assert capsys.readouterr().err.count("broken.mp4") == 1
    words(tmp_path / "words.jsonl", season / "a.mp4", "--from", "json", code=3)
    assert "has no .json beside it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["-"], 2, "is not a file"),
        (["rtsp://user:secret@10.0.0.1/a"], 2, "is not a file"),
        ([], 2, "No video was named"),
        (["{season}/a.mp4", "--from", "faster-whisper", "--speech-model", "huge"], 4, "speech model huge cannot be"),
        (["{season}/a.mp4", "--from", "pocketsphinx", "--language", "de"], 2, "understands only English"),
        (["{season}/a.mp4", "--about", "missing.csv"], 3, "missing.csv cannot be read"),
    ],
)
def test_what_is_refused(
    season: Path, tmp_path: Path, capsys: Captured, arguments: list[str], code: int, problem: str
) -> None:
    """Guards against calls that write a file before they notice."""
    output = tmp_path / "words.jsonl"
    words(output, *(one.format(season=season) for one in arguments), code=code)
    told = capsys.readouterr().err
    assert problem in told
    assert "secret" not in told
    assert not output.exists()


def test_without_an_output(season: Path, capsys: Captured) -> None:
    """Guards the sentence."""
    assert main(["data", "words", str(season)]) == 2
    assert "-o is missing" in capsys.readouterr().err


def test_stopped(season: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards Ctrl-C in the middle of hours: what is done is on disk, and how to go on is said."""
    real = WordCollector.collect

    def collect(self: WordCollector, video: Path, about: About) -> SpokenVideo:
        if video.name == "b.mp4":
            raise KeyboardInterrupt
        return real(self, video, about)

    monkeypatch.setattr(WordCollector, "collect", collect)
    output = tmp_path / "words.jsonl"
    words(output, season / "a.mp4", season / "b.mp4", code=130)
    assert "Stopped. Run the same command again to continue." in capsys.readouterr().err
    assert [one.video.name for one in read_words(output)] == ["a.mp4"]
