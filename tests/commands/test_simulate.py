"""``svlm simulate``: four files that tell the same match."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import srt

from svlm_cli.evals.benchmarks import many_matches
from svlm_cli.evals.benchmarks.endless_folder import EndlessSetting
from svlm_cli.evals.benchmarks.endless_questions import QuestionsSetting
from svlm_cli.evals.benchmarks.footage import find_footage
from svlm_cli.evals.benchmarks.ovo_bench import read_ovo_bench
from svlm_cli.evals.footage.files import SIZE as FOOTAGE_SIZE
from svlm_cli.outputs import progress
from svlm_cli.outputs.format import Format
from svlm_cli.simulator.footage import render as footage_render
from svlm_cli.simulator.footage.footage import EndlessFootage
from svlm_cli.simulator.footage.pictures import PictureBank
from svlm_cli.simulator.footage.speech import texts as footage_texts
from svlm_cli.simulator.match.commentary import words
from svlm_cli.simulator.match.match import Match, Split
from svlm_cli.simulator.match.render import render
from svlm_cli.sources.files import open_frames
from tests.conftest import Svlm
from tests.media.stand_in import FULL, stand_in
from tests.subtitle_checker import check_srt

FILES = {"m.mp4", "m.events.jsonl", "m.truth.srt", "m.context.txt"}


def test_the_files_tell_the_match(svlm: Svlm, tmp_path: Path) -> None:
    """Guards the whole way: what is on disk is the match of that seed, to the word, and nearly to the pixel."""
    done = svlm("simulate", "--seed", "7", "--minutes", "0.75", "-o", "m.mp4", "--fps", "2")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert {path.name for path in tmp_path.iterdir()} == FILES
    match = Match(7, Split.EVAL)
    assert done.stderr == f"{match.context} 0.75 min in m.mp4, the rest beside it.\n"
    assert (tmp_path / "m.context.txt").read_text() == f"{match.context}\n"
    rows = [json.loads(line) for line in (tmp_path / "m.events.jsonl").read_text().splitlines()]
    events = match.events(0, 45)
    assert [(row["time_s"], row["kind"], row["team"], tuple(row["score"])) for row in rows] == [
        (event.time_s, event.kind, event.team, event.score) for event in events
    ]
    assert rows[0]["name"] == match.teams[rows[0]["team"]].name
    text = (tmp_path / "m.truth.srt").read_text()
    assert check_srt(text) == []
    heard = " ".join(cue.content for cue in srt.parse(text)).split()
    assert heard == [word.text for word in words(match, 0, 45)]
    with open_frames(tmp_path / "m.mp4", fps=2) as stream:
        frames = np.stack([frame.pixels for frame in stream])
    truth = render(match.scenes(np.arange(90) / 2))
    assert frames.shape == truth.shape
    assert np.abs(frames.astype(int) - truth).mean() < 4


def test_the_files_tell_the_footage(svlm: Svlm, tmp_path: Path) -> None:
    """The same of the other world, which has no context."""
    done = svlm("simulate", "--footage", "--seed", "4", "--minutes", "0.4", "--fps", "1")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr == "Footage: 0.4 min in footage.mp4, the rest beside it.\n"
    assert {path.name for path in tmp_path.iterdir()} == {
        f"footage.{end}" for end in ("mp4", "events.jsonl", "truth.srt")
    }
    footage = EndlessFootage(4)
    rows = [json.loads(line) for line in (tmp_path / "footage.events.jsonl").read_text().splitlines()]
    begun = [one for one in footage.log(0, 24).events if one.start_s < 24]
    assert [(row["kind"], row["start_s"], row.get("thing")) for row in rows] == [
        (one.kind, one.start_s, one.thing) for one in begun
    ]
    text = (tmp_path / "footage.truth.srt").read_text()
    assert check_srt(text) == []
    heard = " ".join(cue.content for cue in srt.parse(text)).split()
    assert heard == " ".join(footage_texts(footage, 24)).split() != []
    with open_frames(tmp_path / "footage.mp4", fps=1) as stream:
        frames = np.stack([frame.pixels for frame in stream])
    truth = footage_render.render(footage.scenes(np.arange(24)), PictureBank.make(), FOOTAGE_SIZE)
    assert frames.shape == truth.shape
    assert np.abs(frames.astype(int) - truth).mean() < 6


def test_captions_of_the_video_leave_the_truth_alone(svlm_inside: Svlm, tmp_path: Path, tiny_checkpoint: Path) -> None:
    """Guards the first two commands of a newcomer: in every format, words lie beside the truth."""
    assert svlm_inside("simulate", "--minutes", "0.05", "--fps", "2", "-o", "m.mp4").returncode == 0
    truth = {path: path.read_bytes() for path in tmp_path.iterdir()}
    formats = ",".join(Format)
    done = svlm_inside("caption", "m.mp4", "--model", tiny_checkpoint, "-f", formats)
    assert done.returncode == 0, done.stderr
    done = svlm_inside("caption", "m.mp4", "--model", tiny_checkpoint, "-f", formats, "--overwrite")
    assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in truth} == truth
    assert len(list(tmp_path.iterdir())) == len(truth) + len(Format)


def test_nothing_is_overwritten_unasked(svlm_inside: Svlm, tmp_path: Path) -> None:
    """Guards every one of the four files, and that a refusal leaves no part of the others."""
    for name in sorted(FILES):
        path = tmp_path / name
        path.write_text("kept")
        done = svlm_inside("simulate", "--minutes", "0.1", "-o", "m.mp4")
        assert (done.returncode, path.read_text()) == (2, "kept")
        assert f"{name} exists already" in done.stderr
        assert [path.name for path in tmp_path.iterdir()] == [name]
        path.unlink()
    assert svlm_inside("simulate", "--minutes", "0.1", "-o", "m.mp4").returncode == 0
    done = svlm_inside("simulate", "--minutes", "0.1", "-o", "m.mp4", "--split", "train", "--overwrite", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "m.context.txt").read_text() == f"{Match(0, Split.TRAIN).context}\n"


def test_without_the_video_nothing_gets_its_name(
    svlm_inside: Svlm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against words and events of a match that nobody can watch, which would also refuse the next try."""
    monkeypatch.setenv("PATH", str(stand_in(tmp_path / "bin", before=FULL).parent), prepend=os.pathsep)
    for name in FILES:
        (tmp_path / name).write_text("kept")
    done = svlm_inside("simulate", "--minutes", "0.1", "-o", "m.mp4", "--overwrite", "-q")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "svlm: There is no room left on the disk for m.mp4. Make room, or write it elsewhere.\n"
    assert {(tmp_path / name).read_text() for name in FILES} == {"kept"}


