"""Motion JPEG and single pictures, as cameras send them on the web, and one connection for each."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.core.events import SourceStatus, State
from svlm_cli.core.types import Frame
from svlm_cli.sources import backoff
from svlm_cli.sources.feeder import PIECE_BYTES
from svlm_cli.sources.http import Client
from svlm_cli.sources.jpeg import JpegReader
from svlm_cli.sources.nature import Nature, look
from svlm_cli.sources.opening import SourceOptions, open_source
from svlm_cli.sources.web import WebSource
from tests.clips import make_clip, number_of, run_ffmpeg
from tests.servers.web import Now, Reply, WebServer


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Twenty JPEGs that carry their numbers."""
    folder = tmp_path_factory.mktemp("pictures")
    clip = make_clip(folder / "clip.mp4", frames=20)
    run_ffmpeg("-i", clip, "-start_number", "0", folder / "%d.jpg")
    return [(folder / f"{number}.jpg").read_bytes() for number in range(20)]


def open_it(url: str, told: list[SourceStatus] | None = None, **options: object) -> WebSource:
    tell = (lambda status: None) if told is None else told.append
    source = open_source(url, name="camera", fps=4, options=SourceOptions(**options), tell=tell)  # type: ignore[arg-type]
    assert isinstance(source, WebSource)
    return source


def first_frames(source: WebSource, count: int) -> list[Frame]:
    return list(itertools.islice((frame for frame in source if frame is not None), count))


def with_length(boundary: bytes, picture: bytes) -> bytes:
    return b"%b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (boundary, len(picture), picture)


FORMS = pytest.mark.parametrize(
    ("headers", "begin", "part"),
    [
        ({"Content-Type": "multipart/x-mixed-replace; boundary=--x"}, b"", lambda one: with_length(b"--x", one)),
        ({"Content-Type": 'multipart/x-mixed-replace;boundary="a b"'}, b"", lambda one: with_length(b"--a b", one)),
        ({"Content-Type": "multipart/x-mixed-replace; boundary=x"}, b"", lambda one: with_length(b"x", one)),
        ({"Content-Type": "multipart/x-mixed-replace"}, b"", lambda one: one),
        ({"Content-Type": "multipart/x-mixed-replace; boundary=x"}, b"", lambda one: b"\n\n" + one + b"\n--x\n"),
        (
            {"Content-Type": "multipart/x-mixed-replace; boundary=x", "Content-Length": "9000000"},
            b"preamble\r\n",
            lambda one: b"--x\nContent-Type:image/jpeg\n\n" + one,
        ),
        ({}, b"", lambda one: with_length(b"--x", one)),
        ({"Content-Type": "application/octet-stream", "Content-Length": "99999999999999"}, b"", lambda one: one),
    ],
    ids=["length", "quotes", "no dashes", "no boundary", "no first one", "length of all", "no type", "absurd length"],
)


def motion_jpeg(
    pictures: list[bytes], headers: dict[str, str], begin: bytes, part: Callable[[bytes], bytes], pause_s: float
) -> Reply:
    def endless() -> Iterator[bytes]:
        yield begin
        for picture in itertools.cycle(pictures):
            yield part(picture)
            time.sleep(pause_s)

    return Reply(headers, endless)


@FORMS
def test_motion_jpeg_in_all_forms(
    pictures: list[bytes], headers: dict[str, str], begin: bytes, part: Callable[[bytes], bytes]
) -> None:
    """However it is written, it is known, and each picture is found in the answer that tells what it is."""
    with WebServer({"/a": motion_jpeg(pictures, headers, begin, part, 0.005)}) as web:
        nature, answer = look(Client(web.url("/a")), threading.Event())
        with answer:
            assert nature is Nature.PICTURES
            reader = JpegReader()
            parts = (one for piece in iter(lambda: answer.read(PIECE_BYTES), b"") for one in reader.read(piece))
            assert list(itertools.islice(parts, 3)) == pictures[:3]


def test_motion_jpeg(pictures: list[bytes]) -> None:
    """It is live, and asked for once: a camera may take one watcher, an address serve once."""
    headers = {"Content-Type": "multipart/x-mixed-replace; boundary=x"}
    reply = motion_jpeg(pictures, headers, b"", lambda one: b"\n\n" + one + b"\n--x\n", 0.05)
    with WebServer({"/a": reply}) as web, open_it(web.url("/a")) as source:
        (first,) = first_frames(source, 1)
        assert first.time_s == 0
        rest = (number_of(frame.pixels) for frame in source if frame is not None)
        assert any(number > number_of(first.pixels) for number in rest), "the picture moves, however late"
        assert len(web.asked) == 1


