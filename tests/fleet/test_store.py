"""Files in a store: what a pattern finds, what trouble with a connection does, and that nobody sees half a file."""

import ftplib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import InputError, OutputError, OutputExistsError, UsageError
from svlm_cli.fleet import store
from tests.fleet.stores import Shaky, shaky_store
from tests.servers.ftp import PASSWORD, serve_ftp

FILES = ("season/x.mp4", "season/a/y.mp4", "season/a/z.MKV", "season/notes.txt", "season/.old/x.mp4", "other/x.mp4")


def is_video(name: str) -> bool:
    return name.lower().endswith((".mp4", ".mkv"))


@pytest.fixture
def shaky(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shaky]:
    with shaky_store(monkeypatch) as found:
        for name in FILES:
            found.pipe_file(f"/bucket/{name}", name.encode())
        yield found


def at(path: str) -> SourceAddress:
    return SourceAddress(f"shaky://user:{PASSWORD}@bucket/{path}")


PATTERNS = [
    ("season", {"x.mp4", "a/y.mp4", "a/z.MKV"}),
    ("season/", {"x.mp4", "a/y.mp4", "a/z.MKV"}),
    ("season/x.mp4", {""}),
    ("season/*.mp4", {"x.mp4"}),
    ("season/*", {"x.mp4", "a/y.mp4", "a/z.MKV"}),
    ("season/**/*.mp4", {"x.mp4", "a/y.mp4"}),
    ("season/**", {"x.mp4", "a/y.mp4", "a/z.MKV"}),
    ("season/*.txt", {"notes.txt"}),
    ("*/x.mp4", {"season/x.mp4", "other/x.mp4"}),
    ("season/[ab]", {"a/y.mp4", "a/z.MKV"}),
    ("season/?.avi", set[str]()),
]


@pytest.mark.parametrize(("path", "found"), PATTERNS)
def test_a_pattern_finds_what_it_finds_on_a_disk(shaky: Shaky, path: str, found: set[str]) -> None:
    assert store.find(*store.split_pattern(at(path)), is_video).keys() == found


@pytest.mark.extra
@pytest.mark.parametrize(("path", "found"), PATTERNS)
def test_so_it_does_on_a_server(tmp_path: Path, path: str, found: set[str]) -> None:
    pytest.importorskip("pyftpdlib")
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    with serve_ftp(tmp_path) as served:
        address = SourceAddress(f"{served.address}/{path}")
        files = store.find(*store.split_pattern(address), is_video)
    assert files.keys() == found
    assert all(one.size and one.version for one in files.values())


