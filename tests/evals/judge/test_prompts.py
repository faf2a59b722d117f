"""What a judge is asked: ours are whole, others are checked, and texts cannot be taken for placeholders."""

from pathlib import Path

import pytest

from svlm_cli.chat.prompts import read_prompts
from svlm_cli.core.errors import UsageError
from svlm_cli.evals.judge.prompts import JudgePrompts
from svlm_cli.evals.prompt_files import prompts_file

TEXTS = {"reference": "the {first} word", "first": "{second} $1 \\1 {nothing}", "second": "last"}


@pytest.mark.parametrize("benchmark", ["commentary", "livesports"])
def test_ours_can_be_asked(benchmark: str) -> None:
    prompts, text = read_prompts(JudgePrompts, prompts_file(benchmark))
    system, user = prompts.messages({"reference": "1st", "first": "2nd", "second": "3rd"})
    assert (system["role"], user["role"]) == ("system", "user")
    asked = user["content"]
    assert asked.index("1st") < asked.index("2nd") < asked.index("3rd"), "A is the text that is read first"
    assert "{" not in asked
    assert "{reference}" in text


def test_what_counts_stands_in_the_published_order() -> None:
    """Guards the benchmark: tone before consistency, meaning before style."""
    asked = read_prompts(JudgePrompts, prompts_file("commentary"))[0].question
    assert asked.index("1. Tone and pacing") < asked.index("2. Consistency")
    asked = read_prompts(JudgePrompts, prompts_file("livesports"))[0].question
    assert asked.index("1. Meaning") < asked.index("2. Style")


def test_a_text_holds_no_placeholders() -> None:
    """Guards against a commentary that says {second} and so shows the judge the other one twice."""
    prompts = JudgePrompts("{reference}|{first}|{second}", "Be fair.")
    assert prompts.messages(TEXTS)[1]["content"] == "the {first} word|{second} $1 \\1 {nothing}|last"
    assert [one["role"] for one in JudgePrompts("{reference}{first}{second}").messages(TEXTS)] == ["user"]


def test_other_words_are_another_fingerprint() -> None:
    one = JudgePrompts("{reference} {first} {second}", "x")
    assert one.fingerprint == JudgePrompts("{reference} {first} {second}", "x").fingerprint
    assert one.fingerprint != JudgePrompts("{reference} {first} {second}", "y").fingerprint
    assert one.fingerprint != JudgePrompts("{reference} {first} {second}.", "x").fingerprint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("question = '{reference} {first}'", "question has no {second}"),
        ("question = '{reference} {first} {second} {title}'", "{title} is not a known placeholder"),
        ("question = '{reference} {first} {second}'\nsystem = '{first}'", "system has a placeholder"),
        ("question = '{reference} {first} {second}'\nmodel = 'x'", "unknown key 'model'"),
        ("question = 3", "question must be a text, not 3"),
        ("system = 'x'", "has no question"),
        ("question = ", "is not valid TOML"),
    ],
)
def test_a_file_that_cannot_be_asked_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        read_prompts(JudgePrompts, tmp_path / "own.toml")
    assert said in str(caught.value)
    assert "own.toml" in str(caught.value)
