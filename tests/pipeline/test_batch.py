"""Planning: what goes where, and what is refused before a model is loaded."""

from pathlib import Path

import pytest

from svlm_cli.core.errors import OutputError, UsageError
from svlm_cli.outputs.output import Format
from svlm_cli.pipeline.batch import Job, Target, plan


def test_a_video_gets_a_file_beside_it(tmp_path: Path) -> None:
    video = str(tmp_path / "a.b.mp4")
    assert plan([video]) == (Job(video, (Target(Format.SRT, tmp_path / "a.b.srt"),)),)


def test_several_formats_are_several_files(tmp_path: Path) -> None:
    (job,) = plan([str(tmp_path / "a.mp4")], formats=[Format.VTT, Format.JSONL, Format.VTT])
    assert [target.path for target in job.targets] == [tmp_path / "a.vtt", tmp_path / "a.jsonl"]


@pytest.mark.parametrize(("output", "format_"), [("o.vtt", Format.VTT), ("o.JSONL", Format.JSONL), ("-", Format.SRT)])
def test_the_output_names_its_format(output: str, format_: Format) -> None:
    (job,) = plan(["a.mp4"], output=output)
    assert job.targets == (Target(format_, None if output == "-" else Path(output)),)


def test_a_format_asked_for_wins_over_the_name() -> None:
    (job,) = plan(["a.mp4"], output="out.txt", formats=[Format.VTT])
    assert job.targets == (Target(Format.VTT, Path("out.txt")),)


def test_stdin_goes_to_stdout() -> None:
    (job,) = plan(["-"])
    assert job.targets == (Target(Format.SRT, None),)


@pytest.mark.parametrize(
    ("sources", "options", "message"),
    [
        (["a.mp4", "b.mp4"], {"output": "o.srt"}, "several videos"),
        (["a.mp4"], {"output": "o.txt"}, "which format"),
        (["a.mp4"], {"output": "o.srt", "formats": [Format.SRT, Format.VTT]}, "2 formats"),
        (["a.mp4", "a.mkv"], {}, "a.mp4 and a.mkv would both be written to a.srt"),
        (["a.srt"], {"output": "a.srt"}, "written over"),
        (["clips/../a.srt", "b.mp4"], {}, "written over"),
        (["-", "-"], {}, "once only"),
    ],
)
def test_requests_that_make_no_sense(sources: list[str], options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plan(sources, **options)  # type: ignore[arg-type]


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("mine")
    with pytest.raises(OutputError, match=r"a\.srt exists"):
        plan([str(tmp_path / "b.mp4"), str(tmp_path / "a.mp4")])
    assert len(plan([str(tmp_path / "a.mp4")], overwrite=True)) == 1
