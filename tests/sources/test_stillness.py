"""A camera whose encoder hangs goes on sending, so nothing is missing: only its pictures tell."""

import numpy as np

from svlm_cli.core.events import State, describe
from svlm_cli.core.types import Picture
from svlm_cli.media.ffmpeg import find_ffmpeg
from svlm_cli.media.network import device_address
from svlm_cli.sources.live import LiveOptions
from svlm_cli.sources.stillness import Stillness
from tests.clips import numbered
from tests.sources.live import Watched

STILL = "has shown the same picture for 60 s."
AGAIN = "shows other pictures again."


def told(looks: Stillness, pictures: list[Picture], start_s: float = 0.0) -> list[str]:
    """What is told of pictures, one a second."""
    said = [looks.look(one, start_s + second, first=False) for second, one in enumerate(pictures)]
    return [sentence for sentence in said if sentence]


def same(seconds: int, number: int = 1) -> list[Picture]:
    """Pictures that came one by one and are equal."""
    return [numbered(number) for _ in range(seconds)]


def test_the_same_picture_for_a_minute_is_told_once() -> None:
    assert told(Stillness(), same(60)) == []
    assert told(Stillness(), [*same(3000), numbered(2), numbered(3)]) == [STILL, AGAIN]


def test_noise_is_life() -> None:
    """A parking lot at night must not be called a broken camera."""
    chance = np.random.default_rng(1)
    noisy = [numbered(1) ^ (chance.random((120, 160, 1)) < 0.001) for _ in range(200)]
    assert told(Stillness(), noisy) == []


def test_slides_are_not_told_of_for_ever() -> None:
    """A picture that changes every two minutes would be a line a minute, for days."""
    slides = [picture for number in range(1, 40) for picture in same(120, number)]
    assert told(Stillness(), slides) == [STILL, AGAIN]


def test_what_we_show_again_and_a_new_connection_begin_nothing() -> None:
    """A slow camera's picture stands for it meanwhile; the time without a camera does not count."""
    looks = Stillness()
    assert told(looks, [numbered(1)] * 1 + [numbered(2)] * 1) == []
    picture = numbered(3)
    assert told(looks, [picture] * 200, 2.0) == []
    assert looks.look(numbered(3), 300.0, first=True) == ""
    assert told(looks, same(50, 3), 301.0) == []


def test_a_source_that_stands_still() -> None:
    """It stays connected."""
    address = device_address(find_ffmpeg(), "color=gray:s=64x48:r=8,realtime", "lavfi", name="lobby")
    with Watched(address, options=LiveOptions(still_s=0.5)) as camera:
        camera.wait_for(lambda: "lobby has shown the same picture for" in describe(camera.stream.status))
        assert camera.stream.status.state is State.LIVE
        camera.wait_for_frames(2)
    assert [status.state for status in camera.told] == [State.CONNECTING, State.LIVE, State.LIVE, State.ENDED]
