"""One run of an editor over a words file, without a command line."""

from pathlib import Path

import pytest

from svlm_cli.chat.asking import Patience
from svlm_cli.chat.replies import ReplyCache
from svlm_cli.core.errors import InputError, OutputError
from svlm_cli.curation.cleaning_run import CleaningRun, count_passages
from svlm_cli.curation.editor import editor_asker
from svlm_cli.curation.growing_words import GrowingWords
from tests.curation.speech import write_words
from tests.curation.test_cleaning import FORM, Direct, video


def test_passages_are_counted_before_any_costs(tmp_path: Path) -> None:
    """Guards a progress that ends elsewhere than at its end, and a video that would be paid for twice."""
    first, second = video(str(tmp_path / "a.mp4"), *("goal",) * 7), video(str(tmp_path / "b.mp4"), "goal")
    assert count_passages(write_words(tmp_path / "words.jsonl", [first, second])) == (2, 4)
    with pytest.raises(InputError, match="has two lines about"):
        count_passages(write_words(tmp_path / "twice.jsonl", [first, first]))
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(InputError, match="There is no video in"):
        count_passages(tmp_path / "empty.jsonl")


def test_a_run_goes_on_where_another_was(tmp_path: Path) -> None:
    """Guards the second call, which asks nothing about what is there, and counts it as done."""
    videos = [video(str(tmp_path / f"{name}.mp4"), "goal one", "our sponsor") for name in "ab"]
    words, output = write_words(tmp_path / "words.jsonl", videos), tmp_path / "clean.jsonl"
    for expected_there, expected_done in ((0, 2), (2, 0)):
        server, progress, told = Direct(), list[int](), list[str]()
        asker = editor_asker(server, FORM, ReplyCache(tmp_path / "cache"), patience=Patience(2, 0.001, 0.001))
        with GrowingWords(output) as growing:
            run = CleaningRun(words, output, growing, FORM)
            run.clean(asker, jobs=2, progress=progress.append, unanswered=lambda one: pytest.fail(one.unanswered))
            run.compare(told.append)
        assert (run.there, run.spent.videos, len(progress)) == (expected_there, expected_done, expected_done)
        assert sum("our sponsor" in text for text in told) == 2
    mixed = write_words(tmp_path / "mixed.jsonl", videos)
    with GrowingWords(mixed) as growing, pytest.raises(OutputError, match="holds words that are not"):
        CleaningRun(words, mixed, growing, FORM)
