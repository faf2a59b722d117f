"""Commands whose standard streams are closed or full: exit codes and files as otherwise."""

from pathlib import Path

import pytest

from tests.conftest import Svlm
from tests.core.test_streams import CLOSED, redirected


@pytest.mark.parametrize(
    ("redirection", "arguments", "code"),
    [
        (CLOSED, ("--version",), 0),
        ("2>/dev/full", (), 2),
        (">&-", ("caption", "clip.mp4", "-o", "-"), 1),
        ("<&-", ("caption", "-", "-o", "out.srt"), 3),
    ],
)
def test_the_exit_code_is_the_same(tmp_path: Path, redirection: str, arguments: tuple[str, ...], code: int) -> None:
    done = redirected(redirection, "-m", "svlm_cli", *arguments, folder=tmp_path)
    assert done.returncode == code, done.stderr
    said = {1: "svlm: Standard output is closed. Use -o FILE.\n", 3: "svlm: Standard input is closed. "}
    assert done.stderr.startswith(said.get(code, "") if "2>" not in redirection else "")


def test_captions_are_the_same(svlm_inside: Svlm, here: Path, tmp_path: Path, tiny_checkpoint: Path) -> None:
    base = ("caption", here.name, "--model", tiny_checkpoint, "--progress", "plain")
    done = redirected(CLOSED, "-m", "svlm_cli", *base, "-f", "srt,jsonl", folder=tmp_path)
    assert done.returncode == 0
    assert svlm_inside(*base, "-o", "heard.srt").returncode == 0
    assert here.with_suffix(".srt").read_text() == (tmp_path / "heard.srt").read_text() != ""
    assert here.with_suffix(".jsonl").read_text().count("\n") > 1
