"""`--help` as people read it: in panels, with examples that work, no wider than a terminal, complete."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.cli.described import leaves, options
from svlm_cli.cli.examples import examples
from svlm_cli.cli.messages import EXIT_CODES, ExitCode
from svlm_cli.cli.panels import Panel
from svlm_cli.commands import app as application
from tests.test_docs import svlm_fault

COMMANDS = {" ".join(words): command for words, command in leaves(application.whole())}


def help_of(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert application.main([*words, "--help"]) == 0
    return capsys.readouterr().out.splitlines()


def test_options_stand_in_their_panels(capsys: pytest.CaptureFixture[str]) -> None:
    """Guards fifty options against being one list: who looks for cameras need not read of subtitles."""
    lines = help_of(capsys, "caption")
    titles = [line.strip("╭╮─ ") for line in lines if line.startswith("╭")]
    elsewhere = {Panel.MATCH, Panel.WINDOWS, Panel.PLANNING, Panel.MEASURING}
    assert sorted(titles) == sorted(["Arguments", *({*Panel} - elsewhere)])
    start = next(number for number, line in enumerate(lines) if line.startswith("╭─ Cameras"))
    end = next(number for number, line in enumerate(lines) if number > start and line.startswith("╰"))
    assert any("--rtsp-transport" in line for line in lines[start:end])


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("name", ["", "caption", "bench latency"])
def test_nothing_is_wider_than_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, columns: int
) -> None:
    """Guards against lines that the terminal breaks anywhere, and against escape codes in a pipe."""
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = help_of(capsys, *name.split())
    assert [line for line in lines if len(line) > columns] == []
    assert not any("\x1b" in line for line in lines)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_help_shows_every_text_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Guards brackets, which Rich could take for markup, and each option's default, limits and variable."""
    monkeypatch.setenv("COLUMNS", "600")
    text = "\n".join(help_of(capsys, *name.split()))
    for option in options(COMMANDS[name]):
        assert option.parameter.help in text
        assert option.parameter.opts[-1] in text or option.is_argument
        assert not option.parameter.envvar or f"[env var: {option.parameter.envvar}]" in text
        assert not option.unset or f"[default: ({option.unset})]" in text
    assert COMMANDS[name].help.partition("\n")[0] in text


@pytest.mark.parametrize("columns", [60, 80])
def test_examples_can_be_copied_from_the_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    """Guards calls that are wider than the terminal: a shell reads on behind the backslash."""
    monkeypatch.setenv("COLUMNS", str(columns))
    for name, listed in examples().items():
        lines = [line.strip() for line in help_of(capsys, *name.split())]
        text = "\n".join(lines[lines.index("Examples:") :])
        calls = [shlex.split(line) for line in text.replace("\\\n", "").splitlines() if line.startswith("svlm ")]
        assert calls == [shlex.split(example.line) for example in listed]


def test_every_command_has_examples_that_work() -> None:
    """Guards what is copied first: a renamed option must not live on in an example."""
    assert set(examples()) == {"", *COMMANDS}
    assert 3 <= len(examples()["caption"]) <= 6
    lines = [example.line for listed in examples().values() for example in listed]
    faults = {line: svlm_fault(shlex.split(line.partition(">")[0])[1:]) for line in lines}
    assert {line: fault for line, fault in faults.items() if fault} == {}
    for name, listed in examples().items():
        assert all(example.line.startswith(f"svlm {name}".rstrip()) for example in listed)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_option_says_what_it_does(name: str) -> None:
    """Guards against options without a word, and against words that a terminal without Unicode cannot show."""
    assert COMMANDS[name].help.isascii()
    for option in options(COMMANDS[name]):
        assert option.text.isascii()
        assert option.parameter.help.endswith((".", "!", "?")), option.title
        assert option.panel in {*Panel, "Arguments"}


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


def test_the_manual_shows_what_is_built_in() -> None:
    """Guards the manual, which is made where nothing is called, against defaults of somebody's configuration."""
    described = {option.key: option for option in options(COMMANDS["caption"])}
    assert described["jobs"].text.endswith("[default: 1; x>=1]")
    assert "default: graphs" in described["graphs"].text
    assert "env var: SVLM_MODEL" in described["model"].text
    assert described["mode"].value.startswith("streaming|full|")
    assert (described["fps"].kind, described["credentials"].kind) == (float, Path)