@pytest.mark.parametrize("name", ["m.mkv", ".mp4", "-"])
def test_another_suffix_is_refused(svlm_inside: Svlm, name: str) -> None:
    """Guards the hint as well: `.mp4` does end in .mp4, so it must not ask for that."""
    done = svlm_inside("simulate", "-o", name)
    assert done.returncode == 2
    assert "Give one like match.mp4." in done.stderr


def test_progress_goes_to_stderr_unless_quiet(
    svlm_inside: Svlm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against minutes of silence, and scripts that asked for it."""
    monkeypatch.setattr(progress, "_MOVE_S", 0.0)
    told = svlm_inside("simulate", "--minutes", "0.5", "--fps", "1", "-o", "m.mp4")
    assert (told.returncode, told.stdout) == (0, "")
    assert told.stderr.splitlines()[:2] == ["m.mp4: 0:00:15", "m.mp4: 0:00:30"]
    quiet = svlm_inside("simulate", "--minutes", "0.5", "--fps", "1", "-o", "q.mp4", "-q")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


def test_a_benchmark_of_matches(svlm_inside: Svlm, tmp_path: Path) -> None:
    """Guards the defaults of a benchmark, what people are told, and that a second call has nothing to draw."""
    asked = ("simulate", "--benchmark", "endless", "--minutes", "0.5", "--matches", "2", "--seed", "3")
    done = svlm_inside(*asked)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    lines = ["svlm: 1 of 2 matches", "svlm: 2 of 2 matches"]
    told = "2 matches of 0.5 min in endless, to be commented on from 0 s on."
    assert done.stderr.splitlines() == [*lines, told]
    setting = json.loads((tmp_path / "endless" / "benchmark.json").read_text())
    assert setting == {"seed": 3, "matches": 2, "seconds": 30, "fps": 2, "start_s": 0, "split": "eval"}
    again = svlm_inside(*asked)
    assert again.stderr.splitlines() == [*lines, f"{told} 2 of them were there already."]
    quiet = svlm_inside(*asked, "--quiet")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


def test_questions_about_matches(svlm_inside: Svlm, tmp_path: Path) -> None:
    """Guards a folder of questions, the size that nobody asks for otherwise, and a call that makes both kinds."""
    both = ("simulate", "--minutes", "0.25", "--matches", "1", "--seed", "3", "--questions", "asked")
    done = svlm_inside(*both, "--benchmark", "told", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    setting = json.loads((tmp_path / "asked" / "questions.json").read_text())
    assert setting == {"seed": 3, "matches": 1, "seconds": 15, "fps": 2, "split": "eval"}
    assert (tmp_path / "told" / "videos" / "Endless" / "3.mp4").exists()
    again = svlm_inside(*both)
    told = "1 match of 0.25 min in asked, with questions about them. 1 of them were there already."
    assert again.stderr.splitlines() == ["svlm: 1 of 1 matches", told]
    (one, *_) = read_ovo_bench(tmp_path / "asked")
    assert find_footage(tmp_path / "asked", one) is not None
    assert one.known == Match(3, Split.EVAL).context


def test_the_size_of_a_benchmark(svlm_inside: Svlm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the size of the public benchmark: what nobody asks for otherwise is that."""
    asked: list[EndlessSetting | QuestionsSetting] = []

    def make(folder: Path, setting: EndlessSetting | QuestionsSetting, **_: Any) -> int:
        asked.append(setting)
        return 0

    monkeypatch.setattr(many_matches, "make_benchmark", make)
    monkeypatch.setattr(many_matches, "make_questions", make)
    assert svlm_inside("simulate", "--benchmark", "endless").returncode == 0
    assert svlm_inside("simulate", "--benchmark", "endless", "--minutes", "15", "--fps", "4").returncode == 0
    assert svlm_inside("simulate", "--benchmark", "endless", "--start", "60", "--split", "train").returncode == 0
    assert svlm_inside("simulate", "--questions", "asked").returncode == 0
    assert asked == [
        EndlessSetting(0, 20, 7200, 2, 1000, Split.EVAL),
        EndlessSetting(0, 20, 900, 4, 0, Split.EVAL),
        EndlessSetting(0, 20, 7200, 2, 60, Split.TRAIN),
        QuestionsSetting(0, 20, 7200, 2, Split.EVAL),
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--benchmark d -o m.mp4", "-o names one video, and --benchmark a folder of many. Leave one of them out."),
        ("--questions q -o m.mp4", "-o names one video, and --questions a folder of many. Leave one of them out."),
        ("--benchmark d --questions ./d", "--benchmark and --questions name the same folder. Name two."),
        ("--matches 3", "--matches would do nothing: it is for --benchmark and --questions. Leave it out."),
        ("--start 3 -o m.mp4", "--start would do nothing: it is for --benchmark. Leave it out."),
        ("--start 3 --questions q", "--start would do nothing: it is for --benchmark. Leave it out."),
        ("--photos d", "--photos would do nothing: it is for --footage. Leave it out."),
        ("--footage --split train", "--split would do nothing: --footage has no teams. Leave it out."),
        ("--footage --questions q", "--footage would do nothing: benchmarks are of matches. Leave it out."),
        ("--footage --photos d", "d cannot be read: No such file or directory. Name another folder."),
        ("--benchmark d --minutes 1 --start 60", "Nothing of a match of 60 s is left from 60 s on."),
    ],
)
def test_one_match_or_many(svlm_inside: Svlm, tmp_path: Path, arguments: str, said: str) -> None:
    done = svlm_inside("simulate", *arguments.split())
    assert (done.returncode, done.stdout) == (3 if "cannot be read" in said else 2, "")
    assert said in done.stderr
    assert [*tmp_path.iterdir()] == []
