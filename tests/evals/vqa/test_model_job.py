"""Which questions a model is asked, without a command line."""

from dataclasses import replace

import pytest

from svlm_cli.core.errors import UsageError
from svlm_cli.evals.vqa.model_job import choose_questions
from tests.evals.vqa.asked import CHOICE


def test_questions_are_chosen_by_task_and_number() -> None:
    """Guards `--only` with `--limit`: the first questions of those tasks, in the order of the benchmark."""
    questions = [replace(CHOICE, id=str(number), task="EPM" if number % 2 else "OCR") for number in range(6)]
    assert choose_questions(questions, (), None) == questions
    assert [one.id for one in choose_questions(questions, (), 2)] == ["0", "1"]
    assert [one.id for one in choose_questions(questions, ("EPM",), 2)] == ["1", "3"]
    assert choose_questions(questions, ("EPM", "OCR"), None) == questions
    with pytest.raises(UsageError, match=r"There are no questions of a task OCT\. Did you mean OCR\?"):
        choose_questions(questions, ("OCT",), None)
