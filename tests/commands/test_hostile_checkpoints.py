"""A checkpoint that somebody made to do harm: one sentence and exit code 4, before it takes time or memory.

What each file may say is tested beside its reader; here, that every command comes to those readers first.
"""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.checkpoints import patterns
from tests.conftest import Svlm

LONGEST_S = 60.0
Change = Callable[[Path], object]


@pytest.fixture
def folder(tiny_checkpoint: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_checkpoint, tmp_path / "model"))


def put(name: str, content: bytes | str) -> Change:
    data = content if isinstance(content, bytes) else content.encode()
    return lambda folder: (folder / name).write_bytes(data)


def change(name: str, *path: str, to: Any) -> Change:
    def apply(folder: Path) -> None:
        document = holder = json.loads((folder / name).read_text())
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = to
        (folder / name).write_text(json.dumps(document))

    return apply


def pipe(name: str) -> Change:
    def apply(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return apply


REPLACE = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 100}
HARM: dict[str, tuple[Change, str]] = {
    "nested without end": (put("config.json", "[" * 100_000), "model/config.json cannot be used: it is nested"),
    "layers": (
        change("config.json", "text_config", "num_hidden_layers", to=10**9),
        "num_hidden_layers must be at most",
    ),
    "blocks": (change("config.json", "vision_config", "depth", to=10**7), "vision_config.depth must be at most"),
    "patches": (change("preprocessor_config.json", "patch_size", to=10**9), "patch_size must be at most"),
    "other patches": (change("preprocessor_config.json", "merge_size", to=4), "has patches of (14, 4, 2)"),
    "a pipe": (pipe("preprocessor_config.json"), "preprocessor_config.json cannot be used: it is not a file"),
    "an end by name": (change("generation_config.json", "eos_token_id", to="x"), "eos_token_id is 'x'"),
    "an end beyond": (change("generation_config.json", "eos_token_id", to=10**6), "has the id 1000000"),
    "an explosion": (
        change("tokenizer.json", "normalizer", to={"type": "Sequence", "normalizers": [REPLACE] * 5}),
        "The tokenizer in",
    ),
    "windows": (put("policy.toml", "[windows]\nsink_tokens = 1000000000000000000"), "sink_tokens must be at most"),
    "digits": (put("policy.toml", f"mode = 0x{'f' * 5000}"), "at most 64 bits"),
    "a form for ever": (put("policy.toml", "[prompt]\ncontext_form = '(a+)+b'"), "takes too long"),
    "a policy that waits": (pipe("policy.toml"), "policy.toml is not a valid policy: it is not a file"),
}


@pytest.mark.parametrize(("harm", "sentence"), HARM.values(), ids=HARM.keys())
def test_it_is_told_at_once(
    svlm_inside: Svlm, here: Path, folder: Path, harm: Change, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against hours of loops, gigabytes of tensors, and tracebacks."""
    monkeypatch.setattr(patterns, "_LIMIT_S", 0.5)
    harm(folder)
    began = time.monotonic()
    done = svlm_inside("caption", here, "--model", folder, "--context", "a" * 100, "-o", "out.srt")
    assert time.monotonic() - began < LONGEST_S
    assert done.returncode == 4, done.stderr
    assert sentence in done.stderr.splitlines()[-1]
    assert not (here.parent / "out.srt").exists()


@pytest.mark.parametrize(
    "command", [("models", "show"), ("bench", "latency", "--rounds", "1", "--model")], ids=" ".join
)
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "policy.toml"])
def test_other_commands_tell_it_too(svlm_inside: Svlm, folder: Path, command: tuple[str, ...], name: str) -> None:
    """Guards the other ways to a checkpoint."""
    put(name, "[" * 100_000)(folder)
    done = svlm_inside(*command, folder)
    assert (done.returncode, len(done.stderr.splitlines())) == (4, 1), done.stderr
    assert name in done.stderr or "The tokenizer in" in done.stderr


def test_a_context_without_end_is_refused(svlm_inside: Svlm, here: Path) -> None:
    """Guards against a name that is a device, of which there is no end to read."""
    done = svlm_inside("caption", here, "--context", "@/dev/zero", "-o", "out.srt")
    assert (done.returncode, "more than 1000000 bytes" in done.stderr) == (2, True)
