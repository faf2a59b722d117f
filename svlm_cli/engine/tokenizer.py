"""Converts text to ids and back, with the checkpoint's own tokenizer.

Knows which ids end a generation, and streams text while it is generated. Knows no prompt. Reads tokenizer.json with the
library beneath transformers' fast tokenizers, because importing transformers takes seconds.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer as FastTokenizer

from svlm_cli.checkpoints import tokenizer_file
from svlm_cli.checkpoints.fields import Fields, of_file, read_object
from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import ModelError

_REPLACEMENT = "\ufffd"  # the decoding of an incomplete UTF-8 character
_LONGEST_CHARACTER_BYTES = 4
_HINT = "Fetch the checkpoint again."


def load_fast(folder: Path) -> FastTokenizer:
    """The `tokenizers` object of a checkpoint. `ModelError` if it is missing or not allowed."""
    text = tokenizer_file.read(folder)
    try:
        return FastTokenizer.from_str(text)
    except Exception as error:  # the library raises bare exceptions
        raise ModelError(f"The tokenizer in {folder} cannot be read: {error!s:.200}.", _HINT) from error


class Tokenizer:
    """A checkpoint's tokenizer. Special tokens are looked up by name; a missing one is an error that names it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tokenizer = load_fast(folder)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True  # control tokens spelled out in a text are plain text
        self.end_ids = self._read_end_ids()

    def special(self, name: str) -> int:
        """The id of a control token."""
        token = self._tokenizer.token_to_id(name)
        if token is None:
            raise ModelError(
                f"The tokenizer in {self._folder} has no token {name:.80}.",
                "Use a Qwen2.5-VL checkpoint, or name its own token under [prompt.markup] in policy.toml.",
            )
        return token

    def single(self, text: str) -> int:
        """The id of a text that is one token."""
        ids = self.encode(text)
        if len(ids) != 1:
            raise ModelError(
                f"{shown(text)} is {len(ids)} tokens for the tokenizer in {self._folder}, not one.",
                "Correct suppress_tokens under [sampling] in policy.toml.",
            )
        return ids[0]

    def encode(self, text: str) -> list[int]:
        """Ids of plain text: nothing is added, and control tokens spelled out in it are not interpreted."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, without control tokens."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)

    def require_within(self, vocabulary: int) -> None:
        """`ModelError` if the id of any token or end token exceeds the network's vocabulary size."""
        beyond = max(*self._tokenizer.get_vocab().values(), *self.end_ids)
        if beyond >= vocabulary:
            raise ModelError(
                f"The tokenizer in {self._folder} has the id {beyond}, and the network knows {vocabulary} tokens.",
                "Fetch the tokenizer and the weights from the same revision.",
            )

    def _read_end_ids(self) -> frozenset[int]:
        """The checkpoint's EOS ids: from generation_config.json, else config.json, else the tokenizer."""
        for name in ("generation_config.json", "config.json"):
            fields = self._fields(name)
            if fields.has("eos_token_id"):
                with of_file(name, _HINT):
                    return frozenset(fields.one_or_more("eos_token_id"))
        fields = self._fields("tokenizer_config.json")
        if not fields.has("eos_token"):
            raise ModelError(
                f"The checkpoint in {self._folder} names no end-of-sequence token.",
                "Add eos_token_id to its generation_config.json.",
            )
        with of_file("tokenizer_config.json", _HINT):
            if isinstance(fields.get("eos_token"), dict):
                return frozenset([self.special(fields.mapping("eos_token").text("content"))])
            return frozenset([self.special(fields.text("eos_token"))])

    def _fields(self, name: str) -> Fields:
        """The fields of a JSON file of the checkpoint; empty if it does not exist."""
        return Fields(read_object(self._folder, name) if os.path.lexists(self._folder / name) else {})


def without_marker(text: str, marker: str) -> str:
    """`text` as shown: without the marker at its end."""
    return text.removesuffix(marker)


class TextStream:
    """The text of a round while it is generated: never part of a character, never the marker.

    Text that might become the marker is held back, so that the pieces add up to `without_marker` of the whole.
    """

    def __init__(self, tokenizer: Tokenizer, marker: str) -> None:
        self._tokenizer = tokenizer
        self._marker = marker
        self._ids: list[int] = []
        self._shown = 0

    def push(self, token_id: int) -> str:
        """The text that `token_id` completes."""
        self._ids.append(token_id)
        text = self._tokenizer.decode(self._ids)
        unfinished = len(text) - len(text.rstrip(_REPLACEMENT))
        if 0 < unfinished < _LONGEST_CHARACTER_BYTES:
            text = text[:-unfinished]
        return self._show(text[: len(text) - self._held_back(text)])

    def finish(self) -> str:
        """The text that was held back and did not become the marker."""
        return self._show(self.text)

    @property
    def text(self) -> str:
        """The round's words so far, without the marker."""
        return without_marker(self._tokenizer.decode(self._ids), self._marker)

    def _held_back(self, text: str) -> int:
        """The number of characters at the end of `text` that could start the marker."""
        longest = min(len(self._marker), len(text))
        return next((n for n in range(longest, 0, -1) if self._marker.startswith(text[-n:])), 0)

    def _show(self, text: str) -> str:
        piece = text[self._shown :]
        self._shown = max(self._shown, len(text))
        return piece
