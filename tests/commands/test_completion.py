"""What Tab offers: asked as shells ask, in this process; and in real shells, as far as they are installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from svlm_cli.commands import completion
from svlm_cli.commands.app import main
from svlm_cli.commands.command_table import COMMANDS
from tests.conftest import ROOT, environment


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> "Offered":
    monkeypatch.chdir(tmp_path)
    return Offered(monkeypatch, capsys)


class Offered:
    """``offered("caption", "--mo")``: what may stand there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *words: str, shell: str = "bash") -> list[str]:
        self._monkeypatch.setenv("_SVLM_COMPLETE", f"complete_{shell}")
        assert main(words) == 0
        out, err = self._capsys.readouterr()
        assert err == ""
        return [line.partition("\t")[0] for line in out.splitlines()]


def test_commands_and_options(offered: Offered) -> None:
    """Guards lazy commands: their options are known although nobody has imported them."""
    assert offered("") == list(COMMANDS)
    assert offered("ca") == ["caption"]
    assert set(offered("caption", "--mo")) == {"--mode", "--model"}
    assert offered("bench", "la") == ["latency"]
    assert offered("bench", "latency", "--ran") == ["--random-weights"]
    assert offered("--show") == ["--show-completion"]


def test_values(offered: Offered, tmp_path: Path) -> None:
    """Guards the words that nobody remembers: models, formats in a list, modes, devices, rows, shells."""
    (tmp_path / "svlm-mine").mkdir()
    assert offered("caption", "--model", "svlm") == ["svlm-mini", "svlm-mine/"]
    assert offered("caption", "--model", "au") == ["auto"]
    assert offered("models", "pull", "au") == []
    assert offered("caption", "-f", "srt,v") == ["srt,vtt"]
    assert "srt,srt" not in offered("caption", "-f", "srt,")
    assert offered("caption", "--mode", "win") == ["window", "window-overlap"]
    assert offered("caption", "--device", "") == ["auto", "cpu", "cuda"]
    assert offered("eval", "claims", "results", "--row", "vision-1") == ["vision-1", "vision-16"]
    assert offered("caption", "--set", "windows.si") == ["windows.sink_tokens="]
    assert offered("bench", "stages", "--set", "mo") == ["mode="]
    assert offered("models", "pull", "st") == ["streamingvlm-7b"]
    assert offered("man", "ca") == ["caption"]
    assert offered("--install-completion", "") == ["bash", "zsh", "fish"]
    assert offered("caption", "clip") == []  # the shell completes files


@pytest.mark.parametrize(
    ("shell", "words", "expected"),
    [
        ("bash", ["caption", "--mode", "=", "fu"], "full"),
        ("zsh", ["caption", "--mode=fu"], "--mode=full"),
        ("fish", ["caption", "--mode=fu"], "--mode=full"),
    ],
)
def test_values_after_an_equals_sign(offered: Offered, shell: str, words: list[str], expected: str) -> None:
    """Guards `--mode=`, which each shell parts in its own way."""
    assert offered(*words, shell=shell) == [expected]


def test_broken_settings_and_values_are_no_obstacle(offered: Offered, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards Tab in the middle of a line that cannot be run yet."""
    monkeypatch.setenv("SVLM_CONFIG", "gone.toml")
    assert offered("caption", "--jobs", "zero", "--fail") == ["--fail-fast"]


def test_completing_imports_nothing_heavy() -> None:
    """Guards the wait after Tab."""
    script = "import sys; from svlm_cli.commands.app import main; assert main(['caption', '--model', '']) == 0\n"
    script += "assert not {'torch', 'transformers', 'numpy', 'pydantic'} & set(sys.modules)"
    env = environment(_SVLM_COMPLETE="complete_bash")
    subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, check=True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_installing_twice_changes_nothing(
    shell: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Guards people's own start files: one line is added, once, and what was there stays."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "ZDOTDIR"):
        monkeypatch.delenv(variable, raising=False)
    started = tmp_path / f".{shell}rc"
    started.write_text("mine")
    for _ in range(2):
        assert main(["--install-completion", shell]) == 0
        assert f"Completion for {shell} is in {tmp_path}" in capsys.readouterr().out
    lines = started.read_text().splitlines()
    assert (lines[0], len(lines)) == ("mine", 1 if shell == "fish" else 2)
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path != started]
    assert [path.read_text() for path in written] == [completion.script(shell) + "\n"]


def test_a_shell_that_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    """Guards users of other shells against an installation that does nothing."""
    assert main(["--install-completion", "tcsh"]) == 2
    assert capsys.readouterr().err == "svlm: There is no completion for tcsh. Name one of bash, zsh, fish.\n"


ASK = {
    "bash": (
        "source {script}; COMP_WORDS=(svlm caption --model svlm-m); COMP_CWORD=3\n"
        'compopt() {{ :; }}; _svlm_completion svlm; printf "%s\\n" "${{COMPREPLY[@]}}"'
    ),
    "zsh": (
        "compdef() {{ :; }}; source {script}; words=(svlm caption --model svlm-m); CURRENT=4\n"
        '_describe() {{ print -l -- ${{(P)3%%:*}} }}; _files() {{ print files }}; _svlm | sed "s/:.*//"'
    ),
    "fish": "source {script}; complete --do-complete 'svlm caption --model svlm-m' | string replace --regex '\\t.*' ''",
}


@pytest.mark.parametrize("shell", list(ASK))
def test_real_shells(shell: str, tmp_path: Path) -> None:
    """Guards the shells' side: what is printed for them runs there, and offers what svlm says."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(completion.script(shell))
    (tmp_path / "svlm").write_text(f'#!/bin/sh\nexec {sys.executable} -m svlm_cli "$@"\n')
    (tmp_path / "svlm").chmod(0o755)
    env = environment(PATH=f"{tmp_path}:{os.environ['PATH']}", HOME=str(tmp_path), PYTHONPATH=str(ROOT))
    arguments = {"zsh": ["-f"], "bash": ["--norc"], "fish": ["--no-config"]}[shell]
    done = subprocess.run(
        [program, *arguments, "-c", ASK[shell].format(script=tmp_path / "script")],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.stdout.split(), done.stderr) == (["svlm-mini"], "")
