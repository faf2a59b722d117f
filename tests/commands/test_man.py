"""The manual: it names every option of every command, and those who format it have nothing to complain about."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from svlm_cli.cli.described import leaves, options
from svlm_cli.cli.manual import manual_of
from svlm_cli.cli.messages import ExitCode
from svlm_cli.commands import app as application
from svlm_cli.commands.app import whole
from tests.conftest import Svlm

COMMANDS = dict(leaves(application.whole()))
LINTERS = {"mandoc": ["mandoc", "-Tlint", "-Wwarning"], "groff": ["groff", "-man", "-ww", "-z", "-Tutf8"]}
NO_DATE = "missing date"  # a page that is made anew from each version has none


def formatted(page: str) -> str:
    """What a reader sees, as far as words go."""
    plain = re.sub(r"\\f[BIR]", "", page).replace("\\-", "-").replace("\\&", "")
    return plain.replace("\\(aq", "'").replace("\\(ga", "`").replace("\\(ti", "~")


@pytest.mark.parametrize("words", [(), *COMMANDS], ids=" ".join)
def test_every_option_stands_in_it(words: tuple[str, ...]) -> None:
    """Guards against a manual that lags behind: it is made of the options themselves."""
    text = formatted(manual_of(whole(), words))
    for path, command in COMMANDS.items():
        if path[: len(words)] == words:
            assert f"svlm {' '.join(path)} [OPTIONS]" in text
            assert [one.title for one in options(command) if f"\n{one.title}\n" not in text] == []


def test_the_sections_are_those_of_a_manual() -> None:
    """Guards what people look for by name."""
    text = manual_of(whole())
    sections = re.findall(r"^\.SH (.+)$", text, re.MULTILINE)
    assert sections == "NAME/SYNOPSIS/DESCRIPTION/COMMANDS/EXIT STATUS/ENVIRONMENT/FILES/EXAMPLES".split("/")
    assert all(f"\\fB{int(code)}\\fR" in text for code in ExitCode)
    assert {"SVLM_MODEL", "SVLM_CONFIG", "SVLM_PASSWORD"} <= set(re.findall(r"SVLM_[A-Z]+", text))
    assert '.SH OPTIONS\n.SS "Arguments"' in manual_of(whole(), ("caption",))


@pytest.mark.parametrize("linter", list(LINTERS))
@pytest.mark.parametrize("words", [(), ("caption",), ("bench",)], ids=" ".join)
def test_formatters_have_no_complaint(linter: str, words: tuple[str, ...], tmp_path: Path) -> None:
    """Guards against words that roff takes for commands."""
    if shutil.which(linter) is None:
        pytest.skip(f"{linter} is not installed")
    page = tmp_path / "svlm.1"
    page.write_text(manual_of(whole(), words), encoding="utf-8")
    done = subprocess.run([*LINTERS[linter], page], capture_output=True, text=True, check=False)
    told = [line for line in (done.stdout + done.stderr).splitlines() if NO_DATE not in line]
    assert told == []


def test_the_command_prints_it(svlm_inside: Svlm) -> None:
    """Guards `svlm man > svlm.1`, and the way out for a name that is none."""
    assert svlm_inside("man", "models").stdout == manual_of(whole(), ("models",))
    done = svlm_inside("man", "captoin")
    assert (done.returncode, done.stderr) == (2, "svlm: There is no command captoin. Did you mean caption?\n")
