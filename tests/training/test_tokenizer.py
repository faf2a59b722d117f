"""The tokenizer of a model from scratch: every text, the marker as one token, unseen names spelled like seen ones."""

import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import PromptPolicy
from svlm_cli.engine.tokenizer import Tokenizer
from svlm_cli.simulator.match.teams import KITS, Split, pairs
from svlm_cli.training import folder as run_folder
from svlm_cli.training.matches import sample_texts
from svlm_cli.training.tokenizer import build_tokenizer, control_tokens
from tests.training.recipes import small_recipe


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new run's folder."""
    recipe = small_recipe()
    recipe = replace(recipe, model=replace(recipe.model, vocabulary=768))
    folder = tmp_path_factory.mktemp("runs") / "run"
    run_folder.begin(folder, recipe, lambda: sample_texts(recipe))
    return folder


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="�")))
def test_every_text_can_be_spelled(made: Path, text: str) -> None:
    """Guards bytes that no entry stands for; compared after NFC, as Qwen's tokenizer does."""
    tokenizer = Tokenizer(made)
    assert tokenizer.decode(tokenizer.encode(text)) == unicodedata.normalize("NFC", text)


def test_what_is_said_all_the_time_is_short(made: Path) -> None:
    """Guards the length of windows: each of these stands in every second, or in most."""
    tokenizer = Tokenizer(made)
    for text in (" ...", "user", "assistant", "Time", " Goal", " pass", *(f" {kit}" for kit in KITS)):
        assert len(tokenizer.encode(text)) == 1, text


def test_control_tokens_are_single_and_cannot_be_spelled(made: Path) -> None:
    """Guards the markup against text that looks like it."""
    tokenizer = Tokenizer(made)
    for token in control_tokens(PromptPolicy()):
        assert tokenizer.special(token) not in tokenizer.encode(token)
    assert tokenizer.end_ids == {tokenizer.special("<|im_end|>"), tokenizer.special("<|endoftext|>")}


def test_names_that_were_never_read_are_spelled_like_others(made: Path) -> None:
    """Guards the evaluation: a name in one piece in training and in five afterwards could not be copied."""
    tokenizer = Tokenizer(made)
    for split in Split:
        assert {len(tokenizer.encode(f" {first}{second}")) for first, second in pairs(split)} == {2}


def test_transformers_reads_the_same(made: Path) -> None:
    """Guards tokenizer_config.json."""
    theirs = AutoTokenizer.from_pretrained(made)
    text = " Goal for Falvon, two nil. ..."
    assert theirs(text, add_special_tokens=False)["input_ids"] == Tokenizer(made).encode(text)
    assert theirs.eos_token == "<|im_end|>"


def test_a_vocabulary_without_the_marker_is_refused(tmp_path: Path) -> None:
    """Guards the engine's rule, which drops the marker's ids: it must be one, as in published vocabularies."""
    with pytest.raises(UsageError, match=r"the marker ' \.\.\.' is not one of them"):
        build_tokenizer([], PromptPolicy(), vocabulary=257, folder=tmp_path)
