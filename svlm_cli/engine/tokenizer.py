"""Text to ids and back, with the checkpoint's own tokenizer.

Knows which ids end a generation and how to hand out text while it is being generated. Knows no prompt. Reads
tokenizer.json with the library that transformers' fast tokenizers wrap: to import that costs seconds.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as FastTokenizer

from svlm_cli.checkpoints.folder import TOKENIZER_FILE
from svlm_cli.core.errors import ModelError

_REPLACEMENT = "\ufffd"  # what an unfinished UTF-8 character decodes to
_LONGEST_CHARACTER_BYTES = 4


class Tokenizer:
    """A checkpoint's tokenizer. Special tokens are looked up by name; one that is missing is an error that names it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if not (folder / TOKENIZER_FILE).is_file():
            raise ModelError(f"{folder} has no {TOKENIZER_FILE}.", "Fetch the checkpoint again.")
        try:
            self._tokenizer = FastTokenizer.from_file(str(folder / TOKENIZER_FILE))
        except Exception as error:  # the library raises bare exceptions
            raise ModelError(
                f"The tokenizer in {folder} cannot be read: {error}.", "Fetch the checkpoint again."
            ) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True  # a control token spelled in a text is text
        self.end_ids = self._read_end_ids()

    def special(self, name: str) -> int:
        """The id of a control token."""
        token = self._tokenizer.token_to_id(name)
        if token is None:
            raise ModelError(
                f"The tokenizer in {self._folder} has no token {name}.",
                "Use a Qwen2.5-VL checkpoint, or name its own token under [prompt.markup] in policy.toml.",
            )
        return token

    def single(self, text: str) -> int:
        """The id of a text that is one token."""
        ids = self.encode(text)
        if len(ids) != 1:
            raise ModelError(
                f"{text!r} is {len(ids)} tokens for the tokenizer in {self._folder}, not one.",
                "Mend suppress_tokens under [sampling] in policy.toml.",
            )
        return ids[0]

    def encode(self, text: str) -> list[int]:
        """Ids of plain text: nothing is added, and control tokens spelled in it are not control tokens."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids, control tokens left out."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)

    def _read_end_ids(self) -> frozenset[int]:
        """The checkpoint's EOS list: generation_config.json, else config.json, else the tokenizer's own end."""
        for name in ("generation_config.json", "config.json"):
            value = self._read_json(name).get("eos_token_id")
            if value is not None:
                return frozenset(value if isinstance(value, list) else [value])
        end = self._read_json("tokenizer_config.json").get("eos_token")
        if isinstance(end, dict):
            end = end.get("content")
        if end is None:
            raise ModelError(
                f"The checkpoint in {self._folder} names no end-of-sequence token.",
                "Add eos_token_id to its generation_config.json.",
            )
        return frozenset([self.special(end)])

    def _read_json(self, name: str) -> dict[str, Any]:
        """A JSON object of the checkpoint; empty if the file is not there."""
        path = self._folder / name
        try:
            value = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        except (OSError, ValueError) as error:
            raise ModelError(f"{path} is not valid JSON.", "Fetch the checkpoint again.") from error
        if not isinstance(value, dict):
            raise ModelError(f"{path} is not a JSON object.", "Fetch the checkpoint again.")
        return value


def without_marker(text: str, marker: str) -> str:
    """`text` as it is shown: without the marker, if it ends with it."""
    return text.removesuffix(marker)


class TextStream:
    """Text of a round while it is being generated: never half a character, never the marker.

    What might still become the marker is held back, so that the pieces joined are `without_marker` of the whole.
    """

    def __init__(self, tokenizer: Tokenizer, marker: str) -> None:
        self._tokenizer = tokenizer
        self._marker = marker
        self._ids: list[int] = []
        self._shown = 0

    def push(self, token_id: int) -> str:
        """The text that became readable with `token_id`."""
        self._ids.append(token_id)
        text = self._tokenizer.decode(self._ids)
        unfinished = len(text) - len(text.rstrip(_REPLACEMENT))
        if 0 < unfinished < _LONGEST_CHARACTER_BYTES:
            text = text[:-unfinished]
        return self._show(text[: len(text) - self._held_back(text)])

    def finish(self) -> str:
        """What was held back and did not become the marker."""
        return self._show(self.text)

    @property
    def text(self) -> str:
        """All of the round's words so far, without the marker."""
        return without_marker(self._tokenizer.decode(self._ids), self._marker)

    def _held_back(self, text: str) -> int:
        """Characters at the end of `text` that begin the marker."""
        longest = min(len(self._marker), len(text))
        return next((n for n in range(longest, 0, -1) if self._marker.startswith(text[-n:])), 0)

    def _show(self, text: str) -> str:
        piece = text[self._shown :]
        self._shown = max(self._shown, len(text))
        return piece
