"""Copies of a video, from what is said in advance to what is said when they are made."""

from pathlib import Path

from svlm_cli.outputs.style import CueStyle
from svlm_cli.pipeline.batch import Job
from svlm_cli.pipeline.products import SubtitledCopy, check_products
from tests.clips import make_clip


def test_what_a_copy_will_lack_is_said_once_and_in_advance(tmp_path: Path) -> None:
    """Guards against fonts that are found to be missing when hours of captioning are over."""
    font, source, path = tmp_path / "a.ttf", tmp_path / "a.mkv", tmp_path / "out.mp4"
    font.write_bytes(b"font")
    make_clip(source, frames=4, options=("-attach", str(font), "-metadata:s:t", "mimetype=application/x-truetype-font"))
    product = SubtitledCopy(str(source), path, burned=False, language="eng", style=CueStyle(), overwrite=False)
    notice = f"{path} lacks 1 attachment (ttf), which MP4 cannot hold."
    assert check_products([Job(str(source), ())], [product]) == [notice]
    for output in product.outputs():
        output.close(complete=True)
    assert product.make(lambda done_s: None) == ""
    product.close()
    assert {one.name for one in tmp_path.iterdir()} == {"a.ttf", "a.mkv", "out.mp4"}
