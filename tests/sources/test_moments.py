"""Single pictures: those that are on screen at the moments, whoever decodes, and little besides."""

from pathlib import Path

import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.core.moments import Moments
from svlm_cli.sources import moments as module
from svlm_cli.sources.moments import StillsOf
from svlm_cli.sources.sequential import read_in_order
from svlm_cli.sources.windows import DecordUnfitError, DecordVideo
from tests.clips import cut, make_clip, numbers

GOP = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "10")
EVERY = [Moments(1.25, 2.0, 3), Moments(11.5, 0.1, 5), Moments(7.0, 0.5, 1)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds at 10 pictures a second."""
    return make_clip(tmp_path_factory.mktemp("stills") / "a.mp4", frames=120, fps="10", encode=GOP)


@pytest.fixture(params=["decord", "ffmpeg", "ffmpeg-apart"])
def stills(clip: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> StillsOf:
    """Each of the three that may decode."""
    if request.param != "decord":
        monkeypatch.setattr(module, "DecordVideo", _unfit)
    if request.param == "ffmpeg-apart":
        monkeypatch.setattr(module, "_FAR_S", 1.0)
    return StillsOf(clip)


def _unfit(*_: object, **__: object) -> DecordVideo:
    raise DecordUnfitError("it is not to be used here")


@pytest.mark.parametrize("moments", EVERY, ids=str)
def test_what_was_on_screen_then(stills: StillsOf, moments: Moments) -> None:
    """Guards an answer against a picture of another moment, a later one above all."""
    assert numbers(stills.at(moments)) == [int(10 * time_s + 0.01) for time_s in moments]


def test_from_when_to_when_there_are_pictures(stills: StillsOf) -> None:
    assert [stills.first_s, stills.end_s] == pytest.approx([0.0, 12.0])


def test_four_pictures_are_four_pictures(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against decoding two hours for the last two seconds: a seek leads there."""
    monkeypatch.setattr(module, "DecordVideo", _unfit)
    stills, asked = StillsOf(clip), []

    def listen(*arguments: object, start_s: float, **more: object) -> object:
        asked.append(start_s)
        return read_in_order(*arguments, start_s=start_s, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "read_in_order", listen)
    stills.at(Moments(10.0, 0.5, 4))
    assert asked == [10.0]


@pytest.mark.parametrize("unfit", [False, True])
def test_what_cannot_be_decoded_is_told(
    clip: Path, tmp_path: Path, unfit: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against the last picture before the break in the place of those after it."""
    if unfit:
        monkeypatch.setattr(module, "DecordVideo", _unfit)
    whole = make_clip(tmp_path / "a.mkv", frames=120, fps="10", encode=GOP)
    broken = cut(whole, tmp_path / "b.mkv", 0.4)
    stills = StillsOf(broken)
    with pytest.raises(InputError, match=r"b\.mkv"):
        stills.at(Moments(0.0, 2.0, 6))
    with pytest.raises(InputError):
        StillsOf(tmp_path / "nowhere.mp4")
