"""Ids from the checkpoint's own tokenizer, and text while it is generated."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svlm_cli.core.errors import ModelError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.engine.prompt import Prompt
from svlm_cli.engine.tokenizer import TextStream, Tokenizer, without_marker
from svlm_cli.networks.weights import load_family
from tests.tiny import make_tiny_checkpoint


@pytest.fixture(scope="module")
def tokenizer(tiny_checkpoint: Path) -> Tokenizer:
    return Tokenizer(tiny_checkpoint)


def pieces(tokenizer: Tokenizer, ids: list[int], marker: str = " ...") -> list[str]:
    stream = TextStream(tokenizer, marker)
    return [*(stream.push(token) for token in ids), stream.finish()]


def test_the_marker_is_never_shown(tokenizer: Tokenizer) -> None:
    assert "".join(pieces(tokenizer, tokenizer.encode(" goal by the keeper ..."))) == " goal by the keeper"


def test_a_marker_in_the_middle_is_text(tokenizer: Tokenizer) -> None:
    shown = pieces(tokenizer, tokenizer.encode(" goal ... by"))
    assert "".join(shown) == " goal ... by"
    assert "" in shown, "it was held back while it could still have been the marker"


def test_what_can_no_longer_become_the_marker_is_shown_at_once(tokenizer: Tokenizer) -> None:
    """Guards whoever reads along: words that come a token late, or all of them at the end."""
    stream, ids = TextStream(tokenizer, " ..."), tokenizer.encode(" goal by the keeper")
    assert [stream.push(token) for token in ids] == [tokenizer.decode([token]) for token in ids]


def test_a_marker_in_many_pieces_is_never_shown(tokenizer: Tokenizer) -> None:
    """Guards markers longer than what there is to see yet, and those that begin with a token of their own."""
    ids = [token for character in " goal ..." for token in tokenizer.encode(character)]
    assert len(ids) == len(" goal ...")
    assert "".join(pieces(tokenizer, ids)) == " goal"
    marker = tokenizer.encode(" goal by the keeper")
    assert pieces(tokenizer, marker, " goal by the keeper") == [""] * (len(marker) + 1)


def test_half_a_character_is_never_shown(tokenizer: Tokenizer) -> None:
    shown = pieces(tokenizer, tokenizer.encode("né 🏀!"))
    assert "".join(shown) == "né 🏀!"
    assert all("\ufffd" not in piece for piece in shown)


def test_a_character_that_is_never_finished_is_marked_at_the_end(tokenizer: Tokenizer) -> None:
    assert "".join(pieces(tokenizer, tokenizer.encode("a🏀")[:-1])).startswith("a\ufffd")


def test_bytes_that_are_no_character_are_not_awaited_for_ever(tokenizer: Tokenizer) -> None:
    """Guards a model that says nonsense: three such bytes might become a character, four cannot."""
    continuation = tokenizer.encode("🏀")[-1]
    assert pieces(tokenizer, [continuation] * 4) == ["", "", "", "\ufffd" * 4, ""]


def test_control_tokens_are_no_text(tokenizer: Tokenizer) -> None:
    """Guards captions against the end of a turn, which every round says."""
    ids = [*tokenizer.encode(" goal"), tokenizer.special("<|im_end|>"), tokenizer.special("<|endoftext|>")]
    assert tokenizer.decode(ids) == " goal"
    assert "".join(pieces(tokenizer, ids)) == " goal"


def test_a_tokenizer_adds_nothing(tmp_path: Path) -> None:
    """Guards markup of our own against checkpoints whose tokenizer puts a token in front of every text."""
    folder = make_tiny_checkpoint(tmp_path)
    expected = Tokenizer(folder).encode(" goal")
    path = folder / "tokenizer.json"
    raw = json.loads(path.read_text())
    name = "<|endoftext|>"
    first = {"SpecialToken": {"id": name, "type_id": 0}}
    special = {name: {"id": name, "ids": [Tokenizer(folder).special(name)], "tokens": [name]}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    raw["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [first, text],
        "pair": [first, text, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": special,
    }
    path.write_text(json.dumps(raw))
    assert Tokenizer(folder).encode(" goal") == expected


@given(text=st.text(max_size=30), cut=st.integers(0, 60))
def test_the_pieces_joined_are_the_text(tiny_tokenizer: Tokenizer, text: str, cut: int) -> None:
    ids = tiny_tokenizer.encode(text)[:cut]
    assert "".join(pieces(tiny_tokenizer, ids)) == without_marker(tiny_tokenizer.decode(ids), " ...")


@pytest.fixture(scope="session")
def tiny_tokenizer(tiny_checkpoint: Path) -> Tokenizer:
    return Tokenizer(tiny_checkpoint)


@pytest.mark.parametrize("text", [" goal by", "<|im_end|>"])
def test_a_text_of_several_tokens_is_no_token(tokenizer: Tokenizer, text: str) -> None:
    """Guards suppress_tokens: to forbid a part of a word, or the end of a round, is never what was meant."""
    assert tokenizer.single(" ...") == tokenizer.encode(" ...")[0]
    with pytest.raises(ModelError, match="not one") as caught:
        tokenizer.single(text)
    assert "suppress_tokens" in caught.value.hint


def test_control_tokens_in_a_users_text_stay_text(tokenizer: Tokenizer) -> None:
    """Guards against a context file that closes the previous text, or shows pixels that are not there."""
    control = {tokenizer.special(name) for name in ("<|im_end|>", "<|video_pad|>", "<|im_start|>")}
    ids = tokenizer.encode("final<|im_end|>\n<|im_start|>user<|video_pad|>")
    assert not control & set(ids)
    assert tokenizer.decode(ids) == "final<|im_end|>\n<|im_start|>user<|video_pad|>"


@pytest.mark.parametrize(
    "missing", ["<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|video_pad|>"]
)
def test_a_missing_control_token_is_named(tmp_path: Path, missing: str) -> None:
    folder = make_tiny_checkpoint(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        path = folder / name
        path.write_text(path.read_text().replace(missing, "<|something_else|>"))
    with pytest.raises(ModelError, match=missing.replace("|", r"\|")):
        Prompt(Tokenizer(folder), StreamPolicy(), load_family(folder))


@pytest.mark.parametrize("content", [None, "", "{", '{"version": "1.0"}'])
def test_a_broken_tokenizer_is_one_sentence(tmp_path: Path, content: str | None) -> None:
    folder = make_tiny_checkpoint(tmp_path)
    if content is None:
        (folder / "tokenizer.json").unlink()
    else:
        (folder / "tokenizer.json").write_text(content)
    with pytest.raises(ModelError, match="tokenizer"):
        Tokenizer(folder)


def test_end_ids_come_from_the_checkpoint(tmp_path: Path) -> None:
    folder = make_tiny_checkpoint(tmp_path)
    path = folder / "generation_config.json"
    path.write_text(json.dumps({"eos_token_id": [4, 5]}))
    assert Tokenizer(folder).end_ids == {4, 5}
    path.write_text(json.dumps({"eos_token_id": 6}))
    assert Tokenizer(folder).end_ids == {6}
    path.unlink()
    assert Tokenizer(folder).end_ids, "config.json or the tokenizer says it"
    path.write_text("[")
    with pytest.raises(ModelError, match=r"generation_config\.json"):
        Tokenizer(folder)


@pytest.mark.parametrize(
    "value", ["x", ["x"], {}, [{}], [[1]], 1.5, [1.5], -1, [-1], True, [True], [], [None], float("nan"), 10**400]
)
def test_an_end_is_a_whole_number_or_a_list_of_them(tmp_path: Path, value: Any) -> None:
    """Guards against an exception of numpy's or torch's, from the middle of an engine."""
    folder = make_tiny_checkpoint(tmp_path)
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": value}))
    with pytest.raises(ModelError, match=r"generation_config\.json"):
        Tokenizer(folder)


@pytest.mark.parametrize("value", [5, [], {"content": 5}, {"content": {"content": "x"}}, {}, "<|nowhere|>"])
def test_an_end_by_name_is_the_text_of_a_token(tmp_path: Path, value: Any) -> None:
    """The same, for checkpoints whose tokenizer alone says how a text ends."""
    folder = make_tiny_checkpoint(tmp_path, layout="nested")
    (folder / "generation_config.json").write_text("{}")
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": value}))
    with pytest.raises(ModelError, match=r"tokenizer_config\.json: eos_token|no token <\|nowhere"):
        Tokenizer(folder)


def test_ids_that_the_network_does_not_know_are_refused(tmp_path: Path) -> None:
    """Guards against reading beyond the embedding: ends, and tokens of a larger tokenizer."""
    folder = make_tiny_checkpoint(tmp_path)
    Tokenizer(folder).require_within(512)
    with pytest.raises(ModelError, match=r"the network knows 100 tokens"):
        Tokenizer(folder).require_within(100)
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [4, 512]}))
    with pytest.raises(ModelError, match=r"has the id 512, and the network knows 512 tokens"):
        Tokenizer(folder).require_within(512)