def test_a_camera_that_was_asked_is_kept_and_shows_what_is_new(pictures: list[bytes]) -> None:
    """While a model is loaded for a minute, neither may the camera see its watcher go, nor old pictures wait."""
    sent: list[int] = []

    def once() -> Iterator[bytes]:
        for number, picture in enumerate(pictures):
            sent.append(number)
            yield with_length(b"--x", picture)
            time.sleep(0.1)
        time.sleep(10)

    headers = {"Content-Type": "multipart/x-mixed-replace; boundary=x"}
    with WebServer({"/a": Reply(headers, once)}) as web, open_it(web.url("/a")) as source:
        source.check()
        while len(sent) < 8:
            time.sleep(0.05)
        (frame,) = first_frames(source, 1)
        assert number_of(frame.pixels) >= 6
        assert frame.time_s == 0
        assert len(web.asked) == 1


class Snapshots:
    """Another picture for each request, and how many were open at once."""

    def __init__(self, pictures: list[bytes], kind: str = "image/jpeg") -> None:
        self._pictures = pictures
        self._kind = kind
        self._lock = threading.Lock()
        self.open = self.most = 0
        self.times_s: list[float] = []

    def reply(self) -> Reply:
        number = len(self.times_s)
        self.times_s.append(time.monotonic())
        picture = self._pictures[number % len(self._pictures)]
        return Reply({"Content-Type": self._kind, "ETag": f'"{number}"'}, lambda: self._pieces(picture))

    def _pieces(self, picture: bytes) -> Iterator[bytes]:
        with self._lock:
            self.open += 1
            self.most = max(self.most, self.open)
        yield picture
        with self._lock:
            self.open -= 1


def test_a_single_picture_is_fetched_again_and_again(pictures: list[bytes]) -> None:
    """At the pace that was asked for, one connection at a time, and never the same one twice if the server knows."""
    shots = Snapshots(pictures)
    with (
        WebServer({"/a.jpg": shots.reply}, login=("me", "secret")) as web,
        open_it(web.url("/a.jpg", "me:secret@"), every_s=0.3) as source,
    ):
        frames = first_frames(source, 5)
    numbers = [number_of(frame.pixels) for frame in frames]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) >= 3
    assert all(after.time_s > before.time_s for before, after in itertools.pairwise(frames))
    asked_s = shots.times_s[1:]  # the first one only told what it is
    assert asked_s[-1] - asked_s[0] > 0.3 * (len(asked_s) - 1) - 0.2
    assert shots.most == 1
    assert web.asked[-1].headers["If-None-Match"]


def test_the_same_picture_again(pictures: list[bytes]) -> None:
    """It is what the camera sees: a picture that did not change is no gap."""
    headers = {"Content-Type": "image/jpeg", "ETag": "x", "Last-Modified": "then"}
    answers = iter([Reply(headers, lambda: iter(pictures[3:4]))] * 2)
    same = Reply(status=304)
    with (
        WebServer({"/a.jpg": lambda: next(answers, same)}) as web,
        open_it(web.url("/a.jpg"), every_s=0.2) as source,
    ):
        frames = first_frames(source, 5)
    assert {number_of(frame.pixels) for frame in frames} == {3}
    assert sum(frame.gap_s for frame in frames) == 0
    assert len(web.asked) > 3
    assert (web.asked[-1].headers["If-None-Match"], web.asked[-1].headers["If-Modified-Since"]) == ("x", "then")


