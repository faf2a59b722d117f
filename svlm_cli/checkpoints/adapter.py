"""Reads an adapter's ``adapter_config.json``, as written by peft. Does not open weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from svlm_cli.checkpoints.fields import Fields, of_file, read_object
from svlm_cli.checkpoints.folder import ADAPTER_CONFIG, CONFIG_FILE
from svlm_cli.core.bounds import FieldError, shown
from svlm_cli.core.errors import ModelError

ADAPTER_WEIGHTS = "adapter_model.safetensors"
_HINT = "Merge it into its base with peft, and use the result."
_OF_OTHERS: Final = (  # settings with which the update would not be alpha / rank times B A
    "alpha_pattern",
    "fan_in_fan_out",
    "layer_replication",
    "lora_bias",
    "modules_to_save",
    "rank_pattern",
    "target_parameters",
    "trainable_token_indices",
    "use_bdlora",
    "use_dora",
    "use_qalora",
)


@dataclass(frozen=True, slots=True)
class AdapterConfig:
    """A plain LoRA adapter."""

    base: str  # for transformers, a hub id or a folder; or a name in the catalog; "" if not given
    revision: str  # of a hub id; "" if not given
    rank: int
    alpha: float
    rank_stabilised: bool  # Kalajdzievski 2023

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises `ModelError` if it is not an adapter, or of an unsupported kind."""
        if not folder.is_dir():
            raise ModelError(f"There is no folder {folder}.", "Name the folder of an adapter.")
        if not (folder / ADAPTER_CONFIG).is_file():
            hint = "Name a whole model with --model." if (folder / CONFIG_FILE).is_file() else "Name another folder."
            raise ModelError(f"{folder} is not an adapter: it has no {ADAPTER_CONFIG}.", hint)
        fields = Fields(read_object(folder, ADAPTER_CONFIG))
        with of_file(str(folder / ADAPTER_CONFIG), _HINT):
            fields.expect("peft_type", "LORA")
            fields.expect("bias", "none")
            for name in _OF_OTHERS:
                if fields.raw.get(name):
                    raise FieldError(f"{name} is {shown(fields.raw[name])}, and only plain LoRA is read")
            return cls(
                base=fields.text("base_model_name_or_path") if fields.has("base_model_name_or_path") else "",
                revision=fields.text("revision") if fields.has("revision") else "",
                rank=fields.size("r"),
                alpha=fields.number("lora_alpha"),
                rank_stabilised=fields.flag("use_rslora"),
            )

    @property
    def scale(self) -> float:
        """The factor for the product of its two matrices."""
        return self.alpha / (self.rank**0.5 if self.rank_stabilised else self.rank)
