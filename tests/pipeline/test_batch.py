"""Planning: what goes where, and what is refused before a model is loaded."""

import os
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import OutputError, UsageError
from svlm_cli.outputs.format import Format
from svlm_cli.pipeline.batch import Existing, Job, Target, Wanted
from svlm_cli.pipeline.batch import plan as plan_inputs
from svlm_cli.pipeline.inputs import Input


def plan(sources: list[str], **options: Any) -> tuple[Job, ...]:
    if "formats" in options:
        options["formats"] = tuple(options["formats"])
    return plan_inputs([Input.named(source) for source in sources], Wanted(**options))


def test_a_video_gets_a_file_beside_it(tmp_path: Path) -> None:
    video = str(tmp_path / "a.b.mp4")
    assert plan([video]) == (Job(SourceAddress(video), (Target(Format.SRT, tmp_path / "a.b.srt"),)),)


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
        (["a.mp4"], {"output": "o.doc"}, "which format"),
        (["a.mp4"], {"output": "o.srt", "formats": [Format.SRT, Format.VTT]}, "2 formats"),
        (["a.mp4", "b.mp4"], {"output": "-"}, "can share standard output only as JSON lines"),
        (["a.mp4", "b.mp4"], {"output": "-", "formats": [Format.JSONL, Format.SRT]}, "Add -f jsonl"),
        (["a.mp4", "a.mkv"], {"output": "{stem}.srt"}, r"a.mp4 and a.mkv would both be written to a.srt. Add \{name\}"),
        (["a/x.mp4", "b/x.mp4"], {"output": "{name}.{ext}"}, "would both be written to x.mp4.srt"),
        (["a.mp4", "b.mp4"], {"output": "o.{ext}"}, "several videos"),
        (["a.mp4"], {"output": "{stem}.srt", "formats": [Format.SRT, Format.VTT]}, "2 formats"),
        (["a.mp4"], {"output": "{stem}"}, "which format"),
        (["a.srt"], {"output": "a.srt"}, "would be overwritten"),
        (["clips/../a.srt", "b.mp4"], {}, "would be overwritten"),
        (["a.mp4", "a.srt.part"], {}, "a.srt.part is an input and would be overwritten"),
        (
            ["a.srt.mp4", "a.srt.part.mp4"],
            {"output": "{stem}", "formats": [Format.SRT]},
            "both be written to a.srt.part",
        ),
        (["a.mp4"], {"output": "{dir}/{name}", "formats": [Format.SRT]}, "would be overwritten"),
        (["a.mp4"], {"output": "o.srt", "folder": Path("out")}, "Leave one of them out"),
        (["a.mp4"], {"output": "out/"}, "out/ is a folder. Write into it with --output-dir out/."),
    ],
)
def test_requests_that_make_no_sense(sources: list[str], options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plan(sources, **options)


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("mine")
    with pytest.raises(OutputError, match=r"a\.srt exists"):
        plan([str(tmp_path / "b.mp4"), str(tmp_path / "a.mp4")])
    assert len(plan([str(tmp_path / "a.mp4")], existing=Existing.OVERWRITE)) == 1


def test_what_is_there_is_skipped_format_by_format(tmp_path: Path) -> None:
    """Guards a format that is missing against one that is there, and what is there against being written again."""
    (tmp_path / "a.srt").write_text("whole")
    (tmp_path / "b.srt.part").write_text("a run that was killed")
    videos = [str(tmp_path / name) for name in ("a.mp4", "b.mp4")]
    first, second = plan(videos, formats=[Format.SRT, Format.VTT], existing=Existing.SKIP)
    assert [target.format for target in first.targets] == [Format.VTT]
    assert [target.format for target in second.targets] == [Format.SRT, Format.VTT]
    assert plan(videos[:1], existing=Existing.SKIP)[0].targets == ()


def test_how_many_are_there_is_told(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.srt").touch()
    with pytest.raises(OutputError, match="and so do 2 others"):
        plan([str(tmp_path / f"{name}.mp4") for name in "abcd"])


class TestOutputFolder:
    @pytest.fixture(autouse=True)
    def _in_a_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    @pytest.mark.parametrize(
        ("source", "written"),
        [
            ("x.mp4", "x.srt"),
            ("a/x.mp4", "x.srt"),
            ("./a/../b/x.y.mp4", "x.y.srt"),
            ("{here}/a/x.mp4", "x.srt"),
            ("/far/away/x.mp4", "x.srt"),
            ("../x.mp4", "x.srt"),
            ("-", "stdin.srt"),
        ],
    )
    def test_what_was_named_itself_goes_there_by_its_name(self, tmp_path: Path, source: str, written: str) -> None:
        """Guards a second call from another folder, which must find what the first one wrote."""
        (job,) = plan([source.format(here=tmp_path)], folder=Path("out"))
        assert [target.path for target in job.targets] == [Path("out", written)]

    def test_nothing_is_made_by_planning(self, tmp_path: Path) -> None:
        plan(["a/x.mp4"], folder=Path("out"))
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("folder", ["file", "file/below", "closed/below"])
    def test_a_folder_that_cannot_be_written_to_is_refused_early(self, tmp_path: Path, folder: str) -> None:
        """Guards hours of work, and the loading of a model, against an end in `permission denied`."""
        (tmp_path / "file").touch()
        (tmp_path / "closed").mkdir(mode=0o555)
        if os.access(tmp_path / "closed", os.W_OK) and folder.startswith("closed"):
            pytest.skip("root may write anywhere")
        with pytest.raises(OutputError, match=folder.split("/", maxsplit=1)[0]):
            plan(["x.mp4"], folder=Path(folder))


def test_an_output_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no folder"):
        plan(["x.mp4"], output=str(tmp_path / "gone" / "x.srt"))


def test_a_video_that_is_not_there_is_told_when_it_is_opened() -> None:
    """Guards its own sentence against one about the folder of its outputs."""
    assert len(plan(["gone/x.mp4"])) == 1


def test_several_videos_share_standard_output_as_lines() -> None:
    jobs = plan(["a.mp4", "b.mp4"], output="-", formats=[Format.JSONL])
    assert [job.targets for job in jobs] == [(Target(Format.JSONL, None),)] * 2


def test_what_is_kept_is_known(tmp_path: Path) -> None:
    """Guards the table, which says where the words are, of what was there already too."""
    (tmp_path / "a.srt").write_text("whole")
    (job,) = plan([str(tmp_path / "a.mp4")], formats=[Format.SRT, Format.VTT], existing=Existing.SKIP)
    assert [target.path for target in (*job.kept, *job.targets)] == [tmp_path / "a.srt", tmp_path / "a.vtt"]
