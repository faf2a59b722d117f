"""Which camera becomes which file."""

from pathlib import Path

import pytest

from svlm_cli.core.errors import OutputError, UsageError
from svlm_cli.outputs.format import Format
from svlm_cli.outputs.rotation import fixed_name
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
        ((FRONT,), ("a", "b"), {}, "more names, 2, than sources, 1"),
        ((FRONT, BACK), (), {"output": "a.srt"}, "several cameras"),
        ((FRONT, BACK), ("a", "a"), {}, "called a"),
        ((BACK, BACK), (), {}, "called rtsp"),
        ((FRONT,), (), {"output": "a"}, "which format"),
        ((FRONT,), (), {"output": "a-%D.srt"}, "%D in -o stands for"),
        ((FRONT,), (), {"output": "a-%x.srt"}, "%x in -o stands for"),
        ((FRONT,), (), {"output": "a%n.srt"}, "%n in -o stands for"),
        ((FRONT,), (), {"output": "%Y/..", "formats": (Format.SRT,)}, "does not give a file name"),
        ((FRONT,), (), {"output": "rtsp://u:p@h/a.srt"}, "-o cannot be an address"),
        ((FRONT,), (), {"folder": Path("rtsp://u:p@h/a")}, "--output-dir cannot be an address"),
        ((FRONT,), (), {"output": "-", "formats": (Format.SRT, Format.VTT)}, "2 formats"),
    ],
)
def test_requests_that_make_no_sense(
    sources: tuple[str, ...], names: tuple[str, ...], wanted: dict[str, object], needle: str
) -> None:
    with pytest.raises(UsageError, match=needle):
        paths(*sources, names=names, **wanted)


def test_two_cameras_never_share_a_file() -> None:
    """Guards against words of two cameras in one file, also on a disk that takes capitals for small letters."""
    for first, second in (
        ("Front", "front"),
        ("front door", "front-door"),
        ("caf\u00e9", "cafe\u0301"),
        ("a" * 250, "a" * 251),
    ):
        with pytest.raises(UsageError, match="the same files"):
            paths(FRONT, BACK, names=(first, second))
    with pytest.raises(UsageError, match="the same files"):
        paths("https://a/talk.mp4", "https://b/talk.mp4")


def test_a_name_stays_in_the_folder() -> None:
    """Guards other folders, `strftime`, and file systems, which take 255 bytes."""
    for name in ("../../etc/x", "/abs", "..", "%d", "a\0b\n", "x" * 300, "曼" * 300):
        (path,) = paths(FRONT, names=(name,), output="out/{name}/%Y.srt")
        out, folder, _ = Path(path).parts
        assert (out, folder[0] not in ".-", "%" in folder, len(folder.encode()) <= 200) == ("out", True, False, True)
    assert paths(FRONT, names=("a",), folder=Path("100%done")) == ["100%%done/a-%Y%m%d-%H%M%S.srt"]
    assert fixed_name(Path("100%%done/a.srt")) == Path("100%done/a.srt")


def test_names_are_shown_without_what_steers_a_terminal_and_without_logins() -> None:
    names = ("a\x1b[31mb\u202e\n", "rtsp://me:secret@10.0.0.1/a")
    assert [one.name for one in plan_cameras([FRONT, BACK], names, Wanted())] == ["ab", "rtsp://...@10.0.0.1/a"]


def test_an_address_that_makes_no_sense_is_told_though_the_camera_has_a_name() -> None:
    with pytest.raises(UsageError, match="is ambiguous"):
        paths("rtsp://me:se/cret@host/a", names=("front",))


def test_many_files_need_names_that_differ(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--segment"):
        plan_cameras([FRONT], [], Wanted(output="a.srt"), segmented=True)
    (tmp_path / "a.srt").touch()
    with pytest.raises(OutputError, match="exists already"):
        plan_cameras([FRONT], [], Wanted(output=str(tmp_path / "a.srt")))
