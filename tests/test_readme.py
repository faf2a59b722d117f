"""The commands of README.md, run as they stand there, with the model that comes with svlm.

Those of the section on many videos are recipes for a shell, and have a module of their own. What needs a camera, a GPU
or the hub says so in its block's first line.
"""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from svlm_cli.commands.app import main
from tests.conftest import ROOT, environment

_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NEEDS = re.compile(r"# needs (cameras|a GPU)")
ELSEWHERE = {  # line: where it is run
    "make demo": "tests/commands/test_default_model.py",
    "pip install .": "tests/test_packaging.py",
    "svlm doctor": "tests/commands/test_doctor.py",
}


def lines() -> list[str]:
    """Each command that a reader can run at once, without what stands behind it."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    head, _, rest = page.partition("\n## Many videos\n")
    blocks = _BLOCK.findall(head + rest[rest.index("\n## ") :])
    ready = [block for block in blocks if not _NEEDS.match(block)]
    assert 0 < len(blocks) - len(ready) <= 3, "a block that needs more than this machine says so"
    return [line.partition("  #")[0].strip() for block in ready for line in block.splitlines()]


def test_each_command_is_run_somewhere() -> None:
    """Guards the table above against lines that have gone, and tests that have."""
    assert set(ELSEWHERE) <= set(lines())
    assert all((ROOT / place).is_file() for place in ELSEWHERE.values())


@pytest.mark.timeout(120)
@pytest.mark.parametrize("line", [line for line in lines() if line not in ELSEWHERE])
def test_a_command_does_what_it_says(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In a folder with the match that the page speaks of, and in this process, so that torch is imported once."""
    shutil.copy(ROOT / "docs" / "assets" / "match.mp4", tmp_path / "match.mp4")
    monkeypatch.chdir(tmp_path)
    if "|" in line or "<" in line:
        script = f'svlm() {{ {shlex.quote(sys.executable)} -m svlm_cli "$@"; }}; {line}'
        done = subprocess.run(["bash", "-eu", "-c", script], env=environment(), capture_output=True, check=False)
        code, told, out = done.returncode, done.stderr.decode(), done.stdout.decode()
    else:
        words = shlex.split(line)
        assert words[0] == "svlm"
        code = main(words[1:])
        out, told = capfd.readouterr()
    assert code == 0, told
    named = re.findall(r"(?:-o|--mux|--burn-in|--report) (\w[\w.-]+)", line)
    assert all((tmp_path / name).stat().st_size > 0 for name in named)
    assert named or out or (tmp_path / "match.srt").stat().st_size > 0
