"""What names on the command line stand for: files, folders, patterns, lists, each video once."""

import errno
import io
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError, SvlmError, UsageError
from svlm_cli.pipeline.inputs import find_inputs

TREE = ("one.mp4", "season/a/m10.mkv", "season/a/m9.mkv", "season/a/m9.srt", "season/b/m1.TS", "season/.old/m.mp4")


@pytest.fixture(autouse=True)
def _tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in TREE:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)


def sources(*names: str, batch_file: str | None = None) -> list[str]:
    return [one.source.reveal() for one in find_inputs(names, batch_file)]


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


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("season [2024]/*.mp4", ["season [2024]/m2.mp4", "season [2024]/m[1].mp4"]),
        ("./season [2024]/m[12].mp4", ["season [2024]/m2.mp4"]),
        ("*[[]2024]/m[1].mp4", ["season [2024]/m[1].mp4"]),
        ("season ?2024?/**/*[[]1].mp4", ["season [2024]/m[1].mp4"]),
        ("[x]/a[1]/**/y*.mp4", ["[x]/a[1]/b/y9.mp4", "[x]/a[1]/b/y10.mp4"]),
        ("[x]/**/y1*.mp4", ["[x]/a[1]/b/y10.mp4"]),
        ("[x]", ["[x]/a[1]/b/y9.mp4", "[x]/a[1]/b/y10.mp4"]),
        ("[x]/*", ["[x]/a[1]/b/y9.mp4", "[x]/a[1]/b/y10.mp4"]),
        ("[x]/gone.mp4", ["[x]/gone.mp4"]),
    ],
)
def test_what_is_there_is_no_pattern(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, found: list[str]
) -> None:
    """Guards folders whose names have brackets in them: on the way, found on the way, and around it all."""
    home = tmp_path / "home [of] *"
    for name in ("season [2024]/m[1].mp4", "season [2024]/m2.mp4", "[x]/a[1]/b/y9.mp4", "[x]/a[1]/b/y10.mp4", "x/a"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).touch()
    monkeypatch.chdir(home)
    assert sources(pattern) == found
    absolute = str(home / pattern)
    assert sources(absolute) == [str(home / name) for name in found]
    Path("list").write_text(f"{pattern}\n{absolute}\n")
    assert sources(batch_file="list") == found
    monkeypatch.chdir(tmp_path)
    assert str(home / found[0]).endswith(f"/{find_inputs([absolute])[0].mirrored}")


def test_each_video_comes_once() -> None:
    """Guards against captioning twice, and against a collision with oneself."""
    assert sources("one.mp4", "./one.mp4", "season/b", "season/b/m1.TS", "**/one.mp4") == ["one.mp4", "season/b/m1.TS"]
    Path("latest").symlink_to("season/b")
    assert sources("latest", "season/b", "latest/m1.TS") == ["latest/m1.TS"], "by another way"
    Path("season/b/again.TS").symlink_to("m1.TS")
    assert sources("season/b") == ["season/b/again.TS", "season/b/m1.TS"], "a link is a file of its own"


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
        (("one.mp4", ""), None, UsageError, "The name of an input is empty"),
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


@pytest.mark.parametrize("name", ["season", "season/**", "**/m*.*", "season/**/*.[mT]*"])
def test_links_in_a_circle_end(tmp_path: Path, name: str) -> None:
    (tmp_path / "season" / "again").symlink_to(tmp_path / "season")
    (tmp_path / "season" / "round.mkv").symlink_to("round.mkv")
    (tmp_path / "season" / "a" / "m9.srt").unlink()
    assert sources(name) == ["season/a/m9.mkv", "season/a/m10.mkv", "season/b/m1.TS"]


@pytest.mark.parametrize("name", ["odd", "odd/*", "odd/*.mp4", "**/*.mp4", "o?d/**"])
def test_what_is_found_is_a_regular_file(name: str) -> None:
    """Guards a night against a pipe that nobody writes to: opened, it waits for ever."""
    Path("one.mp4").rename("one.mkv")
    Path("odd").mkdir()
    os.mkfifo("odd/pipe.mp4")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("odd/socket.mp4")
    Path("odd/device.mp4").symlink_to("/dev/zero")
    Path("odd/dangling.mp4").symlink_to("gone.mp4")
    Path("odd/folder.mp4").symlink_to("../season/.old")
    Path("odd/link.mp4").symlink_to("../one.mkv")
    told: list[str] = []
    assert [one.source for one in find_inputs([name], tell=told.append) if "folder" not in str(one.source)] == [
        "odd/link.mp4"
    ]
    assert sorted(told) == [
        "odd/dangling.mp4 is left out: No such file or directory.",
        "odd/device.mp4 is left out: it is not a regular file.",
        "odd/pipe.mp4 is left out: it is not a regular file.",
        "odd/socket.mp4 is left out: it is not a regular file.",
    ]
    assert sources("odd/pipe.mp4", "odd/dangling.mp4") == ["odd/pipe.mp4", "odd/dangling.mp4"], "named, it is wanted"


@pytest.mark.parametrize("name", ["season", "season/*", "season/**/*.*", "*"])
def test_folders_that_may_not_be_read_are_told(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The scan is refused here, because root may read everything."""
    scan = os.scandir

    def refuse(folder: str) -> Iterator[os.DirEntry[str]]:
        if os.fspath(folder).endswith("season/b"):
            raise PermissionError(errno.EACCES, "Permission denied", folder)
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    told: list[str] = []
    found = [one.source for one in find_inputs([name], tell=told.append)]
    assert found[-2:] == ["season/a/m9.mkv", "season/a/m10.mkv"]
    assert told == ["The folder season/b is left out: Permission denied."]
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match="The folder season cannot be read: permission denied"):
        find_inputs(["season"])


class TestMirrored:
    def mirrored(self, *names: str) -> list[str]:
        return [str(one.mirrored) for one in find_inputs(names)]

    @pytest.mark.parametrize(
        ("folder", "name"),
        [
            (".", "season"),
            (".", "./season/../season/"),
            (".", "{tree}/season"),
            (".", "latest"),
            ("season", "."),
            ("season", "../season"),
            ("season/a", ".."),
            ("elsewhere", "{tree}/season"),
            ("elsewhere", "{tree}/season/*"),
            ("elsewhere", "../season/**/*.*"),
            ("season", "*"),
        ],
    )
    def test_a_folder_keeps_its_name_from_wherever_it_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, name: str
    ) -> None:
        """Guards a timer's call from another folder, which captioned everything anew."""
        Path("elsewhere").mkdir()
        Path("latest").symlink_to("season")
        Path("season/a/m9.srt").unlink()
        monkeypatch.chdir(folder)
        places = self.mirrored(name.format(tree=tmp_path))
        assert places == ["season/a/m9.mkv", "season/a/m10.mkv", "season/b/m1.TS"]

    @pytest.mark.parametrize("name", ["season/b/m1.TS", "{tree}/season/b/m1.TS", "season/../season/b/m1.TS"])
    def test_a_file_has_its_name_alone(self, tmp_path: Path, name: str) -> None:
        assert self.mirrored(name.format(tree=tmp_path)) == ["m1.TS"]

    def test_nothing_leads_out_of_the_folder(self) -> None:
        """Guards against a pattern that climbs."""
        assert self.mirrored("season/?/../../one.*") == ["one.mp4"]
