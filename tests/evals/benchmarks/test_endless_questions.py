"""Questions about simulated matches on disk. What such folders share is tested with those of Inf-Streams-Eval."""

from dataclasses import replace
from pathlib import Path

import pytest

from svlm_cli.core.errors import OutputExistsError
from svlm_cli.evals.benchmarks.endless_questions import QuestionsFolder, QuestionsSetting, made_by, make_questions
from svlm_cli.evals.benchmarks.footage import missing_videos
from svlm_cli.evals.benchmarks.ovo_bench import read_ovo_bench
from svlm_cli.simulator.match.match import Match, Split
from svlm_cli.sources.files import open_frames
from tests.evals.benchmarks.test_endless_folder import contents, one_process

SETTING = QuestionsSetting(seed=7, matches=2, seconds=20, fps=2, split=Split.EVAL)


def test_the_files_of_two_matches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the whole: one file for all matches, in order, whatever process made them; and that none is made twice."""
    assert make_questions(tmp_path / "many", SETTING, overwrite=False) == 0
    before = contents(tmp_path / "many")
    assert set(before) == {
        "questions.json",
        "ovo_bench_new.json",
        *(f"src_videos/Endless/{seed}.mp4" for seed in (7, 8)),
        *(f"truth/{seed}.events.jsonl" for seed in (7, 8)),
    }
    asked = read_ovo_bench(tmp_path / "many")
    assert list(dict.fromkeys(one.video for one in asked)) == ["Endless/7.mp4", "Endless/8.mp4"]
    assert missing_videos(tmp_path / "many", asked) == ()
    contexts = {f"Endless/{seed}.mp4": Match(seed, Split.EVAL).context for seed in SETTING.seeds}
    assert {one.video: one.known for one in asked} == contexts
    assert max(one.end_s for one in asked if one.end_s is not None) < SETTING.seconds
    with open_frames(QuestionsFolder(tmp_path / "many").video(7), fps=2) as stream:
        assert sum(1 for _ in stream) == SETTING.seconds * SETTING.fps
    one_process(monkeypatch)
    assert make_questions(tmp_path / "many", SETTING, overwrite=False) == 2
    assert contents(tmp_path / "many") == before
    assert made_by(tmp_path / "many") == SETTING
    with pytest.raises(OutputExistsError, match="made with other --minutes"):
        make_questions(tmp_path / "many", replace(SETTING, seconds=30), overwrite=False)
    QuestionsFolder(tmp_path / "many").video(8).write_bytes(b"damaged")
    assert make_questions(tmp_path / "many", SETTING, overwrite=True) == 0
    assert contents(tmp_path / "many") == before


@pytest.mark.parametrize(
    "text", [None, "{", "[]", '{"seed": 1}', '{"seed":1,"matches":1,"seconds":1,"fps":2,"split":"x"}']
)
def test_folders_of_others_hold_no_matches(tmp_path: Path, text: str | None) -> None:
    """Guards the benchmark itself, whose folder may have a file of that name."""
    if text is not None:
        (tmp_path / "questions.json").write_text(text)
    assert made_by(tmp_path) is None
