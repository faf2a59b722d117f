"""The programs of docs/python.md, run as they stand there."""

import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT

BLOCKS = re.findall(
    r"^```python\n(.*?)^```$", (ROOT / "docs" / "python.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)


@pytest.mark.parametrize("block", [block for block in BLOCKS if not block.startswith("# needs cameras")])
def test_programs_of_the_page_run(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, so that torch is imported once."""
    shutil.copy(ROOT / "docs" / "assets" / "match.mp4", tmp_path / "match.mp4")
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "docs/python.md", "exec"), {})


def test_the_camera_of_the_page_can_be_read() -> None:
    """It needs a camera; `test_camera.py` runs its like."""
    (block,) = (block for block in BLOCKS if block.startswith("# needs cameras"))
    compile(block, "docs/python.md", "exec")
