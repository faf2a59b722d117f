"""The first row of the screen, and of each of several videos: name, state and time. Pure."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.style import Style

from svlm_cli.outputs.live.cells import crop, crop_start
from svlm_cli.outputs.live.condition import Condition
from svlm_cli.outputs.live.geometry import Area
from svlm_cli.outputs.live.rows import Row, Words
from svlm_cli.outputs.live.state import Channel
from svlm_cli.outputs.progress import clock

_DIM, _BOLD = Style(dim=True), Style(bold=True)
_PAUSED = "PAUSED"
_GOES_TO = " -> "
_LEAST_FILES = 16  # cells; a shorter piece of a path says nothing
_BADGES: dict[str, Style] = {
    Condition.FILE: Style(color="blue", reverse=True, bold=True),
    Condition.CONNECTING: Style(color="yellow", reverse=True),
    Condition.LIVE: Style(color="green", reverse=True, bold=True),
    Condition.RECONNECTING: Style(color="yellow", reverse=True, bold=True),
    Condition.ENDED: Style(reverse=True, dim=True),
    _PAUSED: Style(color="magenta", reverse=True, bold=True),
}


def header(
    channels: Sequence[Channel], lone: Channel | None, model: str, columns: int, now_s: float, *, paused: bool
) -> Row:
    """The header of the screen, for the video that fills it or for all."""
    whole = Area(0, 0, columns, 1)
    if lone is not None:
        number = f"{channels.index(lone) + 1}/{len(channels)} " if len(channels) > 1 else ""
        badge = _PAUSED if paused else lone.condition
        return title(f"{number}{lone.name}", badge, _elapsed(lone, now_s), whole, files=lone.files, model=model)
    if not channels:
        return [Words(0, crop(f"svlm  {model}", columns), _BOLD)]
    counts = {condition: sum(one.condition is condition for one in channels) for condition in Condition}
    told = " ".join(f"{count} {condition}" for condition, count in counts.items() if count)
    longest = max((now_s - one.begun_s for one in channels if one.begun_s is not None), default=0.0)
    return title(f"{len(channels)} videos", _PAUSED if paused else told, clock(longest), whole, model=model)


def title(
    name: str, badge: str, time: str, area: Area, *, files: str = "", model: str = "", underlined: bool = False
) -> Row:
    """Name, output files, model, state and time in one row; what does not fit is left out, the model first."""
    style, badge = _BADGES.get(badge, _BOLD), f" {badge} "
    right = len(badge) + (len(time) + 1 if time else 0)
    if right > area.columns:
        badge = crop(badge, area.columns)
        time, right = "", len(badge)
    row: Row = []
    room = area.columns - right - 1
    name = crop(name, max(0, room))
    if name:
        row.append(Words(area.column, name, Style(bold=True, underline=underlined)))
    used = cell_len(name)
    if files and room - used - len(_GOES_TO) >= min(cell_len(files), _LEAST_FILES):
        files = f"{_GOES_TO}{crop_start(files, room - used - len(_GOES_TO))}"
        row.append(Words(area.column + used, files, _DIM))
        used += cell_len(files)
    if model and room - used - 2 >= cell_len(model):
        row.append(Words(area.column + used + 2, model, _DIM))
    end = area.column + area.columns
    row.append(Words(end - right, badge, style))
    if time:
        row.append(Words(end - len(time), time))
    return row


def _elapsed(channel: Channel, now_s: float) -> str:
    """How long a live source has been watched; for a file, its position and length."""
    if channel.condition is not Condition.FILE:
        return clock(now_s - channel.begun_s if channel.begun_s is not None else 0.0)
    position = clock(channel.position_s or 0.0)
    return position if channel.length_s is None else f"{position} / {clock(channel.length_s)}"
