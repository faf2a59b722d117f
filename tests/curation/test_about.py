"""What videos are about, from a CSV."""

from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.curation.about import About, read_about


def test_by_path_and_by_name(tmp_path: Path) -> None:
    """Guards titles that go to another video of the same name, and names without a folder."""
    path = tmp_path / "about.csv"
    rows = 'video,title,category\nx/a.mp4,"Reds, again","ice hockey"\n\nb.mp4,Blues,\ny/b.mp4,Greens,\n'
    path.write_text("\ufeff" + rows, encoding="utf-8")
    about = read_about(path)
    assert about.of(tmp_path / "x" / "a.mp4") == About("Reds, again", "ice hockey")
    assert about.of(tmp_path / "y" / "a.mp4") is None
    assert about.of(tmp_path / "x" / "b.mp4") == About("Blues", "")
    assert about.of(tmp_path / "y" / "b.mp4") == About("Greens", "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("title\nx\n", "Line 1 of .* must name the columns"),
        ("video,name\nx,y\n", "Line 1 of .* must name the columns"),
        ("", "Line 1 of .* must name the columns"),
        ("video,title\na.mp4\n", "Line 2 of .* has 1 fields, not 2"),
        ("video,title\n ,x\n", "Line 2 of .* names no video"),
        ("video\na.mp4\na.mp4\n", "Line 3 of .* is a second one about 'a.mp4'"),
        ('video\n"a.mp4\n', "is not a CSV file in UTF-8"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """Guards against titles that are lost without a word."""
    path = tmp_path / "about.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=problem):
        read_about(path)
