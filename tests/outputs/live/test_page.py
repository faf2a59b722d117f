"""The screen at every size: what must be on it, and that nothing leaves it."""

import itertools

import pytest

from svlm_cli.outputs.live.choice import Choice
from svlm_cli.outputs.live.condition import Condition
from svlm_cli.outputs.live.footer import Notice
from svlm_cli.outputs.live.geometry import Area, tiles
from svlm_cli.outputs.live.meters import Machine
from svlm_cli.outputs.live.page import Page
from svlm_cli.outputs.live.state import Channel
from tests.outputs.live.scenes import NO_COLOUR, PICTURES, channel, ended, show, started, token
from tests.outputs.live.screen import Screen

WORDS = ["Callek kick off.", "", "The ball goes to the left, and everybody runs after it.", "Goal!"]


def match() -> Channel:
    return channel("rtsp://10.0.0.5/match", WORDS)


def test_the_usual_screen() -> None:
    """80 x 24: source, model, state and time; the picture; words with times; numbers; keys."""
    screen = show([match()], now_s=3.95)
    lines = screen.lines
    assert lines[0].startswith("rtsp://10.0.0.5/match  svlm-mini")
    assert lines[0].endswith(" LIVE  0:00:03")
    assert "7" in screen.style_of("LIVE").split(";"), "reversed"
    previews = [line.count("▀") for line in lines if "▀" in line]
    assert len(previews) == 14
    assert set(previews) == {48}
    said = [line[50:] for line in lines[1:21]]
    assert said[:5] == [
        "0:00:00 Callek kick off.",
        "0:00:02 The ball goes to the",
        "        left, and everybody",
        "        runs after it.",
        "0:00:03 Goal!",
    ]
    assert lines[21] == "2.0 fps in and seen  lag 0.2 s  0 dropped"
    assert lines[22].startswith("1.0 tokens/s ▁")
    assert lines[23] == "q quit  p pause  s save  ↑↓ scroll"


def test_where_the_words_go() -> None:
    """Of a long path the end is what tells files apart; several videos have their own."""
    one, other = match(), channel("back", WORDS)
    one.files = "captions/2026/front-20261129-120000.srt"
    assert show([one], (120, 24)).lines[0].startswith(f"rtsp://10.0.0.5/match -> {one.files}  svlm-mini ")
    assert (
        show([one], (75, 24)).lines[0].startswith("rtsp://10.0.0.5/match -> …ons/2026/front-20261129-120000.srt  LIVE")
    )
    assert show([one], (50, 24)).lines[0].startswith("rtsp://10.0.0.5/match  svlm-mini  ")
    other.files = "back.srt"
    assert "2 back -> back.srt" in show([one, other], (120, 24)).text


def test_words_appear_as_they_are_generated() -> None:
    """With the time of their round; a sequence that two tokens share moves nothing; and then the phrase takes over."""
    one = match()
    one.hear(started(4), 4.0, PICTURES)
    assert "0:00:04" not in "".join(show([one], now_s=4.1).lines[1:])
    for text in (" No", " g", "oal\x1b", "[2J after", " all\n"):
        one.hear(token(text), 4.2)
    screen = show([one], now_s=4.3)
    assert "0:00:04 No goal after all" in screen.text
    assert "1" in screen.style_of("No goal").split(";"), "bold while it is new"
    one.hear(ended(4, "No goal after all."), 4.9)
    assert show([one], now_s=5.0).text.count("No goal") == 1


