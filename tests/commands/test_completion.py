"""What Tab offers: Typer's completion, asked as shells ask it, in this process; and in real shells, if installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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

    def __call__(self, *words: str) -> list[str]:
        self._monkeypatch.setenv("_SVLM_COMPLETE", "complete_bash")
        self._monkeypatch.setenv("COMP_WORDS", " ".join(("svlm", *words)))
        self._monkeypatch.setenv("COMP_CWORD", str(len(words)))
        assert main([]) == 0
        out, err = self._capsys.readouterr()
        assert err == ""
        return [str(line) for line in out.split()]


def test_commands_and_options(offered: Offered) -> None:
    """Guards lazy commands: their options are known although nobody has imported them."""
    assert offered("") == list(COMMANDS)
    assert offered("ca") == ["caption"]
    assert set(offered("caption", "--mo")) == {"--mode", "--model"}
    assert offered("bench", "la") == ["latency"]
    assert offered("bench", "latency", "--ran") == ["--random-weights"]
    assert offered("--show") == ["--show-completion"]


def test_values(offered: Offered, tmp_path: Path) -> None:
    """Guards the words that nobody remembers: models, formats in a list, modes, devices, rows."""
    (tmp_path / "svlm-mine").mkdir()
    assert offered("caption", "--model", "svlm") == ["svlm-footage", "svlm-mini", "svlm-mine/"]
    assert offered("caption", "--model", "au") == ["auto"]
    assert offered("models", "pull", "au") == []
    assert offered("caption", "-f", "srt,v") == ["srt,vtt"]
    assert "srt,srt" not in offered("caption", "-f", "srt,")
    assert offered("caption", "--mode", "win") == ["window", "window-overlap"]
    assert offered("caption", "--mode=fu") == ["full"]
    assert offered("caption", "--device", "") == ["auto", "cpu", "cuda"]
    assert offered("eval", "claims", "results", "--row", "vision-1") == ["vision-1", "vision-16"]
    assert offered("caption", "--set", "windows.si") == ["windows.sink_tokens="]
    assert offered("bench", "stages", "--set", "mo") == ["mode="]
    assert offered("models", "pull", "st") == ["streamingvlm-7b"]
    assert offered("man", "ca") == ["caption"]
    assert offered("caption", "clip") == []  # the shell completes files


def test_broken_settings_and_values_are_no_obstacle(offered: Offered, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards Tab in the middle of a line that cannot be run yet."""
    monkeypatch.setenv("SVLM_CONFIG", "gone.toml")
    assert offered("caption", "--jobs", "zero", "--fail") == ["--fail-fast"]


def test_completing_imports_nothing_heavy() -> None:
    """Guards the wait after Tab."""
    script = "import sys; from svlm_cli.commands.app import main; assert main([]) == 0\n"
    script += "assert not {'torch', 'transformers', 'numpy'} & set(sys.modules)"
    env = environment(_SVLM_COMPLETE="complete_bash", COMP_WORDS="svlm caption --model ", COMP_CWORD="3")
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert "svlm-mini" in done.stdout.split()


def test_a_request_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards against captions of an hour in the place of a completion."""
    monkeypatch.setenv("_SVLM_COMPLETE", "complete_tcsh")
    assert main(["caption", "clip.mp4"]) == 1
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("_SVLM_COMPLETE", "complete_bash")
    monkeypatch.delenv("COMP_CWORD", raising=False)
    assert main(["caption", "clip.mp4"]) == 2
    assert capsys.readouterr() == ("", "svlm: _SVLM_COMPLETE is set, but there is nothing to complete. Unset it.\n")


ASK = {
    "bash": (
        "source {script}; COMP_WORDS=(svlm caption --model svlm-m); COMP_CWORD=3\n"
        '_svlm_completion svlm; printf "%s\\n" "${{COMPREPLY[@]}}"'
    ),
    "zsh": (
        "compdef() {{ :; }}; _arguments() {{ print -r -- $* | grep -o 'svlm-m[a-z-]*' }}; source {script}\n"
        "words=(svlm caption --model svlm-m); CURRENT=4; _svlm_completion"
    ),
    "fish": "source {script}; complete --do-complete 'svlm caption --model svlm-m' | string replace --regex '\\t.*' ''",
}


@pytest.mark.parametrize("shell", list(ASK))
def test_real_shells(shell: str, tmp_path: Path) -> None:
    """Guards the shells' side: what is installed there runs, and offers what svlm says."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "svlm").write_text(f'#!/bin/sh\nexec {sys.executable} -m svlm_cli "$@"\n')
    (tmp_path / "svlm").chmod(0o755)
    env = environment(PATH=f"{tmp_path}:{os.environ['PATH']}", HOME=str(tmp_path), PYTHONPATH=str(ROOT))
    script = subprocess.run(
        ["svlm"],
        env=env | {"_SVLM_COMPLETE": f"source_{shell}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    (tmp_path / "script").write_text(script.stdout)
    arguments = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
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
