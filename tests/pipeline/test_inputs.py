"""What names on the command line stand for: files, folders, patterns, lists, each video once."""

import io
import os
from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError, SvlmError, UsageError
from svlm_cli.pipeline.inputs import Input, find_inputs

TREE = ("one.mp4", "season/a/m10.mkv", "season/a/m9.mkv", "season/a/m9.srt", "season/b/m1.TS", "season/.old/m.mp4")


@pytest.fixture(autouse=True)
def _tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in TREE:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)


def sources(*names: str, batch_file: str | None = None) -> list[str]:
    return [one.source for one in find_inputs(names, batch_file)]


def test_a_folder_is_its_videos_in_a_natural_order() -> None:
    assert sources("season") == ["season/a/m9.mkv", "season/a/m10.mkv", "season/b/m1.TS"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("season/a/*", ["season/a/m9.mkv", "season/a/m10.mkv"]),
        ("season/*", ["season/a/m9.mkv", "season/a/m10.mkv", "season/b/m1.TS"]),
        ("season/**/*.mkv", ["season/a/m9.mkv", "season/a/m10.mkv"]),
        ("**", ["one.mp4", "season/a/m9.mkv", "season/a/m10.mkv", "season/b/m1.TS"]),
        ("season/?/m[19].*", ["season/a/m9.mkv", "season/b/m1.TS"]),
        ("season/a/*.srt", ["season/a/m9.srt"]),
    ],
)
def test_patterns(pattern: str, found: list[str]) -> None:
    assert sources(pattern) == found


def test_a_file_that_is_there_is_no_pattern() -> None:
    Path("[live] final?.mp4").touch()
    assert sources("[live] final?.mp4") == ["[live] final?.mp4"]


def test_each_video_comes_once() -> None:
    """Guards against captioning twice, and against a collision with oneself."""
    assert sources("one.mp4", "./one.mp4", "season/b", "season/b/m1.TS", "**/one.mp4") == ["one.mp4", "season/b/m1.TS"]


def test_a_name_that_is_not_there_is_left_to_whoever_opens_it() -> None:
    assert sources("gone.mp4", "rtsp://camera/stream?channel=[1]") == ["gone.mp4", "rtsp://camera/stream?channel=[1]"]


@pytest.mark.parametrize(
    "content", [b"# tonight\none.mp4\n\n  season/b\r\n", b"\xef\xbb\xbfone.mp4\nseason/b", b"one.mp4\0season/b\0"]
)
def test_a_list(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    Path("list").write_bytes(content)
    assert sources(batch_file="list") == ["one.mp4", "season/b/m1.TS"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert sources("season/a/m9.mkv", batch_file="-") == ["season/a/m9.mkv", "one.mp4", "season/b/m1.TS"]


def test_names_that_are_not_utf_8() -> None:
    name = os.fsdecode(b"caf\xe9.mp4")
    Path("list").write_bytes(os.fsencode(name))
    assert sources(batch_file="list") == [name]


@pytest.mark.parametrize(
    ("names", "batch_file", "kind", "needle"),
    [
        ((), None, UsageError, "No video was named"),
        ((), "empty", UsageError, "No video was named"),
        (("-", "-"), None, UsageError, "once only"),
        (("-",), "-", UsageError, "both a video and a list"),
        ((), "gone", InputError, "The list gone"),
        (("season/a/*.mp4",), None, InputError, r"season/a/\*\.mp4"),
        (("bare",), None, InputError, "folder bare"),
    ],
)
def test_what_names_no_video(
    names: tuple[str, ...], batch_file: str | None, kind: type[SvlmError], needle: str
) -> None:
    Path("empty").write_text("# nothing tonight\n")
    Path("bare").mkdir()
    with pytest.raises(kind, match=needle):
        find_inputs(names, batch_file)


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "season" / "again").symlink_to(tmp_path / "season")
    assert len(sources("season")) == 3


class TestMirrored:
    def mirrored(self, *names: str) -> list[str]:
        return [str(one.mirrored) for one in find_inputs(names)]

    def test_below_the_working_directory_it_is_the_path(self, tmp_path: Path) -> None:
        expected = ["season/b/m1.TS"]
        for name in (
            "season/b",
            "season/b/m1.TS",
            "season/b/*",
            str(tmp_path / "season" / "b"),
            "./season/../season/b",
        ):
            assert self.mirrored(name) == expected

    @pytest.mark.parametrize("name", ["{tree}/season", "{tree}/season/", "{tree}/season/*", "../{name}/season"])
    def test_elsewhere_it_is_the_path_from_the_folder_that_was_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        (tmp_path.parent / "elsewhere").mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path.parent / "elsewhere")
        places = self.mirrored(name.format(tree=tmp_path, name=tmp_path.name))
        assert places == ["season/a/m9.mkv", "season/a/m10.mkv", "season/b/m1.TS"]
        assert Input.named(str(tmp_path / "one.mp4")).mirrored == Path("one.mp4")
