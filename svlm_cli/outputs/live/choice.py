"""What the viewer has selected, and how keys change it: which of several videos, and how far back. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from svlm_cli.outputs.live.keys import Key
from svlm_cli.outputs.live.state import Channel


@dataclass(slots=True)
class Choice:
    """What the viewer has selected."""

    focus: str | None = None  # name of the one video, of several, that fills the screen
    first: int = 0  # index of the first video on the page
    newest: int | None = None  # serial of the last phrase to show; None: always the newest
    paused_s: float | None = None  # time of the pause; None: not paused

    def lone(self, channels: Sequence[Channel]) -> Channel | None:
        """The video that fills the screen, if one does."""
        if len(channels) == 1:
            return channels[0]
        return next((one for one in channels if one.name == self.focus), None)

    def page(self, channels: Sequence[Channel], fitting: int) -> list[tuple[int, Channel]]:
        """The videos on a page of `fitting`, with their indices. The last page is filled up like the others."""
        first = max(0, min(self.first, len(channels) - fitting))
        return list(enumerate(channels))[first:][:fitting]


def press(key: Key | str, choice: Choice, channels: Sequence[Channel], *, fitting: int, rows: int) -> None:
    """Apply a key to `choice`. A page has room for `fitting` videos, the screen has `rows` rows."""
    names = [channel.name for channel in channels]
    if not names:
        return
    if isinstance(key, str):
        if int(key) <= len(names) and len(names) > 1:
            choice.focus, choice.newest = names[int(key) - 1], None
        return
    focus = names[0] if len(names) == 1 else choice.focus if choice.focus in names else None
    if key is Key.ALL:
        choice.focus, choice.newest = None, None
    elif key in (Key.NEXT, Key.BEFORE):
        if len(names) > 1:
            step = 1 if key is Key.NEXT else -1
            at = names.index(focus) + step if focus is not None else choice.first if step > 0 else len(names) - 1
            choice.focus, choice.newest = names[at % len(names)], None
    elif focus is None:
        _turn_page(key, choice, len(names), fitting)
    else:
        choice.newest = _scroll(key, choice.newest, channels[names.index(focus)], rows)


def _turn_page(key: Key, choice: Choice, count: int, fitting: int) -> None:
    last = (count - 1) // fitting * fitting
    match key:
        case Key.PAGE_DOWN | Key.DOWN:
            choice.first = min(choice.first + fitting, last)
        case Key.PAGE_UP | Key.UP:
            choice.first = max(0, choice.first - fitting)
        case Key.HOME:
            choice.first = 0
        case Key.END:
            choice.first = last


def _scroll(key: Key, newest: int | None, channel: Channel, rows: int) -> int | None:
    if not channel.phrases:
        return None
    oldest, last = channel.phrases[0].serial, channel.spoken - 1
    at = last if newest is None else max(newest, oldest)
    page = max(1, rows // 2)
    match key:
        case Key.UP:
            at -= 1
        case Key.PAGE_UP:
            at -= page
        case Key.HOME:
            at = oldest + rows // 3
        case Key.DOWN:
            at += 1
        case Key.PAGE_DOWN:
            at += page
        case Key.END:
            at = last
    return None if at >= last else max(at, oldest)
