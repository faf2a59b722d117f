"""The page with pictures, in a real browser: it jumps, searches, fetches nothing, and runs nobody else's code."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from svlm_cli.core.types import Cue
from svlm_cli.outputs.album import Album
from svlm_cli.outputs.output import Provenance
from svlm_cli.outputs.report import CueList, Report, video_path, write_page
from svlm_cli.outputs.style import DEFAULT_STYLE
from tests.browser import PROGRAM, Page, browser
from tests.clips import make_clip, numbered
from tests.outputs.speech import random_speech

NEEDS_BROWSER = pytest.mark.skipif(PROGRAM is None, reason="needs Chromium (Debian: apt install chromium)")
SECONDS = 40
ATTACK = "</script><img src=https://example.org/x onerror='document.title=1'> & \"so on\""
CUES = (
    Cue(1.0, 3.0, "The keeper has the ball."),
    Cue(5.0, 7.0, "A long pass\nto the İstanbul winger."),
    Cue(9.5, 12.0, "Goal for the Falcons!"),
    Cue(30.0, 32.0, ATTACK),
    Cue(33.0, 35.0, "Still one nil to the Falcons."),
)


def page_of(cues: tuple[Cue, ...], video: str = "clip.mp4") -> str:
    album = Album()
    for second in range(SECONDS):
        album.add(numbered(second), float(second))
    return write_page(Report(Provenance(f"{ATTACK}/my {video}", "svlm-mini"), video, 40.0, cues, album))


class Reader(HTMLParser):
    """What a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]


def test_it_refers_to_its_video_and_to_nothing_else() -> None:
    reader = Reader()
    reader.feed(page_of(CUES))
    assert {link.partition("#")[0] for link in reader.links if not link.startswith("data:image/jpeg")} == {"clip.mp4"}
    assert "clip.mp4#t=9.500" in reader.links


def test_its_length_is_bounded() -> None:
    """Guards a page of ten hours: no more than 600 pictures, shared out evenly."""
    words = CueList(DEFAULT_STYLE)
    for segment in random_speech(2.8, 3600, seed=1):
        words.write(segment)
    words.close()
    page = page_of(tuple(words.cues))
    assert len(words.cues) > 900
    assert 450 < page.count("<img ") <= 600
    assert page.count("<li ") == len(words.cues)


@pytest.mark.parametrize(
    ("video", "page", "link"),
    [
        ("a/x.mp4", "a/r.html", "x.mp4"),
        ("a/x.mp4", "out/r.html", "../a/x.mp4"),
        ("a/50 % #1?.mp4", "r.html", "a/50%20%25%20%231%3F.mp4"),
        ("a/x\udce9.mp4", "r.html", "a/x%E9.mp4"),
    ],
)
def test_the_way_to_the_video(video: str, page: str, link: str) -> None:
    assert video_path(Path(video), Path(page)) == link


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The page, from disk, beside its video."""
    folder = tmp_path_factory.mktemp("report")
    make_clip(folder / "clip.mp4", frames=SECONDS, fps="1", options=("-g", "1"))
    (folder / "report.html").write_text(page_of(CUES), encoding="utf-8")
    with browser(folder) as page:
        page.open(folder / "report.html")
        page.wait_for("player.readyState >= 1")
        yield page


@NEEDS_BROWSER
@pytest.mark.extra
class TestInABrowser:
    def test_a_click_jumps_in_the_video(self, shown: Page) -> None:
        for row, start_s in (("5", 30.0), ("3", 9.5)):  # the silence between them has the fourth
            shown.click(f"#lines li:nth-child({row}) .words")
            shown.wait_for(f"!player.seeking && Math.abs(player.currentTime - {start_s}) < 1.5")
            shown.wait_for(f"document.querySelector('li.now')?.dataset.start === '{start_s:.3f}'")
        shown.click("#lines li:nth-child(1) img")
        shown.wait_for("Math.abs(player.currentTime - 1) < 1.5")
        assert shown.value("!player.paused")
        assert shown.value("location.href").endswith("report.html"), "the page stays"

    def test_pictures_are_there(self, shown: Page) -> None:
        shown.wait_for("[...document.images].every(one => one.complete && one.naturalWidth > 0)")
        assert shown.value("document.images.length") == shown.value("document.querySelectorAll('#lines li').length")

    def test_a_search(self, shown: Page) -> None:
        shown.press("/", 191)
        shown.type("FALCONS")
        assert shown.value("count.textContent") == "2 of 5 lines"
        rows = "[...document.querySelectorAll('#lines li')]"
        visible = f"{rows}.filter(one => one.offsetHeight).map(one => one.dataset.start)"
        assert shown.value(visible) == ["9.500", "33.000"]
        assert shown.value("[...document.querySelectorAll('mark')].map(one => one.textContent)") == ["Falcons"] * 2
        shown.press("Enter", 13)
        shown.wait_for("Math.abs(player.currentTime - 9.5) < 1.5")
        shown.press("Escape", 27)
        assert shown.value(f"{visible}.length") == 6
        assert shown.value("document.querySelectorAll('mark').length") == 0

    def test_words_and_names_are_only_text(self, shown: Page) -> None:
        """Guards whoever opens a page against what a model or a file's name made it say."""
        assert shown.value("document.querySelectorAll('img:not([src^=data])').length") == 0
        assert ATTACK in shown.value("document.querySelector('#lines').textContent")
        assert shown.value("document.title") == "my clip.mp4"

    def test_nothing_was_fetched_and_nothing_went_wrong(self, shown: Page) -> None:
        assert shown.addresses() <= {"file", "data"}
        assert shown.complaints() == []
        allowed = shown.value("fetch('https://example.org/').then(() => true, () => false)")
        assert not allowed, "its own policy forbids it"

    def test_a_video_that_is_elsewhere_now_is_told(self, shown: Page, tmp_path: Path) -> None:
        (tmp_path / "report.html").write_text(page_of(CUES, "gone.mp4"), encoding="utf-8")
        shown.open(tmp_path / "report.html")
        shown.wait_for("!document.getElementById('trouble').hidden")
