"""Every sentence that can be said about footage, with the statement it makes. To parse a sentence is to look it up.

Knows neither when something is said nor whether it is true.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Final


class Topic(StrEnum):
    """What a statement is about."""

    CUT = "cut"
    CAMERA = "camera"
    ENTERS = "enters"
    LEAVES = "leaves"
    MOVES = "moves"
    STOPS = "stops"
    STILL = "still"
    LIGHT = "light"
    WEATHER = "weather"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a sentence states. Sentences that state the same in other words have equal statements."""

    topic: Topic
    what: str = ""  # the side, direction or place, or what the camera or the light does
    count: str = "one"  # of things: one, two, three or many
    size: str = ""  # of one thing: small or large, if mentioned


NUMBERS: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
CAMERA: Final = (
    "pans left",
    "pans right",
    "tilts up",
    "tilts down",
    "zooms in",
    "zooms out",
    "shakes",
    "follows",
    "moves",
    "stops",
)
ENTERS: Final = {
    "left": "from the left",
    "right": "from the right",
    "top": "from above",
    "bottom": "from below",
}
LEAVES: Final = {"left": "on the left", "right": "on the right", "top": "at the top", "bottom": "at the bottom"}
STOPS: Final = {"left": "on the left", "middle": "in the middle", "right": "on the right"}
DIRECTIONS: Final = ("left", "right", "up", "down")
SIZES: Final = ("small", "large")
SEVERAL: Final = {"two": "Two", "three": "Three", "many": "Many"}
LIGHT: Final = {
    "dark": "It is dark.",
    "bright": "It is bright.",
    "darker": "It gets darker.",
    "brighter": "It gets brighter.",
    "flickers": "The light flickers.",
}
PICTURE: Final = {
    "black": "The picture is black.",
    "test pattern": "A test pattern.",
    "frozen": "The picture freezes.",
    "endless match": "Endless Match needs a context.",  # another world, which needs names
}
CUTS: Final = {"cut": "Cut.", "fade": "Fade.", "cross-fade": "Dissolve."}
WEATHER: Final = {"rain": "It rains.", "snow": "It snows."}
NOTHING: Final = "Nothing moves."
STILL_AGAIN: Final = "Still again."
# After how many seconds stillness is mentioned again, and the duration in words.
STILL_FOR: Final = (
    {60 * minutes: f"{NUMBERS[minutes - 1]} minute{'s' * (minutes > 1)}" for minutes in (1, 2, 5, 10)}
    | {1800: "half an hour"}
    | {3600 * hours: f"{NUMBERS[hours - 1]} hour{'s' * (hours > 1)}" for hours in range(1, 11)}
)


def still_for(seconds: int) -> str:
    """The sentence after `seconds`, one of `STILL_FOR`."""
    return f"Nothing has moved for {STILL_FOR[seconds]}."


def enters(side: str, *, count: str = "one", size: str = "", another: bool = False) -> str:
    """`side` may be ``middle``: from behind something. `another`: the same was said recently."""
    if count != "one":
        return f"{SEVERAL[count]} things {'appear' if side == 'middle' else f'enter {ENTERS[side]}'}."
    who = _something(size) if not another else f"Another {size} one" if size else "Another"
    return f"{who} {'appears' if side == 'middle' else f'enters {ENTERS[side]}'}."


def leaves(side: str, *, count: str = "one", it: bool = False) -> str:
    """`it`: the thing that was mentioned last."""
    if count != "one":
        return f"{SEVERAL[count]} things {'disappear' if side == 'middle' else f'leave {LEAVES[side]}'}."
    who = "It" if it else "Something"
    return f"{who} {'disappears' if side == 'middle' else f'leaves {LEAVES[side]}'}."


def moves(direction: str, *, count: str = "one", size: str = "", it: bool = False) -> str:
    """`direction` may also be ``nearer``, ``away`` or, if several things move in different directions, empty."""
    if count != "one":
        verb = {"nearer": "come nearer", "away": "go away", "": "move"}.get(direction, f"move {direction}")
        return f"{SEVERAL[count]} things {verb}."
    verb = {"nearer": "comes nearer", "away": "goes away"}.get(direction, f"moves {direction}")
    return f"{'It' if it else _something(size)} {verb}."


def stops(place: str, *, size: str = "", it: bool = False) -> str:
    """`place`: left, middle or right."""
    return f"{'It' if it else _something(size)} stops {STOPS[place]}."


def camera(what: str) -> str:
    """One of `CAMERA`."""
    return f"The camera {what}."


def _something(size: str) -> str:
    return f"Something {size}" if size else "Something"


def _of_one() -> Iterator[tuple[str, Statement]]:
    sizes, they = ("", *SIZES), (False, True)
    for side, size, another in product((*ENTERS, "middle"), sizes, they):
        yield enters(side, size=size, another=another), Statement(Topic.ENTERS, side, size=size)
    for side, it in product((*LEAVES, "middle"), they):
        yield leaves(side, it=it), Statement(Topic.LEAVES, side)
    for direction, size in product((*DIRECTIONS, "nearer", "away"), sizes):
        yield moves(direction, size=size), Statement(Topic.MOVES, direction, size=size)
        yield moves(direction, it=True), Statement(Topic.MOVES, direction)
    for place, size in product(STOPS, sizes):
        yield stops(place, size=size), Statement(Topic.STOPS, place, size=size)
        yield stops(place, it=True), Statement(Topic.STOPS, place)


def _of_several() -> Iterator[tuple[str, Statement]]:
    for count, side in product(SEVERAL, (*ENTERS, "middle")):
        yield enters(side, count=count), Statement(Topic.ENTERS, side, count)
        yield leaves(side, count=count), Statement(Topic.LEAVES, side, count)
    for count, direction in product(SEVERAL, (*DIRECTIONS, "nearer", "away", "")):
        yield moves(direction, count=count), Statement(Topic.MOVES, direction, count)


def _of_the_picture() -> Iterator[tuple[str, Statement]]:
    for what in CAMERA:
        yield camera(what), Statement(Topic.CAMERA, what)
    for seconds, length in STILL_FOR.items():
        yield still_for(seconds), Statement(Topic.STILL, length)
    yield from ((sentence, Statement(Topic.STILL)) for sentence in (NOTHING, STILL_AGAIN))
    topics = {Topic.CUT: CUTS, Topic.LIGHT: LIGHT, Topic.WEATHER: WEATHER, Topic.PICTURE: PICTURE}
    for topic, sentences in topics.items():
        yield from ((sentence, Statement(topic, what)) for what, sentence in sentences.items())


SENTENCES: Final = dict([*_of_the_picture(), *_of_one(), *_of_several()])
"""Every sentence, with its statement."""

OF_THE_PICTURE: Final = {statement: sentence for sentence, statement in _of_the_picture()}
"""The sentence for each statement that is not about things; stillness has further ones."""
