"""Composes the screen: turns the state of the videos into rows of cells.

Pure, except for a cache of previews. Knows no terminal. Expects text without control characters.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.style import Style

from svlm_cli.core.types import Picture
from svlm_cli.outputs.live.cells import crop, wrap
from svlm_cli.outputs.live.choice import Choice
from svlm_cli.outputs.live.footer import Notice, Typing, keys_line, number_lines
from svlm_cli.outputs.live.geometry import Area, beside, divide, preview_of_tile, tiles
from svlm_cli.outputs.live.header import header, title
from svlm_cli.outputs.live.meters import Machine
from svlm_cli.outputs.live.preview import Preview, fit
from svlm_cli.outputs.live.rows import Pixels, Row, Words
from svlm_cli.outputs.live.state import Channel, Phrase, Totals
from svlm_cli.outputs.progress import clock

_DIM, _BOLD = Style(dim=True), Style(bold=True)
_TROUBLE = Style(color="yellow")
_JOINED = 4  # phrases joined per video when several are shown, as some are short
_LEAST_INDENTED = 34  # columns; in fewer, words start below their time instead of beside it


@dataclass(slots=True, eq=False)
class Page:
    """Composes screens."""

    model: str
    has_keys: bool = True
    asks: bool = False  # whether questions are answered
    previews: dict[str, tuple[Picture, Preview]] = field(default_factory=dict)  # per video, as last shown
    fitting: int = 1  # videos that fit on a page

    def compose(
        self,
        channels: Sequence[Channel],
        choice: Choice,
        size: tuple[int, int],
        now_s: float,
        *,
        live: Sequence[Channel] | None = None,
        machine: Machine | None = None,
        notice: Notice | None = None,
        typing: Typing | None = None,
    ) -> list[Row]:
        """The rows of a screen of `size`, (columns, rows). When paused, `channels` are frozen copies of `live`."""
        columns, rows = size
        frame = divide(columns, rows)
        page: list[Row] = [[] for _ in range(rows)]
        shown_s = now_s if choice.paused_s is None else choice.paused_s
        lone = choice.lone(channels)
        page[0] = header(channels, lone, self.model, columns, shown_s, paused=choice.paused_s is not None)
        if lone is not None:
            self._single(page, lone, choice, frame.body, shown_s, preview=frame.preview)
        elif channels and frame.body.rows:
            areas = tiles(frame.body, len(channels), preview=frame.preview)
            self.fitting = len(areas)
            for area, (index, channel) in zip(areas, choice.page(channels, self.fitting), strict=True):
                self._tile(page, channel, index, area, shown_s, preview=frame.preview)
        counted = live or channels
        totals = Totals.of(counted if lone is None else [one for one in counted if one.name == lone.name], now_s)
        below = rows - frame.numbers - frame.keys
        for row, text in enumerate(number_lines(totals, machine or Machine(), columns, frame.numbers), below):
            page[row] = [Words(0, text, _DIM)]
        if typing is not None and rows > 1:
            page[rows - 1] = [Words(0, typing.line(columns), _BOLD)]
        elif frame.keys:
            page[rows - 1] = [self._last_line(channels, choice, lone, columns, notice)]
        elif notice is not None and frame.numbers:
            page[rows - 1] = [Words(0, crop(notice.text, columns), _TROUBLE)]
        return page

    def _single(
        self, page: list[Row], channel: Channel, choice: Choice, body: Area, now_s: float, *, preview: bool
    ) -> None:
        words = body
        if preview:
            picture = channel.picture(now_s)
            where, words = beside(body, (9, 16) if picture is None else (picture.shape[0], picture.shape[1]))
            self._picture(page, channel, picture, where)
        lines = list(self._trouble(channel, words.columns))[: words.rows]
        lines = [*self._said(channel, choice, words.columns, words.rows - len(lines)), *lines]
        for row, line in enumerate(lines, words.row):
            page[row] += [Words(words.column + column, text, style) for column, text, style in line]

    @staticmethod
    def _trouble(channel: Channel, columns: int) -> "Iterator[list[_Part]]":
        if channel.condition.without_picture and channel.reason:
            for text in wrap(channel.reason, columns):
                yield [(0, text, _TROUBLE)]

    def _said(self, channel: Channel, choice: Choice, columns: int, rows: int) -> "list[list[_Part]]":
        """The last lines that fit: phrases with their times, the newest in bold."""
        lines: list[list[_Part]] = []
        phrases = channel.said()
        if choice.newest is not None:
            phrases = [phrase for phrase in channel.phrases if phrase.serial <= choice.newest]
        for index, phrase in enumerate(reversed(phrases)):
            if len(lines) >= rows:
                break
            style = _BOLD if index == 0 and choice.newest is None else Style.null()
            lines = [*_lines(phrase, columns, style), *lines]
        return lines[max(0, len(lines) - rows) :] if rows > 0 else []

    def _tile(self, page: list[Row], channel: Channel, index: int, area: Area, now_s: float, *, preview: bool) -> None:
        page[area.row] += title(
            f"{index + 1} {channel.name}", channel.condition, "", area, files=channel.files, underlined=True
        )
        size = preview_of_tile(area.columns, area.rows) if preview else None
        first, rows = area.row + 1, area.rows - 1
        if size is not None:
            picture = channel.picture(now_s)
            cells = fit(*size, (9, 16) if picture is None else (picture.shape[0], picture.shape[1]))
            self._picture(page, channel, picture, Area(area.column, first, *cells))
            first, rows = first + cells[1], min(2, rows - cells[1])
        lines = [text for line in self._trouble(channel, area.columns) for _, text, _ in line]
        style = _TROUBLE if lines else Style.null()
        if not lines:
            lines = wrap(" ".join(phrase.text for phrase in channel.said()[-_JOINED:]), area.columns)
        for row, text in enumerate(lines[-rows:] if rows > 0 else [], first):
            page[row].append(Words(area.column, text, style))

    def _picture(self, page: list[Row], channel: Channel, picture: Picture | None, where: Area) -> None:
        if picture is None:
            text = crop("no picture yet", where.columns)
            column = where.column + (where.columns - cell_len(text)) // 2
            page[where.row + where.rows // 2].append(Words(column, text, _DIM))
            return
        kept = self.previews.get(channel.name)
        if kept is None or kept[0] is not picture or (kept[1].columns, kept[1].rows) != (where.columns, where.rows):
            kept = self.previews[channel.name] = picture, Preview(picture, where.columns, where.rows)
        for row in range(where.rows):
            page[where.row + row].append(Pixels(where.column, kept[1], row))

    def _last_line(
        self,
        channels: Sequence[Channel],
        choice: Choice,
        lone: Channel | None,
        columns: int,
        notice: Notice | None,
    ) -> Words:
        if notice is not None:
            return Words(0, crop(notice.text, columns), _TROUBLE)
        hidden = 0 if lone is not None else max(0, len(channels) - self.fitting)
        newer = 0 if lone is None or choice.newest is None else lone.spoken - 1 - choice.newest
        text = keys_line(
            paused=choice.paused_s is not None,
            newer=newer,
            several=len(channels) > 1,
            focused=lone is not None,
            hidden=hidden,
            has_keys=self.has_keys,
            asks=self.asks,
            columns=columns,
        )
        return Words(0, text, _BOLD if choice.paused_s is not None or newer else Style.null())


_Part = tuple[int, str, Style]  # column, text, style


def _lines(phrase: Phrase, columns: int, style: Style) -> list[list[_Part]]:
    time = clock(phrase.start_s)
    indent = len(time) + 1 if columns >= _LEAST_INDENTED - 6 else 0
    if not indent:
        return [[(0, text, style)] for text in wrap(f"{time} {phrase.text}", max(1, columns))]
    first, *others = wrap(phrase.text, columns - indent)
    return [[(0, time, _DIM), (indent, first, style)], *([(indent, text, style)] for text in others)]
