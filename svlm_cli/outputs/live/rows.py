"""Rows of a screen, made of pieces at fixed columns, and their escape codes.

Each piece starts at its own column, so a character that a terminal draws wider than Rich assumes shifts nothing after
it.
"""

from dataclasses import dataclass

from rich.color import ColorSystem
from rich.style import Style

from svlm_cli.outputs.live.preview import Paint, Preview


@dataclass(frozen=True, slots=True)
class Words:
    """Plain text in one style."""

    column: int
    text: str
    style: Style = Style.null()  # noqa: RUF009 - a constant


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """A row of a preview."""

    column: int
    preview: Preview
    row: int


Piece = Words | Pixels
Row = list[Piece]


@dataclass(frozen=True, slots=True)
class Painter:
    """Turns rows into escape codes for one terminal."""

    colours: ColorSystem
    no_colour: bool
    paint: Paint

    def line(self, row: Row) -> str:
        """The codes of one row, wherever the cursor is in it."""
        return "".join(f"\x1b[{piece.column + 1}G{self._piece(piece)}" for piece in row)

    def _piece(self, piece: Piece) -> str:
        if isinstance(piece, Pixels):
            return piece.preview.ansi(self.paint)[piece.row]
        style = piece.style.without_color if self.no_colour else piece.style
        return style.render(piece.text, color_system=self.colours)
