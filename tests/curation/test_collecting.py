"""The words of one video: by a transcript, by a recogniser, and when there is nothing to hear."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.core.errors import InputError, ModelError, UsageError
from svlm_cli.curation.about import About
from svlm_cli.curation.collecting import NO_SOUND, RecogniserChoice, WordCollector, WordsFrom
from svlm_cli.curation.recognisers import FasterWhisper, PocketSphinx
from svlm_cli.media.ffmpeg import find_ffmpeg
from tests.curation.spoken_videos import HAS_ESPEAK, make_video, speak, tones
from tests.curation.test_transcripts import SRT

STANDINS = Path(__file__).parent / "standins"


@pytest.fixture
def whisper(monkeypatch: pytest.MonkeyPatch) -> None:
    """faster-whisper is installed; its model hears tones, four seconds at a time."""
    monkeypatch.syspath_prepend(STANDINS)
    monkeypatch.setattr(FasterWhisper, "longest_s", 4.0)


def collector(words_from: WordsFrom, *, language: str = "", model: str = "tones", **more: Any) -> WordCollector:
    choice = RecogniserChoice(words_from, model, "cpu", language)
    return WordCollector(find_ffmpeg(), words_from, choice, language, **more)


@pytest.mark.usefixtures("whisper")
@pytest.mark.parametrize("name", ["a.mp4", "a.ts"])
def test_a_recogniser_hears_words_where_they_are(tmp_path: Path, name: str) -> None:
    """Guards times: of every piece of a long sound, of sound that begins late, and of containers with a clock."""
    video = make_video(tmp_path / name, 14, *tones([0.5, 3.6, 7.0, 10.5], 12), delay_s=1.0)
    heard: list[float] = []
    spoken = collector(WordsFrom.AUTO, on_progress=heard.append).collect(video, About("Reds", "football"))
    words = [word for segment in spoken.segments for word in segment.words]
    assert [word.text for word in words] == ["beep"] * 4
    assert [word.start_s for word in words] == pytest.approx([1.5, 4.6, 8.0, 11.5], abs=0.06)
    assert [word.end_s for word in words] == pytest.approx([2.0, 5.1, 8.5, 12.0], abs=0.06)
    assert (spoken.title, spoken.category, spoken.language) == ("Reds", "football", "xx")
    assert spoken.source == "faster-whisper tones"
    assert spoken.duration_s == pytest.approx(14, abs=0.3)
    assert heard == sorted(heard)
    assert len(heard) >= 4


@pytest.mark.usefixtures("whisper")
def test_a_transcript_comes_first(tmp_path: Path) -> None:
    """Guards work and words: what people wrote down is not heard again, unless that is asked for."""
    video = make_video(tmp_path / "a.mp4", 6, *tones([0.5], 6))
    (tmp_path / "a.srt").write_text(SRT, encoding="utf-8")
    assert collector(WordsFrom.AUTO, model="missing").collect(video, About()).source == "srt"
    assert collector(WordsFrom.FASTER_WHISPER).collect(video, About()).source == "faster-whisper tones"


def test_words_after_the_end_are_told(tmp_path: Path) -> None:
    """Guards against the subtitles of another cut that pass for this one's."""
    video, told = make_video(tmp_path / "a.mp4", 3.5), list[str]()
    (tmp_path / "a.srt").write_text(SRT, encoding="utf-8")
    spoken = collector(WordsFrom.SRT, tell=told.append).collect(video, About())
    assert [segment.text for segment in spoken.segments] == ["What a goal"]
    assert told == [f"1 words of {tmp_path / 'a.srt'} come after the video's end (3.6 s) and are left out."]


@pytest.mark.usefixtures("whisper")
def test_a_video_without_sound(tmp_path: Path) -> None:
    """Guards the one clear line, and against a model that is loaded for nothing."""
    video, told = make_video(tmp_path / "a.mp4", 1), list[str]()
    spoken = collector(WordsFrom.FASTER_WHISPER, model="missing", tell=told.append).collect(video, About())
    assert (spoken.segments, spoken.source) == ((), NO_SOUND)
    assert told == [f"{video} has no sound: nothing is said in it."]


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the way out: a transcript, or a package to install."""
    video = make_video(tmp_path / "a.mp4", 1, *tones([0.5], 1))
    with pytest.raises(InputError, match=r"a\.mp4 has no \.srt beside it"):
        collector(WordsFrom.SRT).collect(video, About())
    monkeypatch.setattr("svlm_cli.curation.collecting.has_faster_whisper", lambda: False)
    with pytest.raises(InputError, match=r"\(\.json, \.vtt, \.srt\), and faster-whisper is not installed.*\[speech\]"):
        collector(WordsFrom.AUTO).collect(video, About())
    monkeypatch.setattr("svlm_cli.curation.recognisers.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"faster-whisper is not installed"):
        collector(WordsFrom.FASTER_WHISPER).collect(video, About())
    with pytest.raises(UsageError, match=r"pocketsphinx is not installed.*\[pocketsphinx\]"):
        PocketSphinx("")


@pytest.mark.usefixtures("whisper")
def test_a_model_that_cannot_be_loaded() -> None:
    """Guards against a traceback of somebody else's package."""
    with pytest.raises(ModelError, match=r"The speech model huge cannot be loaded: Invalid model size 'huge'"):
        FasterWhisper("huge", "cpu")


def test_another_language_than_english() -> None:
    """Guards against English words that were heard in Czech."""
    with pytest.raises(UsageError, match="pocketsphinx understands only English, not cs"):
        PocketSphinx("cs")


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    """Guards the folder of songs: nothing to look at, nothing to learn."""
    path = tmp_path / "a.mp4"
    subprocess.run(["ffmpeg", "-loglevel", "error", *tones([0.5], 1), "-c:a", "aac", "-y", path], check=True)
    with pytest.raises(InputError, match="has no video"):
        collector(WordsFrom.AUTO).collect(path, About())


@pytest.mark.extra
@pytest.mark.skipif(not HAS_ESPEAK, reason="espeak-ng is not installed")
def test_pocketsphinx_hears_speech(tmp_path: Path) -> None:
    """Guards the whole way on real speech: what was said is heard, and the second time as much later as it was said."""
    voice = speak(tmp_path / "a.wav", "the man went to the house and the woman was in the garden")
    twice = ["-filter_complex", "[0:a]asplit[a][b];[b]adelay=25000:all=1[c];[a][c]amix=normalize=0"]
    subprocess.run(["ffmpeg", "-loglevel", "error", "-i", voice, *twice, tmp_path / "twice.wav"], check=True)
    video = make_video(tmp_path / "a.mp4", 33, "-i", str(tmp_path / "twice.wav"), delay_s=2.0)
    spoken = collector(WordsFrom.POCKETSPHINX).collect(video, About())
    words = [word for segment in spoken.segments for word in segment.words]
    for text in ("woman", "garden"):
        first, second = (word.start_s for word in words if word.text == text)
        assert 3.0 < first < 7.0
        assert second - first == pytest.approx(25.0, abs=0.1)
    assert (spoken.language, spoken.source) == ("en", "pocketsphinx")
