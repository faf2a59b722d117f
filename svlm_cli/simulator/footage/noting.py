"""When a person would note something: all thresholds of the log, with their reasons. Does not know their use.

Distances are in picture widths, times in seconds. They suit a careful viewer of a picture a few hundred pixels wide.
"""

from typing import Final

TICK_S: Final = 0.1  # sampling interval of the log: finer than a person's sense of time

# Speed of a thing. At MOVES a person sees within two seconds that it moves: a small thing has then moved by a fifth of
# its height or more. Below RESTS nobody sees it. MOVES equals PANS: otherwise a camera could follow a thing that rests.
MOVES: Final = 0.02
RESTS: Final = 0.01
# Limbs and wings swing: the RMS of their speed at which a person sees it.
STIRS: Final = 0.012
# Growth of the log height per second: a tenth in two seconds is seen, because everything else keeps its size.
NEARS: Final = 0.06
# Growth compared with motion: the edge of a growing thing moves by a share of its height, or of this, if it is small.
NEARING_REACH: Final = 0.25
# Speed of the camera: everything moves, so less is noticed. Two pixels of 224 between two pictures at two per second.
PANS: Final = 0.02
ZOOMS: Final = 0.03  # change of log zoom per second: the picture's edge moves by half of it, in widths
ZOOMING_AS_WAY: Final = 0.35
SLANTS: Final = 0.5  # smaller component over larger: above it, a move is neither a pan nor a tilt
SHAKES: Final = 0.003  # amplitude: about one pixel of 224

# A thing appears when a share of SEEN is visible, and is gone when less than GONE is.
SEEN: Final = 0.3
GONE: Final = 0.08
# It also appears when it covers this share of the picture: an arm counts although most of it is outside the picture.
COVERS: Final = 0.03
WHOLLY: Final = 0.85  # share of its largest visibility about that time from which it has fully entered
SHORTEST: Final = 0.05  # in picture heights, seven pixels of 140; anything smaller looks like noise
# In picture heights. A size is said only beyond doubt: labels of real clips have 1/6 and 1/2.
SMALL: Final = 0.1
LARGE: Final = 0.55

# Share of the picture covered by moving things. A distant walker is "little", several are "some"; one who fills a third
# of the picture is "much".
LITTLE: Final = 0.0008
SOME: Final = 0.015
MUCH: Final = 0.1
STIRRING: Final = 0.5  # weight of things that move on the spot, because most of such a thing rests
RIPPLES: Final = 0.003  # amplitude: on water, half a pixel of 224 is visible, less is not
BY_ITSELF: Final = 0.5  # share of the motion over the picture's edge that is its own; below, the camera did it
MANY: Final = 4  # a person counts up to three at a glance

DARK: Final = -0.9  # log gain: below a gain of 0.4 shadows are black
BRIGHT: Final = 0.4
SUDDEN_S: Final = 0.5  # a person notes an instant change as one of half a second

LASTS_S: Final = 0.5  # shorter states are not noted
HIDDEN_S: Final = 0.5  # nor are things that are hidden for less
# What goes behind something, or comes out from behind it, is noted when nearly all of it was or is then visible, and
# it was away for so long: nobody can know whether it will come back.
CLEARLY: Final = 0.7
AWAY_S: Final = 1.0
