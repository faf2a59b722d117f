"""The last rows of the screen: numbers, and what the keys do. Pure text."""

from dataclasses import dataclass

from rich.cells import cell_len

from svlm_cli.outputs.live.cells import crop, crop_start
from svlm_cli.outputs.live.meters import MINUTE, Machine, sparkline
from svlm_cli.outputs.live.state import Totals

_LEAST_BARS = 8
_GIB, _MIB = 1 << 30, 1 << 20


@dataclass(frozen=True, slots=True)
class Notice:
    """A line without control characters that replaces the row of keys for some seconds."""

    text: str
    until_s: float


@dataclass(frozen=True, slots=True)
class Typing:
    """A question being typed, about the video of this name."""

    name: str
    text: str = ""

    def line(self, columns: int) -> str:
        """The last row, showing the end of the text."""
        head, hint = f"Ask {crop(self.name, columns // 3)}: ", "  Enter asks, Esc leaves"
        room = columns - cell_len(head) - 1
        if cell_len(self.text) + len(hint) <= room:
            return f"{head}{self.text}_{hint}"
        return crop(f"{head}{crop_start(self.text, max(0, room))}_", columns)


def number_lines(totals: Totals, machine: Machine, columns: int, rows: int) -> list[str]:
    """The numbers in `rows` rows; what does not fit is left out, the last first."""
    arrived, looked_at = _rate(totals.arrived), _rate(totals.looked_at)
    parts = [f"{arrived} fps in, {looked_at} seen" if arrived != looked_at else f"{arrived} fps in and seen"]
    if totals.lag_s is not None:
        parts.append(f"lag {totals.lag_s:.1f} s")
    elif totals.speed is not None:
        parts.append(f"{totals.speed:.1f}x as fast as it plays")
    parts.append(f"{totals.dropped} dropped")
    memory = _memory(machine)
    speech = f"{totals.tokens:.1f} tokens/s"
    if rows == 0:
        return []
    if rows == 1:
        return [_row([*parts, f"{speech} {sparkline(totals.counts, _LEAST_BARS)}", *memory], columns)]
    bars = sparkline(totals.counts, min(MINUTE, columns - len(speech) - 1))
    return [_row([*parts, *memory], columns), crop(f"{speech} {bars}", columns)]


def _row(parts: list[str], columns: int) -> str:
    text = parts[0]
    for part in parts[1:]:
        if cell_len(text) + 2 + cell_len(part) <= columns:
            text = f"{text}  {part}"
    return crop(text, columns)


def _rate(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.1f}"


def _memory(machine: Machine) -> list[str]:
    parts = []
    if machine.resident_bytes is not None:
        parts.append(f"{machine.resident_bytes / _MIB:.0f} MiB")
    if machine.gpu_bytes is not None and machine.gpu_total_bytes is not None:
        parts.append(f"GPU {machine.gpu_bytes / _GIB:.1f} of {machine.gpu_total_bytes / _GIB:.0f} GiB")
    if machine.gpu:
        parts.append(machine.gpu)
    return parts


def keys_line(
    *,
    paused: bool,
    newer: int,
    several: bool,
    focused: bool,
    hidden: int,
    has_keys: bool,
    asks: bool,
    columns: int,
) -> str:
    """What the keys do now, and the state of the view."""
    if not has_keys:
        return crop(f"Ctrl-C ends; {hidden} more have no room" if hidden else "Ctrl-C ends", columns)
    parts = []
    if paused:
        parts.append("PAUSED, captioning goes on: p resumes")
    if newer:
        parts.append(f"{newer} newer: End follows again")
    if hidden:
        parts.append(f"{hidden} more: PgDn")
    parts.append("q quit")
    if not paused:
        parts.append("p pause")
    parts.append("s save")
    if asks and focused:
        parts.append("a ask")
    if several:
        parts.append("1-9 Tab one" if not focused else "Tab next  0 all")
    if focused:
        parts.append("↑↓ scroll")
    return _row(parts, columns)
