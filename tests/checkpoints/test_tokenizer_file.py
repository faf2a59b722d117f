"""Which tokenizers are let in: the kinds that are in use, and nothing that could grow a text or never end."""

import json
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.checkpoints import catalog
from svlm_cli.checkpoints.tokenizer_file import read
from svlm_cli.core.errors import ModelError

QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
GPT_2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


def split(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def grows(kind: str, content: str = "a" * 100) -> dict[str, Any]:
    return {"type": kind, "pattern": {"String": "a"}, "content": content}


def document(**changes: Any) -> dict[str, Any]:
    """As Qwen's, with three tokens."""
    known = {
        "version": "1.0",
        "added_tokens": [{"id": 2, "content": "<|im_end|>"}],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split(QWEN), BYTES]},
        "post_processor": BYTES,
        "decoder": BYTES,
        "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": [], "unk_token": None},
    }
    return known | changes


def model(**changes: Any) -> dict[str, Any]:
    return document(model=document()["model"] | changes)


def written(folder: Path, value: Any) -> Path:
    (folder / "tokenizer.json").write_text(json.dumps(value))
    return folder


@pytest.mark.parametrize(
    "known",
    [
        document(),
        document(normalizer=None, post_processor=None, decoder=None, added_tokens=None),
        document(pre_tokenizer=BYTES),
        document(pre_tokenizer=split(GPT_2)),
        document(pre_tokenizer=split(QWEN.replace(r"\p{N}|", r"\p{N}{1,3}|", 1))),
        document(post_processor={"type": "Sequence", "processors": [BYTES, {"type": "TemplateProcessing"}]}),
        model(dropout=0.0, unk_token="a"),
    ],
)
def test_the_kinds_in_use_are_let_in(tmp_path: Path, known: dict[str, Any]) -> None:
    """Guards published tokenizers: those of Qwen, Llama 3 and GPT-2 are made of these parts."""
    assert json.loads(read(written(tmp_path, known))) == known


def test_our_own_is_let_in() -> None:
    """Guards the model that comes with svlm."""
    assert read(catalog.find(catalog.DEFAULT_MODEL).folder)


STRANGE = {
    "a text that grows": (
        document(normalizer={"type": "Sequence", "normalizers": [grows("Replace")] * 5}),
        "normalizer",
    ),
    "one rule": (document(normalizer=grows("Replace")), "its normalizer is 'Replace', and svlm knows NFC"),
    "words that grow": (document(decoder={"type": "Sequence", "decoders": [grows("Replace")] * 5}), "decoder"),
    "a split for ever": (document(pre_tokenizer=split(r"(\w+\s?)+$x")), "splits words in another way"),
    "a split among others": (
        document(pre_tokenizer={"type": "Sequence", "pretokenizers": [BYTES, split(r"(.|\s)*z")]}),
        "splits words in another way",
    ),
    "a literal split": (document(pre_tokenizer={**split(""), "pattern": {"String": ""}}), "splits words"),
    "a sequence in a sequence": (
        document(pre_tokenizer={"type": "Sequence", "pretokenizers": [{"type": "Sequence", "pretokenizers": []}]}),
        "its pre_tokenizer is 'Sequence'",
    ),
    "an endless sequence": (
        document(pre_tokenizer={"type": "Sequence", "pretokenizers": [BYTES] * 9}),
        "pretokenizers",
    ),
    "a sequence of nothing": (document(pre_tokenizer={"type": "Sequence"}), "pretokenizers are None"),
    "a kind that is a list": (document(decoder={"type": ["ByteLevel"]}), "its decoder is"),
    "another model": (document(model={"type": "Unigram", "vocab": []}), "its model is 'Unigram', and svlm knows BPE"),
    "no model": (document(model=None), "its model is None"),
    "a list of words": (model(vocab=["a"]), "has no vocabulary"),
    "a number of added tokens": (document(added_tokens=5), "has no vocabulary"),
    "an added text": (document(added_tokens=["a"]), "adds a token that is not an object"),
    "ten thousand added tokens": (document(added_tokens=[{"id": 2, "content": "a"}] * 10_001), "adds 10001 tokens"),
    "a token of pages": (model(vocab={"a" * 1001: 0}), "at most 1000 characters"),
    "an added token of pages": (document(added_tokens=[{"id": 2, "content": "a" * 1001}]), "at most 1000 characters"),
    "a prefix of pages": (model(continuing_subword_prefix="a" * 1001), "at most 1000 characters"),
    "a negative id": (model(vocab={"a": -1}), "without a usable id"),
    "an id beyond all": (model(vocab={"a": 4_000_000_000}), "without a usable id"),
    "an id that is true": (model(vocab={"a": True}), "without a usable id"),
    "an added token without id": (document(added_tokens=[{"content": "a"}]), "without a usable id"),
    "an unknown that is no token": (model(unk_token="c"), "its unk_token is not in the vocabulary"),
    "an unknown that is a list": (model(unk_token=["a"]), "its unk_token is not in the vocabulary"),
    "chance": (model(dropout=0.5), "at random"),
    "a list": ([], "no JSON object"),
    "a number": (5, "no JSON object"),
}


@pytest.mark.parametrize(("value", "reason"), STRANGE.values(), ids=STRANGE.keys())
def test_what_svlm_does_not_know_is_refused(tmp_path: Path, value: Any, reason: str) -> None:
    """Guards against a checkpoint that takes all memory, or for ever, at its first word."""
    with pytest.raises(ModelError, match=f"The tokenizer in .* cannot be used: .*{reason}"):
        read(written(tmp_path, value))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b'{"model": 1, "model": 2}'])
def test_what_is_no_json_is_refused(tmp_path: Path, content: bytes) -> None:
    """Guards against two readers that understand one file in two ways."""
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(ModelError, match="cannot be used"):
        read(tmp_path)
