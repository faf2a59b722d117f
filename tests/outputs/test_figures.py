"""Figures as files: what is missing, what cannot be written, and that the same figure is the same file."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from svlm_cli.core.errors import OutputError, UsageError
from svlm_cli.outputs import figures
from svlm_cli.outputs.figures import new_figure, png, require_matplotlib, svg, write_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards everyone who does not plot: one sentence with the way out."""
    require_matplotlib("A plot")
    monkeypatch.setattr(figures, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"A plot needs matplotlib\. Install svlm-cli\[plots\]"):
        require_matplotlib("A plot")


def drawn(form: Callable[["Figure"], bytes] = png) -> bytes:
    with new_figure((2.0, 1.0)) as figure:
        figure.subplots().plot([1, 2])
        return form(figure)


@pytest.mark.parametrize("form", [png, svg])
def test_the_same_figure_is_the_same_file(tmp_path: Path, form: Callable[["Figure"], bytes]) -> None:
    """A date or a version in it would change the pictures of a page that nobody changed."""
    path = tmp_path / "new" / "a.png"
    for _ in range(2):
        write_picture(path, drawn(form), "")
        assert path.read_bytes() == drawn(form)
    assert [file.name for file in path.parent.iterdir()] == ["a.png"]


def test_what_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"a\.png cannot be written.*Take another"):
        write_picture(tmp_path / "file" / "a.png", b"", "Take another.")
