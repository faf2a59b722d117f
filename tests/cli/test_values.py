"""Values of the command line: what is understood, and what is refused."""

import pytest

from svlm_cli.cli.values import device_option_of, formats_of, length_of, seconds_of, size_of
from svlm_cli.core.errors import UsageError
from svlm_cli.outputs.format import Format


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90.0), ("1.5s", 1.5), ("15m", 900.0), ("1h", 3600.0), ("2d", 172800.0)]
)
def test_lengths(text: str, seconds: float) -> None:
    """Guards the units: a file an hour, and not one a second."""
    assert length_of(text, "for a file", "15m", least_s=1) == seconds


@pytest.mark.parametrize("text", ["", "m", "1w", "-1s", "0.5s", "1h30m"])
def test_lengths_that_are_none(text: str) -> None:
    """Guards against files of no length, and against units that are guessed."""
    with pytest.raises(UsageError, match="is not a length for a file"):
        length_of(text, "for a file", "15m", least_s=1)


@pytest.mark.parametrize(("text", "seconds"), [("90.5", 90.5), ("1:30.5", 90.5), ("01:01:01", 3661.0)])
def test_times(text: str, seconds: float) -> None:
    """Guards hours, minutes and seconds against changing places."""
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["f=lavfi", "i=x", "protocol_whitelist=all", "video_size", "a b=1"])
def test_options_that_no_device_gets(text: str) -> None:
    """Guards what ffmpeg may open: an option for a device must not change that."""
    assert device_option_of("video_size=1280x720") == ("video_size", "1280x720")
    with pytest.raises(UsageError, match="is not an option for a device"):
        device_option_of(text)


@pytest.mark.parametrize("text", ["1280", "0x720", "1280x720x3", "1280X720", "-1x2"])
def test_sizes_that_are_none(text: str) -> None:
    """Guards against pictures without pixels."""
    assert size_of("1280x720") == (1280, 720)
    with pytest.raises(UsageError, match="A size looks like 1280x720"):
        size_of(text)


def test_formats() -> None:
    """Guards the order that people gave, and a name that is nearly one."""
    assert formats_of("VTT, srt") == (Format.VTT, Format.SRT)
    with pytest.raises(UsageError, match="There is no format srtt"):
        formats_of("srtt")
