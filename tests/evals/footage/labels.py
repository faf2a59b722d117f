"""Labels of the real clips: the kinds, their values, and how a file of them is read. Knows no clip and no model."""

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
FIRST, SECOND, SETTLED = (FOLDER / f"{name}.jsonl" for name in ("first", "second", "settled"))
CLIPS_S = {  # how long each clip is
    "vtest.avi": 79.5,
    "box.mp4": 15.18,
    "cup.mp4": 8.1,
    "tree.avi": 29.6,
    "bikes.mp4": 10.0,
    "carphone_pristine.mp4": 4.0,
    "bigbuckbunny.mp4": 5.28,
    "cockatoo.mp4": 14.0,
    "realshort.mp4": 1.2,
}

Value = str | int

_ACROSS, _DOWN = ("left", "middle", "right"), ("top", "middle", "bottom")
_PLACES: tuple[Value, ...] = tuple(f"{across} {down}" for across in _ACROSS for down in _DOWN)
_SIZES: tuple[Value, ...] = ("small", "middle", "large")
_SIDES: tuple[Value, ...] = ("left", "right", "top", "bottom", "middle")
_DIRECTIONS: tuple[Value, ...] = ("left", "right", "up", "down", "nearer", "away", "about")
_CAMERA: tuple[Value, ...] = (
    *("still", "shakes", "pans left", "pans right", "tilts up", "tilts down"),
    *("zooms in", "zooms out", "follows", "moves otherwise"),
)
STATES: dict[str, dict[str, tuple[Value, ...]]] = {  # these cover a clip from its beginning to its end
    "shot": {"how": ("start", "cut", "fade")},
    "camera": {"does": _CAMERA},
    "motion": {"amount": ("nothing", "little", "some", "much")},
    "number": {"count": (0, 1, 2, 3, "many")},
    "light": {"is": ("dark", "normal", "bright", "flickers", "changes")},
}
EVENTS: dict[str, dict[str, tuple[Value, ...]]] = {  # these are of one thing; what tells it most comes first
    "enters": {"side": _SIDES, "size": _SIZES},
    "leaves": {"side": _SIDES, "size": _SIZES},
    "moves": {"direction": _DIRECTIONS, "place": _PLACES, "size": _SIZES},
    "stops": {"place": _PLACES, "size": _SIZES},
    "starts": {"place": _PLACES, "size": _SIZES},
}
KINDS = STATES | EVENTS
BORDERS = ("side", "place", "size")  # a thing may be on the border of two of these
UNDECIDED = ("does", "amount", "is")  # of a state that is not sure, another may hold as well


@dataclass(frozen=True, slots=True)
class Label:
    """A line: what is to be seen in `clip` from `start_s` to `end_s`. What is in `also` holds as well."""

    clip: str
    kind: str
    start_s: float
    end_s: float
    values: dict[str, Value]
    also: dict[str, tuple[Value, ...]]
    thing: int | None
    sure: bool
    note: str

    def main(self) -> Value | None:
        """What tells it most: a side, a direction, an amount. None for a stop and a start, which have a place alone."""
        name = next(iter(KINDS[self.kind]))
        return None if name == "place" else self.values[name]


def read(path: Path) -> list[Label]:
    """Raises ValueError, with the number of the line, for a missing or unknown key, or a value that it cannot have."""
    labels = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            labels.append(_label(json.loads(line)))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path.name}, line {number}: {error!r}") from error
    return labels


def _label(row: dict[str, object]) -> Label:
    row = dict(row)
    clip, kind, note, sure = row.pop("clip"), row.pop("kind"), row.pop("note"), row.pop("sure")
    start_s, end_s = row.pop("start_s"), row.pop("end_s")
    if not (isinstance(clip, str) and isinstance(kind, str) and isinstance(note, str) and isinstance(sure, bool)):
        raise ValueError("clip, kind and note are text, sure is true or false")
    if not (isinstance(start_s, int | float) and isinstance(end_s, int | float) and 0 <= start_s < end_s):
        raise ValueError("start_s is a number, and end_s a later one")
    thing = row.pop("thing") if kind in EVENTS else None
    if not (thing is None or isinstance(thing, int)):
        raise ValueError("a thing is a number")
    also = row.pop("also", {})
    several = BORDERS if sure else (*BORDERS, *UNDECIDED)
    if not isinstance(also, dict) or not set(also) <= set(several) & set(KINDS[kind]):
        raise ValueError(f"also is for {', '.join(several)}")
    values = {name: _one_of(row.pop(name), allowed) for name, allowed in KINDS[kind].items()}
    if row:
        raise ValueError(f"unknown keys: {', '.join(row)}")
    others = {name: tuple(_one_of(one, KINDS[kind][name]) for one in more) for name, more in also.items()}
    return Label(clip, kind, float(start_s), float(end_s), values, others, thing, sure, note)


def _one_of(value: object, allowed: tuple[Value, ...]) -> Value:
    if not isinstance(value, str | int) or isinstance(value, bool) or value not in allowed:
        raise ValueError(f"{value!r} is none of {allowed}")
    return value
