"""How questions are put: ours are whole, others are checked, and texts cannot be taken for placeholders."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from svlm_cli.core.errors import UsageError
from svlm_cli.core.types import Cue
from svlm_cli.questions.prompts import OWN_PROMPTS, VqaPrompts, read_vqa_prompts
from svlm_cli.questions.question import AnswerKind
from tests.evals.vqa.asked import CHOICE, COUNT, PROACTIVE, STEP

OWN = VqaPrompts(
    choice="{question}|{options}",
    count="count {question}",
    step='step {question} {"now": 1}',
    clue="clue {question}",
    moment="moment {question} {output}",
    output="output {question}",
    earlier="{question}={answer}",
    spoken="said: {lines}",
)


def test_ours_put_every_kind() -> None:
    prompts, text = read_vqa_prompts(OWN_PROMPTS)
    assert "A. cup\nB. plate\nC. pan" in prompts.ask(CHOICE)
    for question in (CHOICE, COUNT, STEP, replace(STEP, kind=AnswerKind.CLUE), PROACTIVE):
        asked = prompts.ask(question, (Cue(0, 1, "Hello."),))
        assert asked.startswith("This is said in the video:\nHello.\n\n")
        assert question.text in asked
        assert "{" not in asked
    assert "{" not in prompts.ask_moment(PROACTIVE)
    assert "{options}" in text


def test_a_moment_is_not_told_what_is_to_be_said() -> None:
    """Guards our words against telling the answer with the question; a file of one's own may."""
    prompts, _ = read_vqa_prompts(OWN_PROMPTS)
    question = replace(PROACTIVE, answer="the secret word")
    assert "secret" not in prompts.ask_moment(question) + prompts.ask(question)
    assert OWN.ask_moment(question) == "moment Say it at 3. the secret word"


def test_each_kind_has_its_words() -> None:
    kinds = [COUNT, STEP, replace(STEP, kind=AnswerKind.CLUE), PROACTIVE]
    assert [OWN.ask(one).split()[0] for one in kinds] == ["count", "step", "clue", "output"]
    assert OWN.ask(STEP) == 'step Stir {"now": 1}', "other braces stay"


def test_what_was_before_stands_before() -> None:
    question = replace(CHOICE, earlier=(("Who?", "Ann"), ("Where?", "{options}")), text="And {options} \\1?")
    asked = OWN.ask(question, (Cue(0, 1, "Hello."), Cue(1, 2, "{question}")))
    assert asked == (
        "said: Hello.\n{question}\n\nWho?=Ann\n\nWhere?={options}\n\nAnd {options} \\1?|A. cup\nB. plate\nC. pan"
    )


def test_other_words_are_another_fingerprint() -> None:
    assert OWN.fingerprint == replace(OWN).fingerprint
    assert OWN.fingerprint != replace(OWN, clue="Clue {question}").fingerprint


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"choice": "'{question}'"}, "choice has no {options}"),
        ({"step": "'now?'"}, "step has no {question}"),
        ({"step": "'{question} {options}'"}, "{options} in step is not a known placeholder"),
        ({"moment": "'{question} {answer}'"}, "{answer} in moment is not a known placeholder"),
        ({"count": "3"}, "count must be a text, not 3"),
        ({"model": "'x'"}, "unknown key 'model'"),
        ({"clue": ""}, "has no clue"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, change: dict[str, str], said: str) -> None:
    values = {**{name: f"'{text}'" for name, text in asdict(OWN).items()}, **change}
    path = tmp_path / "own.toml"
    path.write_text("".join(f"{name} = {value}\n" for name, value in values.items() if value))
    with pytest.raises(UsageError) as caught:
        read_vqa_prompts(path)
    assert said in str(caught.value)
    assert "own.toml" in str(caught.value)
