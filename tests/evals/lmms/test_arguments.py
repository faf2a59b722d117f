"""``--model_args`` as lmms-eval splits them, and a sentence for each that cannot be."""

from pathlib import Path
from typing import Any

import pytest

from svlm_cli.compute.flash import AttentionKernel
from svlm_cli.core.errors import UsageError
from svlm_cli.evals.lmms.arguments import ModelArguments, read_arguments
from svlm_cli.evals.vqa.choices import Way


def test_each_argument_arrives() -> None:
    """Guards names and types: numbers come as numbers, a batch size as text, a folder's name maybe as a number."""
    given = {"pretrained": 7, "way": "full", "frames": 32, "recent_frames": 2, "max_pixels": 3136, "fps": 1}
    more = {"policy": "p.toml", "seed": 3, "device": "cpu", "dtype": "float32", "attention": "sdpa", "batch_size": "4"}
    assert read_arguments({**given, **more, "revision": "main"}) == ModelArguments(
        pretrained="7",
        revision="main",
        way=Way.FULL,
        frames=32,
        recent_frames=2,
        max_pixels=3136,
        fps=1,
        policy=Path("p.toml"),
        seed=3,
        device="cpu",
        dtype="float32",
        attention=AttentionKernel.SDPA,
        batch_size=4,
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "The model argument pretrained is missing. Name a model"),
        ({"pretrained": ""}, "pretrained must be a name, not ''"),
        ({"pretrained": True}, "pretrained must be a name, not True"),
        ({"pretrained": "a", "max_num_frames": 8}, "svlm has no model argument 'max_num_frames'. Did you mean frames"),
        ({"pretrained": "a", "nbeams": 8}, "svlm has no model argument 'nbeams'. There are pretrained, revision"),
        ({"pretrained": "a", "way": "offline"}, "way cannot be 'offline'. Use streaming, full, recent, window."),
        ({"pretrained": "a", "frames": 0}, "frames must be a whole number from 1 to 4096, not 0"),
        ({"pretrained": "a", "frames": 2.5}, "frames must be a whole number from 1 to 4096, not 2.5"),
        ({"pretrained": "a", "frames": True}, "frames must be a whole number from 1 to 4096, not True"),
        ({"pretrained": "a", "fps": "fast"}, "fps must be a number, not 'fast'"),
        ({"pretrained": "a", "batch_size": "auto"}, "batch_size must be a whole number from 1 to 4096, not 'auto'"),
        ({"pretrained": "a", "attention": "flash_attention_2"}, "attention cannot be 'flash_attention_2'. Use auto"),
    ],
)
def test_what_cannot_be_is_one_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_arguments(given)
    assert str(caught.value).startswith(said)
