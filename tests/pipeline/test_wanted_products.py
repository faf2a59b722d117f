"""What is made of a video besides files of words, as a request names it: which products, and what is said of them."""

from pathlib import Path

import pytest

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import OutputExistsError, UsageError
from svlm_cli.outputs.format import Format
from svlm_cli.pipeline.batch import Job, Target
from svlm_cli.pipeline.products import ReportPage, SubtitledCopy
from svlm_cli.pipeline.wanted_products import WantedProducts
from tests.clips import make_clip
from tests.reporters import KeepingReporter


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", frames=4)


def job_of(clip: Path, *kept: Target) -> Job:
    return Job(SourceAddress(str(clip)), (), kept)


def test_each_file_is_a_product_of_its_kind(clip: Path, tmp_path: Path) -> None:
    """Guards `--mux` and `--burn-in` against changing places."""
    wanted = WantedProducts(tmp_path / "a.mkv", tmp_path / "b.mkv", tmp_path / "c.html", model="m")
    found = wanted.plan([job_of(clip)], KeepingReporter())
    assert [(type(one), one.path.name) for one in found] == [
        (SubtitledCopy, "a.mkv"),
        (SubtitledCopy, "b.mkv"),
        (ReportPage, "c.html"),
    ]


def test_existing_files_are_refused_kept_or_replaced(clip: Path, tmp_path: Path) -> None:
    """Guards a copy that took hours."""
    path = tmp_path / "page.html"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(OutputExistsError):
        WantedProducts(report=path).plan([job_of(clip)], KeepingReporter())
    assert WantedProducts(report=path, skip_existing=True).plan([job_of(clip)], KeepingReporter()) == ()
    assert len(WantedProducts(report=path, overwrite=True).plan([job_of(clip)], KeepingReporter())) == 1


def test_words_that_are_kept_are_not_those_of_a_new_page(clip: Path, tmp_path: Path) -> None:
    """Guards against a page that is taken for the words in the file beside it."""
    reporter = KeepingReporter()
    job = job_of(clip, Target(Format.SRT, tmp_path / "clip.srt"))
    WantedProducts(report=tmp_path / "page.html").plan([job], reporter)
    assert [line.partition(" is kept")[0] for line in reporter.told] == [str(tmp_path / "clip.srt")]


def test_what_cannot_be_made_is_refused(clip: Path, tmp_path: Path) -> None:
    """Guards the video itself, and tracks whose language no player knows."""
    with pytest.raises(UsageError, match="is the video itself"):
        WantedProducts(mux=clip, overwrite=True).plan([job_of(clip)], KeepingReporter())
    with pytest.raises(UsageError, match="is not a three-letter code"):
        WantedProducts(mux=tmp_path / "a.mkv", language="english")
