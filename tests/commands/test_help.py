"""`--help` as people read it: in panels, with examples that work, no wider than a terminal, in plain text."""

import shlex
from collections.abc import Sequence
from typing import Any

import pytest

from svlm_cli.commands import app as application
from svlm_cli.commands.described import leaves, options
from svlm_cli.commands.examples import EXAMPLES
from svlm_cli.commands.messages import EXIT_CODES, ExitCode
from svlm_cli.commands.panels import Panel
from tests.test_docs import svlm_fault

COMMANDS = {" ".join(words): command for words, command in leaves(application.whole())}


def help_of(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert application.main([*words, "--help"]) == 0
    return capsys.readouterr().out.splitlines()


def headings(lines: Sequence[str]) -> list[str]:
    return [line[:-1] for line in lines if line.endswith(":") and not line.startswith(" ")]


def test_options_stand_in_their_panels(capsys: pytest.CaptureFixture[str]) -> None:
    """Guards fifty options against being one list: who looks for cameras need not read of subtitles."""
    lines = help_of(capsys, "caption")
    assert headings(lines) == [
        *(panel.value for panel in Panel if panel.value not in {"Match", "Windows", "Planning", "Measuring"}),
        "Examples",
    ]
    cameras = lines[lines.index("Cameras:") : lines.index("Other:")]
    assert any("--rtsp-transport" in line for line in cameras)


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("name", ["", "caption", "bench latency"])
def test_nothing_is_wider_than_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, columns: int
) -> None:
    """Guards against lines that the terminal breaks anywhere. Examples are exempt: they are there to be copied."""
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = help_of(capsys, *name.split())
    examples = {example.line for listed in EXAMPLES.values() for example in listed}
    titles = {option.title for option in options(COMMANDS[name])} if name else set()
    wide = [line for line in lines if len(line) > columns and line.strip() not in examples | titles]
    assert wide == []
    assert not any("\x1b" in line for line in lines)


def test_headings_stand_out_on_a_terminal_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards people who see, scripts that read, and NO_COLOR."""
    import sys

    from svlm_cli.commands.help import heading

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert heading("Model") == "Model:"  # NO_COLOR is set for all tests
    monkeypatch.delenv("NO_COLOR")
    assert heading("Model") == "\x1b[1mModel:\x1b[0m"
    monkeypatch.setenv("TERM", "dumb")
    assert heading("Model") == "Model:"


def test_every_command_has_examples_that_work() -> None:
    """Guards what is copied first: a renamed option must not live on in an example."""
    assert set(EXAMPLES) == {"", *COMMANDS}
    assert 3 <= len(EXAMPLES["caption"]) <= 6
    lines = [example.line for listed in EXAMPLES.values() for example in listed]
    faults = {line: svlm_fault(shlex.split(line.partition(">")[0])[1:]) for line in lines}
    assert {line: fault for line, fault in faults.items() if fault} == {}
    for name, listed in EXAMPLES.items():
        assert all(example.line.startswith(f"svlm {name}".rstrip()) for example in listed)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_option_says_what_it_does(name: str) -> None:
    """Guards against options without a word, and against values that only their type describes."""
    for option in options(COMMANDS[name]):
        assert option.help.endswith((".", "!", "?")), option.title
        assert option.panel in Panel
        assert "<" not in option.value


def test_svlm_help_tells_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """Guards scripts: the codes are part of what svlm promises."""
    assert set(EXIT_CODES) == set(ExitCode)
    text = " ".join(" ".join(help_of(capsys)).split())
    assert all(f"{int(code)} {said}" in text for code, said in EXIT_CODES.items())


def test_help_shows_the_defaults_in_force(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Guards against help that contradicts what the command will do."""
    (tmp_path / "config.toml").write_text("[caption]\nmax-line-width = 37\n")
    monkeypatch.setenv("SVLM_CONFIG", str(tmp_path / "config.toml"))
    assert "[default: 37]" in "\n".join(help_of(capsys, "caption"))


def test_a_context_is_not_needed_to_describe() -> None:
    """Guards the manual, which is made where nothing is called: it shows what is built in."""
    described = {option.key: option for option in options(COMMANDS["caption"])}
    assert (described["jobs"].default, described["jobs"].limits) == ("1", "1 or more")
    assert described["graphs"].default == "--graphs"
    assert described["model"].variable == "SVLM_MODEL"
    assert described["mode"].value.startswith("streaming|full|")
    assert described["fps"].value == "X"
