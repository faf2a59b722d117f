"""Videos that are not there: each is told, and that all are missing is an error."""

from dataclasses import replace
from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.evals.benchmarks.footage import Footage
from svlm_cli.evals.vqa.asked import AskedQuestion
from svlm_cli.evals.vqa.models_run import warn_missing
from svlm_cli.evals.vqa.run import FoundQuestions
from tests.evals.vqa.asked import CHOICE
from tests.reporters import KeepingReporter

GONE = replace(CHOICE, id="gone", video="gone.mp4")
LOST = replace(CHOICE, id="lost", video="lost.mp4")


def test_each_video_that_is_missing_is_told_once() -> None:
    """Guards a list of questions against one line each."""
    there = AskedQuestion(CHOICE, Footage(Path("a.mp4"), None, None, None))
    reporter = KeepingReporter()
    missing = warn_missing(FoundQuestions((there,), (GONE, replace(GONE, id="again"), LOST)), reporter)
    assert reporter.warned == [
        "There is no video gone.mp4. Fetch it, or correct the folder.",
        "There is no video lost.mp4. Fetch it, or correct the folder.",
    ]
    assert len(missing) == 2


def test_nothing_is_asked_where_all_are_missing() -> None:
    """Guards an empty score, and a lone video's own sentence."""
    reporter = KeepingReporter()
    with pytest.raises(InputError, match=r"There is no video gone\.mp4"):
        warn_missing(FoundQuestions((), (GONE,)), reporter)
    with pytest.raises(InputError, match=r"None of 2 videos is there"):
        warn_missing(FoundQuestions((), (GONE, LOST)), reporter)
    assert reporter.warned == []