def test_a_sentence_stands_in_one_entry() -> None:
    """With the time of its first word, however many rounds it takes: a line a second could not be read."""
    one = Channel("front", Condition.LIVE)
    rounds = [
        "The keeper",
        " saves it",
        "and throws",
        ", far",
        ". Mr. Low runs. And",
        " scores!",
        "曼联",
        "赢",
        "了。",
        "So",
    ]
    for second, text in enumerate(rounds):
        one.hear(started(second), second, PICTURES)
        one.hear(token(text), second + 0.5)
        spoken = one.said()
        one.hear(ended(second, text), second + 0.9)
        assert spoken[-1].text.endswith(one.phrases[-1].text[-4:]), "what is being said is where it will stay"
    assert [(phrase.start_s, phrase.text) for phrase in one.phrases] == [
        (0, "The keeper saves it and throws, far."),
        (4, "Mr. Low runs."),
        (4, "And scores!"),
        (6, "曼联赢了。"),
        (9, "So"),
    ]
    assert [phrase.serial for phrase in one.phrases] == list(range(5))
    assert one.spoken == 5
    one.hear(started(10), 10.0, PICTURES)
    one.hear(token(" what"), 10.5)
    screen = show([one], now_s=10.6)
    assert "0:00:09 So what" in screen.text
    assert "0:00:10" not in "".join(screen.lines[1:])


@pytest.mark.parametrize("break_", ["silence", "gap", "note", "length"])
def test_a_sentence_that_nobody_ends_does_not_go_on_for_ever(break_: str) -> None:
    """After two silent seconds, a gap, an answer between its words, or a screen of them, another entry begins."""
    one = Channel("front", Condition.LIVE)
    one.hear(started(0), 0.0, PICTURES)
    one.hear(ended(0, "word " * (70 if break_ == "length" else 1)), 0.9)
    next_s = {"silence": 3, "gap": 1}.get(break_, 1)
    if break_ == "note":
        one.note("(What? -> A ball.)")
    one.hear(started(next_s, gap_s=5.0 if break_ == "gap" else 0.0), float(next_s), PICTURES)
    one.hear(token("and so on"), next_s + 0.5)
    assert (one.said()[-1].start_s, one.said()[-1].text) == (next_s, "and so on")
    one.hear(ended(next_s, "and so on"), next_s + 0.9)
    assert (one.phrases[-1].start_s, one.phrases[-1].text) == (next_s, "and so on")


def test_pictures_are_shown_while_they_are_spoken_of() -> None:
    """A second's pictures, one after the other; not the last one at once."""
    one = match()
    one.hear(started(4), 104.0, PICTURES)
    reds = [picture[0, 0, 0] for now_s in (104.0, 104.4, 104.6, 109.0) if (picture := one.picture(now_s)) is not None]
    assert reds == [100, 100, 200, 200]
    assert [one.picture_s(now_s) for now_s in (104.4, 109.0)] == [4.0, 4.5]


@pytest.mark.parametrize("count", [0, 1, 2, 4, 9, 30])
def test_no_size_breaks_it(count: int) -> None:
    """Down to 20 x 5 and below, with wide characters everywhere."""
    many = [channel(f"カメラ{number} 🎉 at the door", ["曼城 進球 🎉 " * 9, "x" * 300]) for number in range(count)]
    for one in many[1::2]:
        one.become(Condition.RECONNECTING, "曼 showed no picture for 8 s, and who knows why.")
    sizes = itertools.product((1, 2, 7, 20, 33, 59, 60, 80, 200), (1, 2, 3, 5, 8, 11, 12, 24, 60))
    for size in sizes:
        screen = show(many, size)
        if count == 1 and size[0] >= 20:
            assert "LIVE" in screen.lines[0]


def test_what_goes_first_when_there_is_no_room() -> None:
    """The preview, then the keys, then numbers; words stay."""
    seen = {size: show([match()], size, now_s=3.95).text for size in ((60, 12), (59, 24), (80, 11), (40, 12), (20, 5))}
    assert {size: "▀" in text for size, text in seen.items()} == {
        (60, 12): True,
        (59, 24): False,
        (80, 11): False,
        (40, 12): False,
        (20, 5): False,
    }
    assert {size: "q quit" in text for size, text in seen.items()} == dict.fromkeys(seen, True) | {(20, 5): False}
    assert all("fps" in text and "Goal!" in text and "LIVE" in text for text in seen.values())


