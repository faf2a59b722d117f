"""Keys: what terminals send for them, in whatever pieces it comes."""

import os
import pty
import termios

import pytest

from svlm_cli.outputs.live.choice import Choice, press
from svlm_cli.outputs.live.keys import Key, Keyboard, decode, decode_text
from svlm_cli.outputs.live.state import HISTORY, Channel
from tests.outputs.live.scenes import channel, ended


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"q", [Key.QUIT]),
        (b"\x1b[A\x1bOB", [Key.UP, Key.DOWN]),
        (b"\x1b[5~\x1b[6~\x1b[H\x1b[4~\x1b[Z", [Key.PAGE_UP, Key.PAGE_DOWN, Key.HOME, Key.END, Key.BEFORE]),
        (b"\x1bq", [Key.ALL, Key.QUIT]),
        (b"\x1b\x1b[A", [Key.ALL, Key.UP]),
        (b"3\t0", ["3", Key.NEXT, Key.ALL]),
        (b"\x1b[1;5Qxq", [Key.QUIT]),  # Ctrl-F2: its letters are no keys
        ("é曼".encode(), []),
    ],
)
def test_what_terminals_send(data: bytes, keys: list[Key | str]) -> None:
    assert decode(data, more=False) == (keys, b"")


@pytest.mark.parametrize(
    ("data", "typed"),
    [
        (b"quit p1", ["quit p1"]),
        ("wer? é 曼🎉".encode(), ["wer? é 曼🎉"]),
        (b"ab\x7fc\x15\r", ["ab", Key.ERASE, "c", Key.CLEAR, Key.ENTER]),
        (b"a\x1b[Ab\x1b", ["a", "b", Key.ALL]),
        (b"\xffa", ["a"]),
    ],
)
def test_a_text_is_typed(data: bytes, typed: list[Key | str]) -> None:
    """Guards questions: no letter is a command, and no arrow text."""
    assert decode_text(data, more=False) == (typed, b"")


def test_a_character_may_come_in_pieces() -> None:
    for whole in ("é", "曼", "🎉"):
        for cut in range(1, len(whole.encode())):
            first, rest = decode_text(b"a" + whole.encode()[:cut], more=True)
            assert (first, decode_text(rest + whole.encode()[cut:], more=True)) == (["a"], ([whole], b""))
    assert decode_text(b"a\xc3", more=False) == (["a"], b"")


def test_a_sequence_may_come_in_pieces() -> None:
    """Over a slow connection, an arrow would be Esc and letters: `q` of the next one would end all."""
    assert decode(b"p\x1b", more=True) == ([Key.PAUSE], b"\x1b")
    assert decode(b"\x1b[5", more=True) == ([], b"\x1b[5")
    assert decode(b"\x1b", more=False) == ([Key.ALL], b"")
    assert decode(b"\x1b[", more=False) == ([], b"")


def test_the_terminal_is_given_back() -> None:
    terminal, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    keyboard = Keyboard(theirs)
    keyboard.hold()
    during = termios.tcgetattr(theirs)[3]
    assert not during & (termios.ICANON | termios.ECHO)
    assert during & termios.ISIG, "Ctrl-C stays a signal"
    os.write(terminal, b"\x1b[")
    assert keyboard.wait(5) == []
    os.write(terminal, b"A")
    assert keyboard.wait(5) == [Key.UP]
    os.write(terminal, b"\x1b")
    assert keyboard.wait(5) == []
    assert keyboard.wait(0) == [Key.ALL]
    keyboard.wake()
    assert keyboard.wait(5) == []
    keyboard.release()
    keyboard.release()
    assert termios.tcgetattr(theirs) == before
    keyboard.hold()
    os.close(terminal)
    assert keyboard.wait(5) == []
    os.close(theirs)
    keyboard.release()


def test_arrows_stay_within_what_was_said() -> None:
    choice, one = Choice(), channel("front", [f"phrase {number}." for number in range(40)])

    def after(*keys: Key) -> int | None:
        for key in keys:
            press(key, choice, [one], fitting=1, rows=20)
        return choice.newest

    assert after(Key.DOWN) is None
    assert after(Key.UP) == 38
    assert after(Key.PAGE_UP) == 28
    assert after(*[Key.PAGE_UP] * 9) == 0
    assert after(Key.UP) == 0
    assert after(Key.DOWN, Key.PAGE_DOWN) == 11
    assert after(*[Key.PAGE_DOWN] * 9) is None
    assert after(Key.HOME, Key.END) is None


def test_a_phrase_that_is_forgotten_cannot_be_scrolled_to() -> None:
    """Scrolled back for hours, the view would stand on a phrase that is gone."""
    choice, one = Choice(newest=3), Channel("front")
    for second in range(HISTORY + 10):
        one.hear(ended(second, "Word."), second)
    press(Key.UP, choice, [one], fitting=1, rows=20)
    assert choice.newest == 10
    press(Key.UP, choice, [channel("silent", [])], fitting=1, rows=20)
    assert choice.newest is None


def test_one_of_several_fills_the_screen() -> None:
    choice, many = Choice(), [channel(f"cam{number}", ["a"]) for number in range(12)]

    def after(key: Key | str) -> str | None:
        press(key, choice, many, fitting=4, rows=20)
        return choice.focus

    assert [after("3"), after(Key.NEXT), after(Key.BEFORE), after(Key.ALL)] == ["cam2", "cam3", "cam2", None]
    assert after(Key.BEFORE) == "cam11"
    assert after(Key.NEXT) == "cam0"
    after(Key.ALL)
    pages = []
    for key in (Key.PAGE_DOWN, Key.PAGE_DOWN, Key.PAGE_DOWN, Key.PAGE_UP, Key.HOME, Key.END):
        after(key)
        pages.append(choice.page(many, 4)[0][0])
    assert pages == [4, 8, 8, 4, 0, 8]
    assert after(Key.NEXT) == "cam8", "the first one on the page"
    press("9", choice, many[:3], fitting=4, rows=20)
    assert choice.focus == "cam8"
    press("1", choice, [], fitting=1, rows=20)
