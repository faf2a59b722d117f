"""A file and single keys over a model's policy: which wins, and the sentences for what cannot be."""

from dataclasses import replace
from pathlib import Path

import pytest

from svlm_cli.checkpoints import catalog, policy_file, toml
from svlm_cli.checkpoints.policy_changes import PolicyChanges, defaults, read
from svlm_cli.checkpoints.policy_file import PolicyFile
from svlm_cli.core.errors import ModelError, UsageError
from svlm_cli.core.policy import Mode, PolicyOverrides, StreamPolicy, VisionPolicy, WindowPolicy

OWN = StreamPolicy(vision=VisionPolicy(fps=8.0), windows=WindowPolicy(sink_tokens=64, window_tokens=192))


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """A policy file that says a little."""
    path = tmp_path / "asked.toml"
    path.write_text("mode = 'full'\n[windows]\nsink_tokens = 32\n[weights]\nhub = 'a/b'\n")
    return path


def test_single_keys_lie_over_the_file_and_the_file_over_the_models_own(asked: Path) -> None:
    """Guards the order that the documentation promises, and what is not named, which stays the model's."""
    assert read().applied(OWN) is OWN
    windows = replace(OWN.windows, sink_tokens=32)
    assert read(asked).applied(OWN) == replace(OWN, mode=Mode.FULL, windows=windows)
    changed = read(asked, ["windows.sink_tokens=8", "sampling.suppress_tokens=[' a']"]).applied(OWN)
    assert (changed.mode, changed.windows) == (Mode.FULL, replace(windows, sink_tokens=8))
    assert changed.sampling.suppress_tokens == (" a",)
    last = read(None, ["windows.sink_tokens = 8", "windows.sink_tokens=9"])
    assert last.applied(OWN).windows == replace(OWN.windows, sink_tokens=9)
    assert (last.asks("windows.sink_tokens"), last.asks("windows.window_tokens"), last.asks("mode")) == (
        True,
        False,
        False,
    )
    assert not PolicyChanges().asks("mode")


@pytest.mark.parametrize("name", catalog.names())
def test_every_policy_of_the_catalog_can_be_laid_over_any_other(name: str, tmp_path: Path) -> None:
    """Guards the way to begin with a known model's policy: as it is printed, it comes out whole."""
    file = catalog.find(name).file
    (tmp_path / "whole.toml").write_text(policy_file.dump(file), encoding="utf-8")
    assert read(tmp_path / "whole.toml").applied(OWN) == file.policy


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("windows.sink_token=8", "--set: unknown key 'windows.sink_token'.", "Did you mean 'windows.sink_tokens'?"),
        ("sink_tokens=8", "--set: unknown key 'sink_tokens'.", "Did you mean 'windows.sink_tokens'?"),
        ("weights.hub='a/b'", "--set: unknown key 'weights'.", ""),
        ("windows=8", "--set: windows must be a table, not 8.", ""),
        ("windows.sink_tokens='8'", "--set: windows.sink_tokens must be a whole number, not '8'.", ""),
        ("windows.sink_tokens=-1", "--set, [windows]: sink_tokens must be 0 or more, not -1.", ""),
        ("chunk_seconds=0", "--set: chunk_seconds must be above 0, not 0.0.", ""),
        ("mode='ful'", "--set: mode must be one of 'streaming', 'full'", "Did you mean 'full'?"),
        ("mode=full", "--set 'mode=full' is not valid TOML: Invalid value", "texts in quotes"),
        ("windows.sink_tokens", "--set 'windows.sink_tokens' is not valid TOML", "KEY=VALUE"),
        ("", "--set '' sets nothing.", "KEY=VALUE"),
    ],
)
def test_what_cannot_be_set_is_told_before_there_is_a_model(line: str, message: str, hint: str) -> None:
    """Guards against an hour of captions under a policy that nobody asked for; nothing is fetched to find out."""
    with pytest.raises(UsageError) as caught:
        read(None, ["sampling.top_k=1", line])
    assert caught.value.message.startswith(message)
    assert hint in caught.value.hint
    assert bool(hint) == bool(caught.value.hint)


@pytest.mark.parametrize(
    "text",
    [
        "[windows]\nsink_token = 8",
        "[windows]\nsink_tokens = -1",
        "[vision]\nfps = 'two'",
        "[model]\nname = 'x'",
        "mode =",
    ],
)
def test_a_files_faults_have_the_sentences_of_a_models_policy(text: str, tmp_path: Path) -> None:
    """Guards one wording for one mistake, wherever the file lies; here it is the request's, and its exit code 2."""
    path = tmp_path / "asked.toml"
    path.write_text(text)
    with pytest.raises(ModelError) as of_model:
        policy_file.read(path)
    with pytest.raises(UsageError) as of_request:
        read(path)
    assert str(path) in of_request.value.message
    assert (of_request.value.message, of_request.value.hint) == (of_model.value.message, of_model.value.hint)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    """Guards a name that was mistyped."""
    with pytest.raises(UsageError, match=r"gone\.toml cannot be read: No such file or directory"):
        read(tmp_path / "gone.toml")


def test_values_are_judged_together_once_all_are_there(asked: Path) -> None:
    """Guards rounds of another length: the last word on frames a second decides what suits them."""
    short = read(None, ["chunk_seconds=0.125"])
    assert short.applied(OWN).frames_per_chunk == 1  # which the default of 2 fps would not give
    changed = short.applied(StreamPolicy(), PolicyOverrides(fps=16.0))
    assert (changed.vision.fps, changed.frames_per_chunk) == (16.0, 2)
    with pytest.raises(UsageError, match=r"^--set: A round of 0\.125 s at 2 fps has 0\.25 frames"):
        short.applied(StreamPolicy())
    with pytest.raises(UsageError, match=r"^fps must be above 0, not -1"):
        short.applied(OWN, PolicyOverrides(fps=-1.0))
    asked.write_text("[vision]\nmin_pixels = 1_000_000\n")
    with pytest.raises(UsageError, match=r"asked\.toml with --set, \[vision\]: min_pixels \(1000000\) must be"):
        read(asked, ["mode='full'"]).applied(OWN)


def test_all_keys_are_known_with_their_defaults() -> None:
    """Guards what is offered for --set against the policy itself."""
    told = dict(defaults())
    assert set(told) == {
        key for key in toml.keys(StreamPolicy) if key.rpartition(".")[2] not in {"vision", "windows"}
    } - {
        "prompt",
        "sampling",
        "prompt.markup",
    }
    lines = [f"{key} = {value}" for key, value in told.items()]
    assert policy_file.parse("\n".join(lines), source="all") == PolicyFile()
    assert read(None, lines).applied(OWN) == StreamPolicy()
