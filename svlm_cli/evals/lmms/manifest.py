"""Describes svlm to lmms-eval: the entry point in the group ``lmms_eval.models``."""

from typing import Final

from lmms_eval.models.registry_v2 import ModelManifest

MANIFEST: Final = ModelManifest(
    model_id="svlm",
    simple_class_path=None,
    chat_class_path="svlm_cli.evals.lmms.model.Svlm",
    aliases=(),
)
