"""What is made of a video: what is said of it in advance, and what becomes of a video in which nothing was said."""

from pathlib import Path

import pytest

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.types import Chunk
from svlm_cli.outputs.style import DEFAULT_STYLE
from svlm_cli.pipeline.batch import Job
from svlm_cli.pipeline.products import Product, ReportPage, SubtitledCopy, check_products
from tests.clips import make_clip, numbered, run_ffmpeg
from tests.outputs.speech import rounds


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", frames=20, fps="10")


def made(product: Product) -> Path:
    product.prepare()
    outputs = product.outputs()
    for segment in rounds(["", " ..."]):
        product.look(Chunk((numbered(0),), segment.start_s, segment.end_s))
        for output in outputs:
            output.write(segment)
    for output in outputs:
        output.close()
    product.make(lambda done_s: None)
    product.close()
    return product.path


@pytest.mark.parametrize("name", ["mux.mkv", "mux.mp4", "burnt.mp4", "burnt.mkv"])
def test_a_copy_without_words_is_a_copy(clip: Path, tmp_path: Path, name: str) -> None:
    """Guards what is made of black or still footage: ffmpeg reads an empty file of subtitles as it reads any other."""
    burned = name.startswith("burnt")
    copy = SubtitledCopy(
        str(clip), tmp_path / name, burned=burned, language="eng", style=DEFAULT_STYLE, overwrite=False
    )
    assert run_ffmpeg("-i", made(copy), "-map", "0:v", "-f", "framecrc", "-").count(b"\n0,") == 20
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_page_without_words_says_so(clip: Path, tmp_path: Path) -> None:
    page = made(ReportPage(str(clip), tmp_path / "r.html", model="m", style=DEFAULT_STYLE, overwrite=False)).read_text()
    assert "0 lines" in page
    assert "<li " not in page


def test_what_a_copy_will_lack_is_said_once_and_in_advance(tmp_path: Path) -> None:
    """Guards against fonts that are found to be missing when hours of captioning are over."""
    font, source, path = tmp_path / "a.ttf", tmp_path / "a.mkv", tmp_path / "out.mp4"
    font.write_bytes(b"font")
    make_clip(source, frames=4, options=("-attach", str(font), "-metadata:s:t", "mimetype=application/x-truetype-font"))
    product = SubtitledCopy(str(source), path, burned=False, language="eng", style=DEFAULT_STYLE, overwrite=False)
    notice = f"{path} lacks 1 attachment (ttf), which MP4 cannot hold."
    assert check_products([Job(SourceAddress(str(source)), ())], [product]) == [notice]
    for output in product.outputs():
        output.close(complete=True)
    assert product.make(lambda done_s: None) == ""
    product.close()
    assert {one.name for one in tmp_path.iterdir()} == {"a.ttf", "a.mkv", "out.mp4"}