@pytest.mark.parametrize("path", ["season", "season/*"])
def test_a_server_cannot_lead_out_of_a_folder(shaky: Shaky, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Guards files of this host: words are written below --output-dir by the names that a server lists."""
    evil = {"name": "/bucket/season/../../../etc/x.mp4", "type": "file", "size": 1}
    monkeypatch.setattr(Shaky, "ls", lambda *given, **more: [evil])
    with pytest.raises(InputError, match="lists names that lead out of it"):
        store.find(*store.split_pattern(at(path)), is_video)


def test_another_version_of_a_file_is_another(shaky: Shaky) -> None:
    before = store.find(at("season/x.mp4"), (), is_video)[""]
    assert store.find(at("season/x.mp4"), (), is_video)[""] == before
    shaky.pipe_file("/bucket/season/x.mp4", b"season/y.mp4")
    after = store.find(at("season/x.mp4"), (), is_video)[""]
    assert (after.size, after.version == before.version) == (before.size, False)


def test_a_missing_file_is_named_without_its_login(shaky: Shaky, tmp_path: Path) -> None:
    deeds: list[Callable[[], object]] = [
        lambda: store.find(at("gone.mp4"), (), is_video),
        lambda: store.fetch(at("gone.mp4"), tmp_path / "copy"),
    ]
    for deed in deeds:
        with pytest.raises(store.StoredFileMissingError, match=r"bucket/gone\.mp4 does not exist\.") as error:
            deed()
        assert PASSWORD not in str(error.value)
        assert error.value.__cause__ is None
    assert not store.exists(at("gone.mp4"))
    assert not store.exists(at("nowhere/gone.mp4"))
    assert not store.exists(at("season/a")), "a folder is no file"
    assert store.exists(at("season/x.mp4"))


@pytest.mark.parametrize(
    "trouble", [ConnectionResetError("reset"), TimeoutError(), EOFError(), ftplib.error_temp("421 busy"), OSError("?")]
)
def test_trouble_with_a_connection_is_no_missing_file(shaky: Shaky, tmp_path: Path, trouble: Exception) -> None:
    Shaky.connections = 0
    Shaky.troubles |= {"info": [trouble], "get_file": [trouble, trouble]}
    store.fetch(at("season/x.mp4"), tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "season/x.mp4"
    assert Shaky.connections == 4, "each try has a connection of its own"
    Shaky.troubles["ls"] = [trouble, trouble]
    assert store.exists(at("season/x.mp4"))
    Shaky.troubles["ls"] = [trouble, trouble]
    assert len(store.find(*store.split_pattern(at("season/**/*.mp4")), is_video)) == 2, "nothing is left out"


def test_a_file_that_one_connection_does_not_see_is_asked_for_again(shaky: Shaky, tmp_path: Path) -> None:
    Shaky.troubles["info"] = [FileNotFoundError("?"), ConnectionResetError(), FileNotFoundError("?")]
    store.fetch(at("season/x.mp4"), tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "season/x.mp4"


def test_a_store_that_does_not_answer_is_told_in_one_sentence(shaky: Shaky, tmp_path: Path) -> None:
    down = ConnectionError(f"no answer from shaky://user:{PASSWORD}@bucket")
    for deed in (lambda: store.fetch(at("season/x.mp4"), tmp_path / "copy"), lambda: store.exists(at("season/x.mp4"))):
        Shaky.troubles |= {"info": [down] * 9, "ls": [down] * 9}
        with pytest.raises(InputError, match=r"cannot be reached: no answer from .*\.") as error:
            deed()
        assert PASSWORD not in str(error.value)
        assert not isinstance(error.value, store.StoredFileMissingError)
    Shaky.troubles |= {"info": [PermissionError("403")]}
    with pytest.raises(InputError, match=r"x\.mp4 may not be used\. Check its permissions"):
        store.fetch(at("season/x.mp4"), tmp_path / "copy")


def test_what_comes_in_part_is_fetched_again(shaky: Shaky, tmp_path: Path) -> None:
    """Guards a video that is captioned as far as it came."""
    Shaky.troubles["get_file"] = [0.5, 0.9]
    store.fetch(at("season/x.mp4"), tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "season/x.mp4"


def test_a_file_has_its_name_when_it_is_whole(shaky: Shaky, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words, part = tmp_path / "x.srt", at("words/.parts/1")
    words.write_text("1\nwords\n")
    Shaky.troubles |= {"put_file": [ConnectionResetError(), 0.5], "mv": [ConnectionResetError()]}
    seen: list[bool] = []
    move = Shaky.mv

    def moving(self: Shaky, path1: str, path2: str, **more: object) -> None:
        seen.append(path2 in Shaky.store)
        move(self, path1, path2, **more)

    monkeypatch.setattr(Shaky, "mv", moving)
    store.put(words, at("words/season/x.srt"), part, overwrite=False)
    assert seen == [False, False]
    assert shaky.cat_file("/bucket/words/season/x.srt") == words.read_bytes()
    assert shaky.find("/bucket/words") == ["/bucket/words/season/x.srt"]
    with pytest.raises(OutputExistsError, match="exists already"):
        store.put(words, at("words/season/x.srt"), part, overwrite=False)
    words.write_text("other")
    store.put(words, at("words/season/x.srt"), part, overwrite=True)
    assert shaky.cat_file("/bucket/words/season/x.srt") == b"other"


def test_what_cannot_be_stored_is_an_output_that_cannot_be_written(shaky: Shaky, tmp_path: Path) -> None:
    words = tmp_path / "x.srt"
    words.write_text("words")
    Shaky.troubles["put_file"] = [0.5] * 9
    with pytest.raises(OutputError, match="cannot be reached: a part of it was lost on the way"):
        store.put(words, at("words/x.srt"), at("words/.parts/1"), overwrite=False)
    assert not store.exists(at("words/x.srt"))
    store.remove_folder(at("words/.parts"))
    store.remove_folder(at("words/.parts"))
    assert shaky.find("/bucket/words") == []


def test_what_a_scheme_needs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(address: str, **more: object) -> None:
        raise ImportError("Install s3fs to access S3.")

    monkeypatch.setattr("fsspec.core.url_to_fs", missing)
    with pytest.raises(
        UsageError, match=r"s3://bucket/x: Install s3fs to access S3\. Every host of the fleet needs it"
    ):
        store.exists(SourceAddress("s3://bucket/x/y.mp4"))


@pytest.mark.parametrize(
    "address", ["rtsp://camera", "https://host/x.mp4", "season/x.mp4", "-", "nonsense://x", "c:/x"]
)
def test_what_svlm_watches_and_what_nobody_knows_are_no_stores(address: str) -> None:
    assert not store.is_store(address)
    assert store.is_store("s3://bucket/x.mp4")
    assert store.is_store("ftp://host/x.mp4")
