"""Everything that determines what a row of the claims measures, and whether rows are comparable.

A model is identified by its contents, not its location. Knows no scores.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from svlm_cli.checkpoints.adapter import ADAPTER_WEIGHTS
from svlm_cli.checkpoints.folder import ADAPTER_CONFIG, CONFIG_FILE, TOKENIZER_FILE
from svlm_cli.core.errors import ModelError, UsageError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.evals.claims.rows import find_row

_FINGERPRINT_DIGITS = 16
_MODEL_FILES = (CONFIG_FILE, TOKENIZER_FILE, "generation_config.json", "preprocessor_config.json")


@dataclass(frozen=True, slots=True)
class RowSetting:
    """What a row measures, wherever it runs."""

    row: str
    fingerprint: str  # of the model
    matches: int
    seconds: int  # per match
    seed: int  # of the first match
    base: StreamPolicy  # the base policy of all rows
    policy: StreamPolicy  # the policy of this row's streams

    def measures_the_same(self, other: "RowSetting") -> bool:
        """Whether one measurement serves both, as when the policy's own vision window is also a row."""
        ours, theirs = ((one.fingerprint, one.matches, one.seconds, one.seed, one.policy) for one in (self, other))
        return ours == theirs


def fingerprint(folder: Path, adapter: Path | None = None) -> str:
    """Sixteen hex digits of the SHA-256 of the checkpoint in `folder`: weights, tokenizer and configuration.

    With an adapter, its weights and configuration are included.
    """
    paths = sorted([*folder.glob("*.safetensors"), *(folder / name for name in _MODEL_FILES)])
    if adapter is not None:
        paths += [adapter / name for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS)]
    digest = hashlib.sha256()
    for path in paths:
        if path.is_file():
            try:
                with path.open("rb") as file:
                    digest.update(path.name.encode())
                    digest.update(hashlib.file_digest(file, "sha256").digest())
            except OSError as error:
                raise ModelError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error
    return digest.hexdigest()[:_FINGERPRINT_DIGITS]


def require_comparable(settings: Mapping[str, RowSetting]) -> None:
    """`UsageError` unless the rows, by name, are of one model (`no-overlap` of another) with one base policy."""
    one_model = [setting for name, setting in settings.items() if not find_row(name).no_overlap]
    _require_alike(((setting.row, setting.fingerprint) for setting in one_model), "another model")
    _require_alike(((setting.row, setting.base) for setting in settings.values()), "a model with another policy")


def _require_alike(rows: Iterable[tuple[str, object]], otherwise: str) -> None:
    first: tuple[str, object] | None = None
    for name, value in rows:
        if first is None:
            first = name, value
        elif value != first[1]:
            raise UsageError(
                f"The row {name} has {otherwise} than the row {first[0]}: they cannot be in one table.",
                "Use another folder, or measure all rows again with --overwrite.",
            )
