"""What there is to say of a model: a row of the list of known ones, and a page with its card and its policy.

Cards and policies come with checkpoints that anyone may have made: here they become plain text.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from svlm_cli.checkpoints import policy_file, resolve
from svlm_cli.checkpoints.catalog import ModelEntry
from svlm_cli.checkpoints.folder import CARD_FILE, read_card, require_readable, size_bytes
from svlm_cli.checkpoints.policy_file import PolicyFile
from svlm_cli.checkpoints.resolve import Reference
from svlm_cli.core.errors import ModelError
from svlm_cli.core.text import plain_text

COLUMNS: Final = ("NAME", "TITLE", "WEIGHTS", "HERE", "SIZE", "LICENCE")


def listed(entry: ModelEntry) -> dict[str, Any]:
    """A known model, for programs."""
    folder = resolve.refer(entry.name).present()
    weights = entry.file.weights
    return {
        "name": entry.name,
        **dataclasses.asdict(entry.file.model),
        "embedded": entry.embedded,
        "hub": weights.hub or None,
        "revision": weights.revision if weights.hub else None,
        "present": folder is not None,
        "folder": None if folder is None else str(folder),
        # of what is here, else of what there is to fetch, as far as that is known
        "size_bytes": size_bytes(folder) if folder is not None else round(weights.size_gb * 1e9) or None,
    }


def cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """What `listed` says, for a table with `COLUMNS`."""
    where = "with svlm" if row["embedded"] else row["hub"]
    here = "yes" if row["present"] else "no"
    return row["name"], row["title"], where, here, _size(row["size_bytes"]), row["licence"]


def _size(size: int | None) -> str:
    if size is None:
        return "?"
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


@dataclass(frozen=True, slots=True)
class ModelPage:
    """A model that needs no fetching to be shown."""

    reference: Reference
    folder: Path | None  # None: not on this machine
    described: PolicyFile
    card: str

    @classmethod
    def of(cls, model: str) -> "ModelPage":
        """Raises `ModelError` for one that is neither known nor here, or cannot be read."""
        reference = resolve.refer(model)
        folder = reference.present()
        if folder is None and reference.entry is None:
            raise ModelError(f"{model} is not on this machine.", f"Fetch it with `svlm models pull {model}`.")
        if folder is not None:
            require_readable(folder)
        described = reference.described(folder)
        card_folder = folder if reference.entry is None else reference.entry.folder
        card = read_card(card_folder) if card_folder is not None and (card_folder / CARD_FILE).is_file() else ""
        return cls(reference, folder, described, card)

    @property
    def notice(self) -> str:
        """What is to be told of its policy."""
        return self.reference.notice(self.folder)

    def policy_text(self) -> str:
        """Its policy in full, as TOML."""
        text = policy_file.dump(self.described)
        return _plain_lines(f"# {plain_text(self.notice)}\n{text}" if self.notice else text)

    def card_text(self) -> str:
        """Its card, without what programs read at its top."""
        return _plain_lines(_without_front_matter(self.card))

    def to_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "name": self.reference.name,
            "origin": self.reference.origin,
            "folder": None if self.folder is None else str(self.folder),
            "notice": self.notice or None,
            **dataclasses.asdict(self.described),
            "card": self.card,
        }


def _plain_lines(text: str) -> str:
    return "\n".join(plain_text(line) for line in text.strip().splitlines())


def _without_front_matter(card: str) -> str:
    """A card without the YAML between two ``---`` that those from the hub open with."""
    head, mark, rest = card.removeprefix("---\n").partition("\n---\n")
    return rest if mark and card.startswith("---\n") and head else card
