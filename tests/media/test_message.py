"""Lines of ffmpeg's, taken apart: what stands in a name or a title is never what ffmpeg says."""

import errno
import io
import os

import pytest

from svlm_cli.media.message import read_message, read_messages, says, whole_lines


@pytest.mark.parametrize(
    ("line", "component", "level", "text"),
    [
        ("[error] x: y", "", "error", "x: y"),
        ("[mp4 @ 0x55d1] [warning] pts has no value", "mp4 @ 0x55d1", "warning", "pts has no value"),
        (
            "[info]     title : [error] No space left on device",
            "",
            "info",
            "    title : [error] No space left on device",
        ),
    ],
)
def test_fields(line: str, component: str, level: str, text: str) -> None:
    message = read_message(line)
    assert message is not None
    assert (message.component, message.level, message.text) == (component, level, text)


def test_what_goes_on_is_no_message() -> None:
    """Guards against further lines of a title, and the note of repeated lines that stands where a reason should."""
    for line in ("                    : [error] moov atom not found", "    Last message repeated 3 times", "words"):
        assert read_message(line) is None


def test_a_line_that_is_too_long_has_no_second_half() -> None:
    """Guards against a name so long that its end stands where a line would begin."""
    long = b"[info] " + b"x" * 1993 + b"[error] moov atom not found\n[error] y\n"
    assert [message.text for message in read_messages(whole_lines(io.BytesIO(long)))] == ["x" * 1993, "y"]


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("Permission denied", True),
        ("file:a.mp4: Permission denied", True),
        ("file:Permission denied: Invalid data found", False),
        ("Impossible to open 'rtsp://camera/a: Permission denied'", False),
        ("file:Permission denied.mp4: No such file or directory", False),
    ],
)
def test_a_reason_stands_at_the_end(text: str, heard: bool) -> None:
    assert (says(text, "Permission denied") is not None) is heard


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk(number: int) -> None:
    line = f"Error writing trailer of file:a.mkv.part: {os.strerror(number)}"
    error, warning = read_message(f"[error] {line}"), read_message(f"[warning] {line}")
    assert error is not None
    assert warning is not None
    assert (error.no_room, error.not_written, warning.no_room, warning.not_written) == (True, True, False, False)
    named = read_message(f"[error] file:{os.strerror(number)}: Invalid data found when processing input")
    assert named is not None
    assert not named.no_room
