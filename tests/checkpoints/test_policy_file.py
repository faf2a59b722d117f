"""The strict reader and writer of policy.toml: nothing is ignored, nothing is guessed, all of a policy can be set."""

import os
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svlm_cli.checkpoints.policy_file import ModelInfo, PolicyFile, WeightsInfo, dump, parse, read
from svlm_cli.core.errors import ModelError
from svlm_cli.core.policy import PromptPolicy, StreamPolicy


def _leaves(part: Any, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for one in fields(part):
        value = getattr(part, one.name)
        yield from _leaves(value, (*prefix, one.name)) if is_dataclass(value) else [(*prefix, one.name)]


def _other(value: Any) -> Any:
    """A valid value of the same type that is not ``value``."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, StrEnum):
        return next(one for one in type(value) if one is not value)
    if isinstance(value, str):
        return f'{value} "é\\\n\x7f'
    return ("a", ' "é') if isinstance(value, tuple) else value * 2 + 1


def _changed(part: Any, path: tuple[str, ...]) -> Any:
    value = getattr(part, path[0])
    return replace(part, **{path[0]: _other(value) if len(path) == 1 else _changed(value, path[1:])})


@pytest.mark.parametrize("path", list(_leaves(StreamPolicy())), ids=".".join)
def test_every_field_of_a_policy_can_be_written_and_read(path: tuple[str, ...]) -> None:
    """Guards against a field that a file cannot set, or that is dropped on the way."""
    file = PolicyFile(policy=_changed(StreamPolicy(), path))
    assert file != PolicyFile()
    assert parse(dump(file), source="policy.toml") == file


@given(st.text(st.characters(exclude_categories=["Cs"])), st.floats(0, 1e6), st.integers(0, 10**7))
def test_what_is_written_reads_back(text: str, number: float, whole: int) -> None:
    """Guards against quoting that TOML does not know, and numbers that lose digits."""
    policy = StreamPolicy(prompt=PromptPolicy(system=text))
    policy = replace(policy, windows=replace(policy.windows, sink_tokens=whole))
    policy = replace(policy, sampling=replace(policy.sampling, temperature=number))
    file = PolicyFile(ModelInfo(title=text), WeightsInfo(hub="a/b", size_gb=number), policy)
    assert parse(dump(file), source="policy.toml") == file


def test_what_is_missing_is_the_default() -> None:
    """Guards against a policy that must repeat everything to change one thing."""
    assert parse("", source="policy.toml") == PolicyFile()
    assert parse("[vision]\nfps = 4", source="policy.toml").policy.vision == replace(StreamPolicy().vision, fps=4.0)


def test_whole_numbers_do_for_numbers() -> None:
    """Guards against `fps = 2` being refused, and against an int that travels on as one."""
    assert type(parse("[vision]\nfps = 2", source="policy.toml").policy.vision.fps) is float


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("fps = 2", "unknown key 'fps'", "'vision.fps'"),
        ("[vision]\nfsp = 2", "unknown key 'vision.fsp'", "'vision.fps'"),
        ("[window]\nsink_tokens = 1", "unknown key 'window'", "'windows'"),
        ("[prompt.markup]\nturn_begin = ''", "unknown key 'prompt.markup.turn_begin'", "'prompt.markup.turn_"),
        ("[policy]\nmode = 'full'", "unknown key 'policy'", ""),
        ("[weights]\nhubb = 'a/b'", "unknown key 'weights.hubb'", "'weights.hub'"),
        ("[vision]\nfps = true", "vision.fps must be a number, not True", ""),
        ("[windows]\nsink_tokens = false", "windows.sink_tokens must be a whole number, not False", ""),
        ("[windows]\nsink_tokens = 1.0", "windows.sink_tokens must be a whole number, not 1.0", ""),
        ("[prompt]\nkeep_query = 1", "prompt.keep_query must be true or false, not 1", ""),
        ("[prompt]\nquery = 3", "prompt.query must be a text, not 3", ""),
        ("vision = 3", "vision must be a table, not 3", ""),
        ("model = []", "model must be a table", ""),
        ("mode = 'stream'", "mode must be one of 'streaming', 'full'", "'streaming'"),
        ("mode = []", "mode must be one of", ""),
        ("[vision]\nfps = 0", "[vision]: fps must be above 0", ""),
        ("chunk_seconds = 0.3", "has 0.6 frames", ""),
        ("[sampling]\ntemperature = nan", "temperature must be 0 or more", ""),
        (f"[vision]\nfps = 1{'0' * 400}", "at most 64 bits", ""),
        ("[weights]\nhub = 'streamingvlm'", "[weights]: hub must look like organisation/name", ""),
        ("[weights]\nrevision = ' '", "revision must not be blank", ""),
        ("[weights]\nsize_gb = inf", "size_gb must be 0 or more", ""),
        ("mode = ", "is not valid TOML", ""),
        (f"a = {'[' * 5000}", "is not valid TOML", ""),
        (f"a = {'9' * 5000}", "is not valid TOML", ""),
        (f"mode = 0x{'f' * 5000}", "at most 64 bits", ""),
        (f"[windows]\nsink_tokens = [[0x{'f' * 5000}]]", "at most 64 bits", ""),
        ("[windows]\nsink_tokens = 1000000000000000000", "[windows]: sink_tokens must be at most", ""),
        (f"[{'a.' * 50_000}a]", "more than 500 dots", ""),
        (f"{'a . ' * 50_000}a = 1", "more than 500 dots", ""),
        ("[weights]\nsize_gb = 1e308", "[weights]: size_gb must be at most", ""),
        (f"[vision]\nfps = {'[' * 150}{']' * 150}", "vision.fps must be a number, not [[[", ""),
    ],
)
def test_an_error_names_the_file_and_the_key(text: str, message: str, hint: str) -> None:
    """Guards against a misspelt key that changes nothing, a bool that is 1, and errors that do not say where."""
    with pytest.raises(ModelError, match=re.escape(message)) as caught:
        parse(text, source="some/policy.toml")
    assert caught.value.message.startswith("some/policy.toml")
    assert hint in caught.value.hint


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """Guards against tracebacks for a missing, binary or enormous file."""
    missing, binary, huge = (tmp_path / name for name in ("missing", "binary", "huge"))
    binary.write_bytes(b"\xff\xfe")
    huge.write_bytes(b"#" * 2_000_000)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (missing, binary, huge, pipe):
        with pytest.raises(ModelError, match=str(path)):
            read(path)
