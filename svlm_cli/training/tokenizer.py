"""Trains a small tokenizer for a model from scratch: byte-level BPE with Qwen's pre-tokenizer and control tokens.

It can encode any text, since all bytes are entries. The marker is one token, as in Qwen's vocabulary. Knows no data
set: texts are passed in.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from svlm_cli.checkpoints.folder import TOKENIZER_CONFIG_FILE, TOKENIZER_FILE
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import PromptPolicy

END_OF_TEXT = "<|endoftext|>"
IMAGE_PAD = "<|image_pad|>"
MAX_LENGTH = 131_072  # for transformers; nothing is truncated
_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_REPEATED = 1000  # weight of the prompt's words, which occur in every round


def control_tokens(prompt: PromptPolicy) -> tuple[str, ...]:
    """All control tokens of a conversation, in the order of their ids."""
    markup = prompt.markup
    return (
        END_OF_TEXT,
        markup.turn_start,
        markup.turn_end,
        markup.vision_start,
        markup.vision_end,
        IMAGE_PAD,
        markup.video_pad,
    )


def build_tokenizer(texts: Iterable[str], prompt: PromptPolicy, *, vocabulary: int, folder: Path) -> None:
    """Write tokenizer.json and tokenizer_config.json, with `vocabulary` entries besides the control tokens.

    Deterministic. `UsageError` if the vocabulary is too small for the marker to be one token.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(_with_prompt(texts, prompt), trainer)
    if len(tokenizer.encode(prompt.marker).ids) != 1:
        raise UsageError(
            f"With {vocabulary} entries the marker {prompt.marker!r} is not one of them.", "Raise model.vocabulary."
        )
    controls = control_tokens(prompt)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in controls])
    tokenizer.save(str(folder / TOKENIZER_FILE))
    vocabulary_ids = tokenizer.get_vocab()
    config = _tokenizer_config({token: vocabulary_ids[token] for token in controls}, prompt)
    (folder / TOKENIZER_CONFIG_FILE).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _with_prompt(texts: Iterable[str], prompt: PromptPolicy) -> Iterator[str]:
    yield from texts
    words = ("system", "user", "assistant", *prompt.previous_role.split(" "), "Time", prompt.marker)
    for word in words:
        yield from (word for _ in range(_REPEATED))
    for _ in range(_REPEATED):
        yield f"{prompt.system} {prompt.query} {prompt.previous_role}"


def _tokenizer_config(ids: dict[str, int], prompt: PromptPolicy) -> dict[str, Any]:
    """For transformers, like those of published Qwen tokenizers."""
    options = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    return {
        "add_bos_token": False,
        "add_prefix_space": False,
        "added_tokens_decoder": {str(index): {"content": token, **options} for token, index in ids.items()},
        "additional_special_tokens": [token for token in ids if token != END_OF_TEXT],
        "bos_token": None,
        "clean_up_tokenization_spaces": False,
        "eos_token": prompt.markup.turn_end,
        "errors": "replace",
        "model_max_length": MAX_LENGTH,
        "pad_token": END_OF_TEXT,
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    }