def test_words_go_below_a_picture_that_would_be_small_beside_them() -> None:
    lines = show([match()], (66, 50), now_s=3.95).lines
    last = max(number for number, line in enumerate(lines) if "▀" in line)
    assert lines[last + 1].startswith("0:00:00 Callek")


def test_no_colour_means_none() -> None:
    """NO_COLOR: not in the picture, not in the badge; bold and reversed are no colours."""
    screen = show([match()], painter=NO_COLOUR, now_s=3.95)
    codes = {code for row in screen.cells for _, style in row for code in style.split(";")}
    assert codes <= {"", "1", "2", "4", "7"}
    assert "1" in codes
    assert "▀" not in screen.text


def test_a_camera_that_is_away_says_why() -> None:
    one = match()
    one.become(Condition.RECONNECTING, "showed no picture for 8 s.\x1b[2J")
    screen = show([one], now_s=3.95)
    assert screen.lines[0].endswith(" RECONNECTING  0:00:03")
    assert "showed no picture for 8 s." in screen.text
    one.become(Condition.RECONNECTING, "")
    assert "showed no picture for 8 s." in show([one]).text, "also while it tries"
    one.become(Condition.LIVE, "")
    assert "showed no" not in show([one]).text
    fresh = show([Channel("front")])
    assert "CONNECTING  0:00:00" in fresh.text
    assert "no picture yet" in fresh.text


def test_what_was_missed_stands_among_the_words() -> None:
    """Who comes back later would not know that the camera was away."""
    one = channel("front", ["Callek shoot.", "Wide."])
    one.hear(started(20, gap_s=18.0), 20.0, PICTURES)
    one.hear(ended(20, "Valbin pass it."), 20.9)
    lines = [line.strip() for line in show([one], now_s=21.0).lines]
    words = [line[line.index("0:00:") :] for line in lines[1:] if "0:00:" in line]
    assert words == ["0:00:00 Callek shoot.", "0:00:01 Wide.", "0:00:20 (18 s without a", "0:00:20 Valbin pass it."]
    assert any("picture)" in line for line in lines)


def test_a_file_says_how_far_and_how_fast() -> None:
    one = channel("match.mp4", WORDS, Condition.FILE)
    one.length_s = 30.0
    one.hear(ended(4, "", lag_s=None), 2.5)
    screen = show([one], now_s=4.0)
    assert screen.lines[0].endswith(" FILE  0:00:05 / 0:00:30")
    assert "2.0x as fast as it plays" in screen.lines[21]


def test_scrolled_back_it_stands_still() -> None:
    """New phrases must not move what somebody reads."""
    one = channel("front", [f"phrase {number}." for number in range(50)])
    choice = Choice(newest=20)
    before = show([one], choice=choice)
    assert "phrase 20." in before.text
    assert "phrase 21." not in before.text
    assert before.lines[-1].startswith("29 newer: End follows again")
    one.hear(ended(50, "phrase 50."), 60.0)
    after = show([one], choice=choice)
    assert after.lines[1:21] == before.lines[1:21]
    assert after.lines[-1].startswith("30 newer")
    assert "phrase 50." in show([one]).text


def test_a_pause_is_of_the_view_alone() -> None:
    one = match()
    frozen, choice = one.frozen(), Choice(paused_s=3.95)
    before = show([frozen], choice=choice, now_s=3.95)
    for second in range(4, 40):
        one.hear(started(second), second, PICTURES)
        one.hear(ended(second, "More."), second + 0.9)
    after = show([frozen], choice=choice, now_s=40.0)
    assert before.lines[:21] == after.lines[:21]
    assert "PAUSED" in after.lines[0]
    assert after.lines[-1].startswith("PAUSED, captioning goes on: p resumes")


