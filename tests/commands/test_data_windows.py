"""``svlm data windows``: the report, what is refused before anything is read, and what stands on disk."""

import itertools
import json
from pathlib import Path

import pytest

from svlm_cli.commands.app import main
from tests.curation.speech import spoken, write_words


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    videos = [spoken(tmp_path / f"{seed}.mp4", 100.0, seed=seed, pauses_s=(0.2, 0.2, 5.0)) for seed in range(6)]
    return write_words(tmp_path / "words.jsonl", [*videos, spoken(tmp_path / "de.mp4", 100.0, language="de")])


def test_the_report_goes_to_stderr_and_as_json_to_stdout(words: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards scripts, which read stdout, and people, who see what was left out and why."""
    assert main(["data", "windows", "words.jsonl", "-o", "train.jsonl", "--language", "en", "--json"]) == 0
    out, err = capsys.readouterr()
    row = json.loads(out)
    lines = Path("train.jsonl").read_text().splitlines()
    assert (row["videos"], row["kept"], row["windows"]) == (7, len(lines), 56)
    assert row["left_out"]["language"] == 7
    assert "another language" in err
    assert main(["data", "windows", "words.jsonl", "-o", "b.jsonl", "-q"]) == 0
    assert capsys.readouterr() == ("", "")


def test_each_option_leaves_out_more(words: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards options that are read and forgotten."""

    def kept(*options: str) -> int:
        call = ["data", "windows", "words.jsonl", "-o", "train.jsonl", "--overwrite", "-q", "--json", *options]
        assert main(call) == 0
        found: int = json.loads(capsys.readouterr().out)["kept"]
        return found

    usual = kept()
    assert kept("--words-per-second", "2.3") < usual
    assert kept("--silence", "4.9") < usual
    assert kept("--seconds", "48") < usual
    assert kept("--overlap", "0") < usual
    assert kept("--language", "en") < usual
    assert kept("--held-out", "0.4") == usual
    assert Path("held-out.jsonl").stat().st_size > 0


def test_annealing_makes_clips(words: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards the second set: lengths and silence as in the paper, and borders of segments."""
    assert main(["data", "windows", "words.jsonl", "-o", "an.jsonl", "--annealing", "--query", "Say it."]) == 0
    starts = {one["start_s"] for line in words.read_text().splitlines() for one in json.loads(line)["segments"]}
    rows = [json.loads(line) for line in Path("an.jsonl").read_text().splitlines()]
    assert len(rows) > 2
    for user, assistant in rows:
        video, said = user["content"][0], assistant["content"][0]["text_stream"]
        assert 16 <= video["video_end"] - video["video_start"] <= 64
        assert video["video_start"] in starts
        assert user["content"][1]["text"] == "Say it."
        assert all(b[0] - a[1] <= 3 for a, b in itertools.pairwise(said))
    assert "too short" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--annealing", "--seconds", "30"], "--seconds would do nothing"),
        (["--overlap", "24"], "cannot share 24 s"),
        (["--held-out-to", "h.jsonl"], "--held-out-to would do nothing"),
        (["--held-out", "0.1", "--held-out-to", "train.jsonl"], "Two files would be train.jsonl"),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    """Guards against half a set, or one file that is written by two."""
    assert main(["data", "windows", "words.jsonl", "-o", "train.jsonl", *options]) == 2
    assert sentence in capsys.readouterr().err
    assert {path.name for path in Path().iterdir()} == {"words.jsonl"}


def test_files_that_are_there_stay(words: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards sets that somebody has made: neither file is touched without --overwrite."""
    Path("held-out.jsonl").write_text("mine")
    assert main(["data", "windows", "words.jsonl", "-o", "train.jsonl", "--held-out", "0.2"]) == 2
    assert "held-out.jsonl exists already" in capsys.readouterr().err
    assert {path.name for path in Path().iterdir()} == {"words.jsonl", "held-out.jsonl"}


def test_a_bad_line_of_words_is_named(words: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards against a set from half of the words; nothing gets its name."""
    words.write_text(words.read_text() + "{}\n")
    assert main(["data", "windows", "words.jsonl", "-o", "train.jsonl"]) == 3
    assert "words.jsonl:8: " in capsys.readouterr().err
    assert not Path("train.jsonl").exists()


def test_the_plot_is_drawn(words: Path) -> None:
    """Guards the picture: a PNG, the same for the same windows."""
    for name in ("a", "b"):
        assert main(["data", "windows", "words.jsonl", "-o", f"{name}.jsonl", "-q", "--plot", f"{name}.png"]) == 0
    picture = Path("a.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert picture == Path("b.png").read_bytes()
