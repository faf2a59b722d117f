"""From when on a person notes something: every threshold of the log, with its reason. Knows nothing that they are for.

Ways are in widths of the picture, times in seconds. Chosen for a careful viewer of a picture some hundred pixels wide.
"""

from typing import Final

TICK_S: Final = 0.1  # at which truth is looked at: finer than a person's sense of when

# How far something goes in a second. At the first a person sees within two seconds that it moves, by a fifth of its own
# height or more for what is small; below the second nobody would. As for the camera, or it would follow what rests.
MOVES: Final = 0.02
RESTS: Final = 0.01
# Limbs and wings move to and fro: the root of the mean square of their speed, at which a person sees that they do.
STIRS: Final = 0.012
# Growth of the logarithm of the height in a second: a tenth larger within two seconds is seen: all else is as before.
NEARS: Final = 0.06
# Growth against way: the rim of what grows goes outwards by its height; what is small is judged by its surroundings.
NEARING_REACH: Final = 0.25
# Everything moves with the camera, so that less is seen: two pixels of 224 between two pictures of a second.
PANS: Final = 0.02
ZOOMS: Final = 0.03  # of the logarithm of the zoom: the rim of the picture moves half as far in widths
ZOOMING_AS_WAY: Final = 0.35
SLANTS: Final = 0.5  # a second direction with this share of the first: neither pans nor tilts, "moves otherwise"
SHAKES: Final = 0.003  # about a pixel of 224 to and fro

# A thing is there when this share of it can be seen, and gone when less than that can be.
SEEN: Final = 0.3
GONE: Final = 0.08
COVERS: Final = (
    0.03  # or as much of the picture is covered by it: an arm is seen though most of it is beside the picture
)
WHOLLY: Final = 0.85  # of the most that is seen of it about that time: it is in
SHORTEST: Final = 0.035  # of the height of the picture: four pixels of 126; less is taken for noise
SMALL: Final = 1 / 6  # as the people who label real clips were told
LARGE: Final = 1 / 2

# Shares of the picture covered by what moves. A walker far away is little, several of them are some, one who fills a
# third is much.
LITTLE: Final = 0.0008
SOME: Final = 0.015
MUCH: Final = 0.1
STIRRING: Final = 0.5  # what moves on the spot counts by this: most of it rests
RIPPLES: Final = 0.003  # how high: half a pixel of 224 to and fro is seen on water, less is not
BY_ITSELF: Final = 0.5  # share of the way over the picture's rim that is its own: if less, the camera did it
MANY: Final = 4  # a person counts to three at a glance

DARK: Final = -0.9  # logarithms of the gain: below 0.4 shadows are black
BRIGHT: Final = 0.4
SUDDEN_S: Final = 0.5  # a change in no time is still something that a person tells as of half a second

LASTS_S: Final = 0.5  # a state that is shorter is not told
HIDDEN_S: Final = 0.5  # nor is it told when something is behind another for less
