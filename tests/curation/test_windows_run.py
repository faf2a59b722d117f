"""Words files to annotation files: what training reads of them is what was said, each window once, no video in both."""

import json
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.curation.windows import LeftOut, WindowRules, words_of
from svlm_cli.curation.windows_report import WindowsReport
from svlm_cli.curation.windows_run import WindowsOutput, cut_windows, is_held_out
from svlm_cli.curation.words_file import SpokenVideo
from svlm_cli.training.records import Record, Skipped, SpokenWord, read_records
from tests.curation.speech import spoken, write_words

QUERY = "Comment."


def _cut(words: Path, output: Path, rules: WindowRules | None = None, **changes: Any) -> WindowsReport:
    given: dict[str, Any] = {
        "train": output,
        "held_out": None,
        "held_out_share": 0.0,
        "query": QUERY,
        "previous_words": 1024,
        "index": False,
        "overwrite": False,
    }
    where = WindowsOutput(**(given | changes))
    return cut_windows([words], rules or WindowRules(), where, similar=0.8, tell=lambda _: None)


def _read(path: Path) -> list[Record]:
    """As training reads it, and nothing may be skipped."""
    return read_records([path], None, Skipped(0, lambda _: None))


def test_training_reads_what_was_said(tmp_path: Path) -> None:
    """Guards the whole way: times, words, the text in front, and names of videos from a folder that is elsewhere."""
    (tmp_path / "season").mkdir()
    (tmp_path / "sets").mkdir()
    (tmp_path / "season" / "a.mp4").touch()
    video = spoken(tmp_path / "season" / "a.mp4", 60.0)
    report = _cut(write_words(tmp_path / "words.jsonl", [video]), tmp_path / "sets" / "train.jsonl")
    records = _read(tmp_path / "sets" / "train.jsonl")
    assert (len(records), report.kept, report.windows) == (4, 4, 4)
    for index, record in enumerate(records):
        start_s = 12.0 * index
        said = words_of(video)
        inside = [word for word in said if start_s < word.end_s <= start_s + 24]
        earlier = [word.text for word in said if word.end_s <= start_s]
        assert record.video.resolve() == video.video
        assert (record.start_s, record.end_s, record.query) == (start_s, start_s + 24, QUERY)
        assert record.words == tuple(SpokenWord(word.start_s, word.end_s, word.text) for word in inside)
        assert record.previous == " ".join([video.title, *earlier])
    row = json.loads((tmp_path / "sets" / "train.jsonl").read_text().splitlines()[0])
    assert row[0]["content"][0]["video"] == "../season/a.mp4"
    assert row[0]["content"][1].keys() == {"type", "text", "previous", "title", "category"}


def test_what_was_said_elsewhere_is_left_out_and_counted(tmp_path: Path) -> None:
    """Guards duplicates over files that are read back while they grow, with words of more than a byte a letter."""
    seeds = {"a": 1, "b": 2, "c": 1}
    videos = [spoken(tmp_path / f"{name}.mp4", 60.0, seed=seed, title="Zürich") for name, seed in seeds.items()]
    report = _cut(write_words(tmp_path / "words.jsonl", videos), tmp_path / "train.jsonl")
    assert (report.kept, report.left_out) == (8, {LeftOut.SAME: 4})
    names = [json.loads(line)[0]["content"][0]["video"] for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert names == ["a.mp4"] * 4 + ["b.mp4"] * 4


def test_no_video_is_in_both_files(tmp_path: Path) -> None:
    """Guards validation: a video falls by its name, and the same words in both files are duplicates too."""
    names = [f"v{number}.mp4" for number in range(40)]
    for name in names:
        (tmp_path / name).touch()
    videos = [spoken(tmp_path / name, 36.0, seed=seed % 39) for seed, name in enumerate(names)]
    words = write_words(tmp_path / "words.jsonl", videos)
    report = _cut(words, tmp_path / "train.jsonl", held_out=tmp_path / "held.jsonl", held_out_share=0.3, index=True)
    train, held = ({one.video for one in _read(tmp_path / f"{name}.jsonl")} for name in ("train", "held"))
    assert (train & held, len(train | held)) == (set(), 39)
    assert held == {video.video for video in videos[:39] if is_held_out(video.video, 0.3)}
    assert 4 <= len(held) <= 20
    assert (report.held_out, report.kept) == (2 * len(held), 78)
    for name in ("train", "held"):
        data = (tmp_path / f"{name}.jsonl").read_bytes()
        offsets = json.loads((tmp_path / f"{name}_seeks.jsonl").read_text())
        assert [data[at:].startswith(b'[{"role"') for at in offsets] == [True] * data.count(b"\n")


def test_a_share_is_held_out_by_name_alone() -> None:
    """Guards sets that are made at different times from different folders: a video stays on its side."""
    names = [f"match-{number}.mp4" for number in range(5000)]
    held = [name for name in names if is_held_out(Path("x") / name, 0.02)]
    assert 60 <= len(held) <= 140
    assert held == [name for name in names if is_held_out(Path("/y/z") / name, 0.02)]
    assert set(held) <= {name for name in names if is_held_out(Path(name), 0.1)}


def test_nothing_left_is_an_error_that_says_why(tmp_path: Path) -> None:
    """Guards against an empty set that only training finds out."""
    words = write_words(tmp_path / "words.jsonl", [spoken(tmp_path / "a.mp4", 30.0, language="de")])
    with pytest.raises(InputError, match="None of the 2 windows is left: 1 another language, 1 too short"):
        _cut(words, tmp_path / "train.jsonl", WindowRules(language="en"))
    assert not (tmp_path / "train.jsonl").exists()


@pytest.mark.parametrize(
    ("said", "why"), [([], "no video in the words files"), ([Path("a.mp4")], "Nothing is said in the videos")]
)
def test_without_videos_or_words_there_is_no_window(tmp_path: Path, said: list[Path], why: str) -> None:
    """Guards against advice about options where there is nothing that they could leave out."""
    words = write_words(tmp_path / "words.jsonl", [SpokenVideo(tmp_path / name, 30.0, ()) for name in said])
    with pytest.raises(InputError, match=why):
        _cut(words, tmp_path / "train.jsonl", WindowRules(clips_s=(16.0, 64.0)))


def test_the_report_says_what_windows_are_like(tmp_path: Path) -> None:
    """Guards the figures: means are those of the windows that are kept, quantiles are their steps."""
    words = write_words(tmp_path / "words.jsonl", [spoken(tmp_path / "a.mp4", 3000.0)])
    report = _cut(words, tmp_path / "train.jsonl")
    records = json.loads(json.dumps(report.to_json()))
    rates = sorted(len(json.loads(line)[1]["content"][0]["text_stream"]) / 24 for line in _lines(tmp_path))
    assert records["words_per_second"]["mean"] == round(sum(rates) / len(rates), 3)
    assert 0 <= rates[len(rates) // 2] - records["words_per_second"]["p50"] <= 0.1 + 1e-9
    assert records["window_s"] == {"mean": 24.0, "p5": 24.0, "p50": 24.0, "p95": 24.0}
    assert (report.words, report.seconds) == (round(sum(rates) * 24), 24.0 * len(rates))
    (_, fates), (_, like) = report.tables()
    assert fates[0] == ("kept", str(report.kept), f"{report.kept / report.windows:.1%}")
    assert [row[0] for row in like] == ["words a second", "longest silence, s", "length, s"]


def _lines(folder: Path) -> list[str]:
    return (folder / "train.jsonl").read_text().splitlines()
