"""A terminal for tests: what is on the screen after these bytes. Strict: what the view has no business to send, raises.

Widths come from Unicode's own table, and not from Rich, whose counting is under test.
"""

import re
import unicodedata
from dataclasses import dataclass, field

_TOKEN = re.compile(r"\x1b\[(\?\d+[hl]|[\d;]*[A-Za-z])|([^\x00-\x1f\x7f-\x9f])|\r?\n")
_MODES = {"?1049", "?25", "?7", "?2026"}


def width(char: str) -> int:
    """Cells of a character."""
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


@dataclass
class Screen:
    """Of so many cells. Each holds a character and how it is drawn; the second half of a wide one is empty."""

    columns: int
    rows: int
    modes: dict[str, bool] = field(default_factory=dict)
    after: str = ""  # printed while no screen was shown
    overflow: bool = False  # something was written beyond the last column

    def __post_init__(self) -> None:
        self.resize(self.columns, self.rows)

    def resize(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.clear()

    def clear(self) -> None:
        self.cells = [[(" ", "")] * self.columns for _ in range(self.rows)]
        self.row = self.column = 0
        self.style = ""

    def feed(self, data: bytes) -> None:
        """Whole sequences."""
        text = data.decode()
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            assert match is not None, f"no business here: {text[at : at + 20]!r}"
            at = match.end()
            if match[1]:
                self._control(match[1])
            elif self.modes.get("?1049"):
                assert match[2], "a screen has no line breaks"
                self._put(match[2])
            else:
                self.after += match[0]

    def _control(self, code: str) -> None:
        body, final = code[:-1], code[-1]
        if body.startswith("?"):
            assert body in _MODES, code
            self.modes[body] = final == "h"
        elif final == "m":
            self.style = "" if body in ("", "0") else f"{self.style};{body}"
        elif final == "H":
            row, column = map(int, body.split(";"))
            assert row <= self.rows, "below the screen"
            self.row, self.column = row - 1, column - 1
        elif final == "G":
            self.column = int(body) - 1
        elif final == "K":
            self.cells[self.row][self.column :] = [(" ", "")] * (self.columns - self.column)
        elif (body, final) == ("2", "J"):
            self.clear()
        else:
            raise AssertionError(f"no business here: {code!r}")

    def _put(self, char: str) -> None:
        cells = width(char)
        if cells and self.column + cells > self.columns:
            self.overflow = True
            return
        if cells:
            self.cells[self.row][self.column] = (char, self.style)
        if cells == 2:
            self.cells[self.row][self.column + 1] = ("", self.style)
        self.column += cells

    @property
    def lines(self) -> list[str]:
        return ["".join(char for char, _ in row).rstrip() for row in self.cells]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def style_of(self, text: str) -> str:
        """How the first cell of `text` is drawn."""
        for row in self.cells:
            at = "".join(char or "\0" for char, _ in row).find(text)
            if at >= 0:
                return row[at][1]
        raise AssertionError(f"{text} is not on the screen:\n{self.text}")