def test_trouble_with_a_single_picture_is_temporary(pictures: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_S", 0.1)
    good = Reply({"Content-Type": "image/jpeg"}, lambda: iter(pictures[:1]))
    answers: Iterator[Now] = iter(
        [good, good, 503, 404, Reply({"Content-Type": "text/html"}, lambda: iter([b"<html>"]))]
    )
    told: list[SourceStatus] = []
    with (
        WebServer({"/a.jpg": lambda: next(answers, good)}) as web,
        open_it(web.url("/a.jpg"), told, every_s=0.25) as source,
    ):
        for frame in source:
            if frame is not None and told[-1].connections == 2:
                break
    reasons = [status.reason for status in told if status.state is State.WAITING]
    assert "503" in reasons[0]
    assert "404" in reasons[1]
    assert "something other than" in reasons[2]


@pytest.mark.parametrize("kind", ["image/jpeg", "image/png"])
def test_a_single_picture_that_nobody_asked_to_be_fetched_again(pictures: list[bytes], kind: str) -> None:
    reply = Reply({"Content-Type": kind, "Content-Length": str(len(pictures[0]))}, lambda: iter(pictures[:1]))
    with WebServer({"/a": reply}) as web, open_it(web.url("/a")) as source:
        with pytest.raises(InputError, match="single picture") as caught:
            source.check()
        assert "--every" in caught.value.hint


def test_a_png(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=8, first=5)
    run_ffmpeg("-i", clip, "-start_number", "0", tmp_path / "%d.png")
    shots = Snapshots([(tmp_path / f"{number}.png").read_bytes() for number in range(8)], "image/png")
    with WebServer({"/a.png": shots.reply}) as web, open_it(web.url("/a.png"), every_s=0.3) as source:
        assert number_of(first_frames(source, 2)[0].pixels) >= 5


def test_what_is_not_there_yet_is_tried_again(pictures: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also before anybody knows what it is; and given up after as many failures as for any source."""
    monkeypatch.setattr(backoff, "FIRST_S", 0.1)
    good = Reply({"Content-Type": "multipart/x-mixed-replace"}, lambda: itertools.cycle(pictures))
    answers: Iterator[Now] = iter([503, 500])
    told: list[SourceStatus] = []
    with WebServer({"/a": lambda: next(answers, good)}) as web, open_it(web.url("/a"), told) as source:
        first_frames(source, 1)
    assert [status.state for status in told if status.state is not State.CONNECTING][:3] == [
        *[State.WAITING] * 2,
        State.LIVE,
    ]
    with WebServer({"/a": 503}) as web, open_it(web.url("/a"), max_reconnects=1) as source:
        with pytest.raises(InputError, match="503"):
            next(source)
        assert len(web.asked) == 2


def test_opening_waits_for_nobody(pictures: list[bytes]) -> None:
    """One thread opens all cameras of a call: a server that takes its time must hold up its own reader alone."""

    def slow() -> Iterator[bytes]:
        over.wait(100)
        yield b""

    over = threading.Event()
    good = Reply({"Content-Type": "multipart/x-mixed-replace"}, lambda: itertools.cycle(pictures))
    with WebServer({"/slow": slow, "/good": good}) as web:
        sources = [open_it(web.url(path)) for path in ("/slow", "/slow", "/good")]
        assert web.asked == []
        readers = [threading.Thread(target=lambda source=source: list(source)) for source in sources[:2]]
        for reader in readers:
            reader.start()
        while len(web.asked) < 2:
            time.sleep(0.01)
        assert len(first_frames(sources[2], 2)) == 2
        assert all(reader.is_alive() for reader in readers)
        for source in sources:
            source.close()
        over.set()
        for reader in readers:
            reader.join(60)
            assert not reader.is_alive()


def test_stopped_while_it_is_opened_it_shows_nothing(pictures: list[bytes]) -> None:
    """Guards the moment between the answer and what reads it: a stop was lost there, and closing waited for ever."""
    headers = {"Content-Type": "multipart/x-mixed-replace; boundary=x"}
    with (
        WebServer({"/a": motion_jpeg(pictures, headers, b"", lambda one: one, 0.05)}) as web,
        open_it(web.url("/a")) as source,
    ):
        opener = source._opener

        def stopped_meanwhile(*asked: Any) -> Any:
            source.stop()
            return opener(*asked)

        source._opener = stopped_meanwhile
        assert list(source) == []


def test_closing_ends_every_kind_of_wait() -> None:
    def silent() -> Iterator[bytes]:
        time.sleep(0.1)
        yield b""

    with WebServer({"/a": 503, "/b": silent}) as web:
        for path in ("/a", "/b"):
            source = open_it(web.url(path))
            reader = threading.Thread(target=lambda source=source: list(source))
            asked = len(web.asked)
            reader.start()
            while len(web.asked) == asked:
                time.sleep(0.01)
            source.close()
            reader.join(60)
            assert not reader.is_alive()
