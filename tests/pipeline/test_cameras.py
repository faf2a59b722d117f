"""Which camera becomes which file."""

from pathlib import Path

import pytest

from svlm_cli.core.errors import OutputError, UsageError
from svlm_cli.outputs.output import Format
from svlm_cli.pipeline.batch import Wanted
from svlm_cli.pipeline.cameras import plan_cameras

FRONT, BACK = "rtsp://me:secret@10.0.0.1:554/h264/main?key=abc", "rtsp://10.0.0.2/live"


def paths(*sources: str, names: tuple[str, ...] = (), **wanted: object) -> list[str]:
    cameras = plan_cameras(sources, names, Wanted(**wanted))  # type: ignore[arg-type]
    return [str(target.path) for camera in cameras for target in camera.targets]


def test_files_are_named_after_the_camera_and_the_time() -> None:
    """A service that starts again must not find its file taken; no password may become a file's name."""
    found = paths(FRONT, BACK, formats=(Format.SRT, Format.JSONL), folder=Path("out"))
    assert found == [
        "out/10.0.0.1-554-h264-main-%Y%m%d-%H%M%S.srt",
        "out/10.0.0.1-554-h264-main-%Y%m%d-%H%M%S.jsonl",
        "out/10.0.0.2-live-%Y%m%d-%H%M%S.srt",
        "out/10.0.0.2-live-%Y%m%d-%H%M%S.jsonl",
    ]
    assert paths(FRONT, BACK, names=("front door",))[0] == "front-door-%Y%m%d-%H%M%S.srt"
    assert "secret" not in repr(plan_cameras([FRONT], [], Wanted()))


def test_a_recording_on_the_web_keeps_its_name() -> None:
    assert paths("https://host/talks/a%20talk.mp4?x=1") == ["a-20talk.srt"]
    assert paths("https://host/live.m3u8") == ["host-live.m3u8-%Y%m%d-%H%M%S.srt"]


def test_an_output_for_several_names_the_camera() -> None:
    found = paths(FRONT, BACK, names=("front", "back"), output="out/{name}/%Y-%m-%d.vtt")
    assert found == ["out/front/%Y-%m-%d.vtt", "out/back/%Y-%m-%d.vtt"]


@pytest.mark.parametrize(
    ("sources", "names", "wanted", "needle"),
    [
        ((FRONT,), ("a", "b"), {}, "2 names for 1"),
        ((FRONT, BACK), (), {"output": "a.srt"}, "several cameras"),
        ((FRONT, BACK), ("a", "a"), {}, "called a"),
        ((BACK, BACK), (), {}, "called rtsp"),
        ((FRONT,), (), {"output": "a"}, "which format"),
        ((FRONT,), (), {"output": "-", "formats": (Format.SRT, Format.VTT)}, "2 formats"),
    ],
)
def test_requests_that_make_no_sense(
    sources: tuple[str, ...], names: tuple[str, ...], wanted: dict[str, object], needle: str
) -> None:
    with pytest.raises(UsageError, match=needle):
        paths(*sources, names=names, **wanted)


def test_many_files_need_names_that_differ(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--segment"):
        plan_cameras([FRONT], [], Wanted(output="a.srt"), segmented=True)
    (tmp_path / "a.srt").touch()
    with pytest.raises(OutputError, match="exists already"):
        plan_cameras([FRONT], [], Wanted(output=str(tmp_path / "a.srt")))
