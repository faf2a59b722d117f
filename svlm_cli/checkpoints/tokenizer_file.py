"""Reads a checkpoint's ``tokenizer.json``, and rejects it unless it consists of known parts.

The format is a small language: replacement rules can grow a text a millionfold, and a regular expression can hang. So
only the parts of byte-level BPE, as used by Qwen and similar models, are accepted; their time and memory are
proportional to the text. Knows no model; the library does the tokenizing.
"""

from pathlib import Path
from typing import Any, Final

from svlm_cli.checkpoints.folder import TOKENIZER_FILE
from svlm_cli.checkpoints.reading import MOST_TABLE_BYTES, UnreadableError, read_bytes
from svlm_cli.core import strict_json
from svlm_cli.core.bounds import FieldError, shown
from svlm_cli.core.errors import ModelError

_CONTRACTIONS = "'s|'t|'re|'ve|'m|'ll|'d"
_WORDS = rf"(?i:{_CONTRACTIONS})|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_SPLITS: Final = (  # published word patterns: none of them backtracks far
    rf"{_WORDS}|\p{{N}}|{_REST}",  # Qwen
    rf"{_WORDS}|\p{{N}}{{1,3}}|{_REST}",  # Llama 3
    rf"{_CONTRACTIONS}| ?\p{{L}}+| ?\p{{N}}+| ?[^\s\p{{L}}\p{{N}}]+|\s+(?!\S)|\s+",  # GPT-2
)
_KINDS: Final = {
    "normalizer": ("NFC", "NFD", "NFKC", "NFKD"),
    "pre_tokenizer": ("ByteLevel", "Split"),
    "post_processor": ("ByteLevel", "TemplateProcessing"),
    "decoder": ("ByteLevel",),
    "model": ("BPE",),
}
_SEQUENCES: Final = {"pre_tokenizer": "pretokenizers", "post_processor": "processors"}
_MOST_IN_SEQUENCE = 8
_MOST_TOKENS = 1_000_000
_HIGHEST_ID = 10_000_000
_MOST_ADDED = 10_000
_LONGEST_TOKEN = 1000  # in characters
_HINT = "Use a checkpoint with the tokenizer that it was published with."


def read(folder: Path) -> str:
    """The file's text, to be loaded by the library. `ModelError` if it is invalid, or has other parts."""
    try:
        text = read_bytes(folder / TOKENIZER_FILE, most=MOST_TABLE_BYTES).decode("utf-8", "replace")
        _require_known(strict_json.parse(text))
    except (UnreadableError, strict_json.JsonError, FieldError) as error:
        raise ModelError(f"The tokenizer in {folder} cannot be used: {error}.", _HINT) from error
    return text


def _require_known(document: Any) -> None:
    _require(isinstance(document, dict), "it holds no JSON object")
    for name, known in _KINDS.items():
        for part in _parts(document.get(name), _SEQUENCES.get(name)):
            kind = part.get("type") if isinstance(part, dict) else part
            absent = part is None and name != "model"
            _require(absent or kind in known, f"its {name} is {shown(kind)}, and svlm knows {' and '.join(known)}")
            if kind == "Split":
                known_way = part.get("pattern") in [{"Regex": split} for split in _SPLITS]
                _require(known_way, "it splits words in another way than Qwen, Llama 3 and GPT-2")
    _require_tokens(document["model"], document.get("added_tokens"))


def _parts(value: Any, sequence: str | None) -> list[Any]:
    """The value, or the items of a sequence."""
    if sequence is None or not isinstance(value, dict) or value.get("type") != "Sequence":
        return [value]
    inner = value.get(sequence)
    _require(isinstance(inner, list) and len(inner) <= _MOST_IN_SEQUENCE, f"its {sequence} are {shown(inner)}")
    return list(inner or ())


def _require_tokens(model: dict[str, Any], added: Any) -> None:
    vocabulary: Any = model.get("vocab")
    added = added or []
    _require(isinstance(vocabulary, dict) and isinstance(added, list), "it has no vocabulary")
    _require(len(vocabulary) <= _MOST_TOKENS, f"it has {len(vocabulary)} tokens; {_MOST_TOKENS} are the most")
    _require(len(added) <= _MOST_ADDED, f"it adds {len(added)} tokens; {_MOST_ADDED} are the most")
    _require(all(isinstance(one, dict) for one in added), "it adds a token that is not an object")
    affixes = [model.get(name) or "" for name in ("continuing_subword_prefix", "end_of_word_suffix")]
    texts = [*vocabulary, *(one.get("content") for one in added), *affixes]
    short = all(isinstance(text, str) and len(text) <= _LONGEST_TOKEN for text in texts)
    _require(short, f"it has a token that is not a text of at most {_LONGEST_TOKEN} characters")
    ids = [*vocabulary.values(), *(one.get("id") for one in added)]
    _require(all(type(one) is int and 0 <= one <= _HIGHEST_ID for one in ids), "it has a token without a usable id")
    unknown = model.get("unk_token")
    _require(
        unknown is None or (isinstance(unknown, str) and unknown in vocabulary),
        "its unk_token is not in the vocabulary",
    )
    _require(not model.get("dropout"), "it splits words at random (dropout)")


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise FieldError(problem)
