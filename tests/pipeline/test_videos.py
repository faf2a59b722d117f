"""A video on its way into the loop: whose files are taken when, and let go if there are no words for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError, OutputBusyError, OutputError, OutputExistsError
from svlm_cli.core.policy import StreamPolicy
from svlm_cli.outputs.destination import PartFile
from svlm_cli.outputs.format import Format
from svlm_cli.pipeline.batch import Job, Target
from svlm_cli.pipeline.videos import Video, VideoOptions, open_video
from tests.clips import make_clip
from tests.outputs.speech import rounds

SKIPPING = VideoOptions(skip_existing=True)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", frames=2, fps="2")


def job_of(clip: Path, folder: Path, *formats: Format) -> Job:
    return Job(str(clip), tuple(Target(one, folder / f"clip.{one}") for one in formats))


@contextmanager
def opened(job: Job, options: VideoOptions = SKIPPING) -> Iterator[Video]:
    video = open_video(job, StreamPolicy(), options)
    try:
        yield video
    finally:
        video.feed.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def captioned(video: Video, text: str) -> None:
    for output in video.feed.outputs():
        output.write(rounds([text])[0])
        output.close()


def test_of_two_runs_one_has_the_video(clip: Path, tmp_path: Path) -> None:
    """Guards a night against captioning everything twice, and the other one's file."""
    first, second = job_of(clip, tmp_path, Format.SRT, Format.VTT), job_of(clip, tmp_path, Format.VTT, Format.SRT)
    with opened(first) as video:
        assert names(tmp_path) == ["clip.srt.part", "clip.vtt.part"], "before there are words"
        for other in (second, job_of(clip, tmp_path, Format.VTT, Format.TXT)):
            with pytest.raises(OutputBusyError):
                open_video(other, StreamPolicy(), SKIPPING)
        assert names(tmp_path) == ["clip.srt.part", "clip.vtt.part"], "and no lock is left on what was free"
        captioned(video, "One nil.")
    assert names(tmp_path) == ["clip.srt", "clip.vtt"]
    with pytest.raises(OutputExistsError, match="there already"):
        open_video(second, StreamPolicy(), SKIPPING)


def test_a_video_without_words_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    with opened(job_of(clip, tmp_path, Format.SRT)):
        assert names(tmp_path) == ["clip.srt.part"]
    assert names(tmp_path) == []
    with pytest.raises(InputError):
        open_video(job_of(tmp_path / "gone.mp4", tmp_path, Format.SRT), StreamPolicy(), SKIPPING)
    assert names(tmp_path) == []


def test_what_appears_as_it_is_opened_is_left_out(clip: Path, tmp_path: Path) -> None:
    """Guards the formats that are missing against the one that another run completes just then."""
    job = job_of(clip, tmp_path, Format.SRT, Format.VTT)
    (tmp_path / "clip.srt").write_text("whole")  # since its turn came
    with opened(job) as video:
        assert [target.format for target in video.job.targets] == [Format.VTT]
        captioned(video, "One nil.")
    assert (tmp_path / "clip.srt").read_text() == "whole"
    assert (tmp_path / "clip.vtt").exists()


def test_a_name_that_leads_nowhere_is_told(clip: Path, tmp_path: Path) -> None:
    """Guards against waiting for ever for a file that is never there."""
    (tmp_path / "clip.srt").symlink_to("nowhere")
    with pytest.raises(OutputExistsError, match="exists already"):
        open_video(job_of(clip, tmp_path, Format.SRT), StreamPolicy(), SKIPPING)


def test_without_skipping_files_wait_for_words(clip: Path, tmp_path: Path) -> None:
    """And if one of them cannot be had, none is held."""
    job = job_of(clip, tmp_path, Format.SRT, Format.VTT)
    with opened(job, VideoOptions()) as video:
        assert names(tmp_path) == []
        other = PartFile(tmp_path / "clip.vtt", overwrite=False)
        with pytest.raises(OutputError, match="Another run"):
            video.feed.outputs()
        assert names(tmp_path) == ["clip.vtt.part"]
        other.close(complete=False)
        captioned(video, "One nil.")
    assert names(tmp_path) == ["clip.srt", "clip.vtt"]


def test_a_table_may_stay_as_it_was_said(clip: Path, tmp_path: Path) -> None:
    for raw, cell in ((False, "'=1"), (True, "=1")):
        with opened(job_of(clip, tmp_path, Format.TSV), VideoOptions(raw_tsv=raw, overwrite=True)) as video:
            captioned(video, "=1")
        assert (tmp_path / "clip.tsv").read_text().endswith(f"\t{cell}\n")