@pytest.mark.parametrize(("count", "across"), [(2, 2), (4, 2), (9, 3)])
def test_several_share_the_screen(count: int, across: int) -> None:
    """Each with its name, state, picture and last words; all the same size, none over another."""
    many = [channel(f"cam{number}", ["Who", f"said {number}?"]) for number in range(count)]
    many[1].become(Condition.RECONNECTING, "is not there.")
    screen = show(many, (120, 40), now_s=1.95)
    titles = [line for line in screen.lines[1:] if "LIVE" in line]
    assert titles[0].count("cam") == across
    for number in range(count):
        assert f"{number + 1} cam{number}" in screen.text
        assert (f"Who said {number}?" in screen.text) == (number != 1)
    assert "is not there." in screen.text
    assert screen.lines[0].startswith(f"{count} videos  svlm-mini")
    assert f"{count - 1} LIVE 1 RECONNECTING" in screen.lines[0]
    assert screen.text.count("▀") > 100
    assert f"{2.0 * count:.1f} fps in and seen" in screen.text, "of all together"


def test_who_has_no_room_is_counted() -> None:
    many = [channel(f"cam{number}", ["a"]) for number in range(30)]
    page = Page("m")
    screen = show(many, (50, 12), page=page)
    hidden = 30 - page.fitting
    assert page.fitting == 6
    assert screen.lines[-1].startswith(f"{hidden} more: PgDn")
    last = show(many, (50, 12), page=page, choice=Choice(first=28))
    assert "30 cam29" in last.text
    assert "25 cam24" in last.text
    assert "24 cam23" not in last.text


def test_one_of_several_in_full() -> None:
    many = [channel(f"cam{number}", [f"said {number}"]) for number in range(3)]
    screen = show(many, choice=Choice(focus="cam1"))
    assert screen.lines[0].startswith("2/3 cam1  svlm-mini")
    assert "said 1" in screen.text
    assert "said 0" not in screen.text
    assert "Tab next  0 all" in screen.lines[-1]
    gone = show(many[:1], choice=Choice(focus="cam1"))
    assert gone.lines[0].startswith("cam0")


def test_tiles_never_overlap() -> None:
    for columns, rows, count in itertools.product((5, 22, 80, 200), (1, 3, 21, 60), (1, 2, 3, 5, 16, 40)):
        body = Area(0, 1, columns, rows)
        areas = tiles(body, count, preview=True)
        assert 1 <= len(areas) <= count
        cells = [(one.column + x, one.row + y) for one in areas for x in range(one.columns) for y in range(one.rows)]
        assert len(cells) == len(set(cells))
        assert all(0 <= x < columns and 1 <= y <= rows for x, y in cells)


def test_numbers_that_fit_are_all_there() -> None:
    """The graphics card's too, where there is one; what is lost is told apart from what is seen."""
    one = match()
    for second in range(4, 10):
        one.hear(started(second, dropped=2), second, PICTURES)
    machine = Machine(3 << 30, "NVIDIA H100", 10 << 30, 80 << 30)
    rows = Page("m").compose([one], Choice(), (120, 24), 9.5, machine=machine)
    screen = Screen(120, 24, modes={"?1049": True})
    screen.feed(("\x1b[22;1H" + NO_COLOUR.line(rows[21])).encode())
    line = screen.lines[21]
    assert line.startswith("3.3 fps in, 2.0 seen  lag 0.2 s  12 dropped  3072 MiB  GPU 10.0 of 80 GiB  NVIDIA H100")


def test_a_notice_stands_where_keys_are_told() -> None:
    notice = Notice("svlm: front: connected again", 200.0)
    assert show([match()], notice=notice).lines[-1] == notice.text
    assert show([match()], (20, 5), notice=notice).lines[-1] == "svlm: front: connec…"


def test_without_a_keyboard_no_keys_are_promised() -> None:
    assert show([match()], page=Page("m", has_keys=False)).lines[-1] == "Ctrl-C ends"


def test_history_is_bounded() -> None:
    one = Channel("front")
    for second in range(3000):
        one.hear(ended(second, "Word."), second)
        one.hear(token("x" * 100), second)
    assert (len(one.phrases), one.spoken) == (2000, 3000)
    for _ in range(100):
        one.hear(token("x" * 100), 1.0)
    assert len(one._raw) <= 2000
