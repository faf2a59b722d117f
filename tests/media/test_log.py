"""What is read out of ffmpeg's lines: facts that nothing in a file can forge, and bounded memory."""

import io
import re

import pytest

from svlm_cli.media.ffmpeg import Address
from svlm_cli.media.log import Log, LogReader

HEADER = """\
[h264 @ 0x561be2c02a80] [verbose] Reinit context to 160x128, pix_fmt: yuv420p
[info] Input #0, mpegts, from 'file:av.ts':
[info]   Duration: 01:02:03.50, start: 11.389089, bitrate: 487 kb/s
[info]   Stream #0:0[0x100]: Video: h264 (High), yuv420p, 160x120 (160x128) [SAR 1:1 DAR 4:3], 30 fps
[info]   Stream #0:1[0x101]: Audio: mp2 ([3][0][0][0] / 0x0003), 44100 Hz, mono, fltp, 384 kb/s
"""
LOW_SCORE = "[in#0 @ 0x1] [warning] Format mov,mp4,m4a,3gp detected only with low score of 1, misdetection possible!"
NO_DATA = "Invalid data found when processing input"
FILE = Address(url="file:a.mp4", name="a.mp4", protocols="file")
STDIN = Address(url="pipe:0", name="standard input", protocols="pipe", stdin=True)


def log_of(text: str) -> Log:
    log = Log()
    for line in text.splitlines():
        log.feed(line)
    return log


@pytest.mark.parametrize(
    "first", [pytest.param("[info] 66667.000000", id="5.1"), pytest.param("[Eval @ 0x7f2] [info] 66667.000000", id="9")]
)
def test_facts(first: str) -> None:
    log = log_of(f"{HEADER}[info] Stream mapping:\n{first}\n[info] Output #0, nut, to 'pipe:1':\n")
    assert log.container == "mpegts"
    assert log.duration_s == 3723.5
    assert log.begin_s == log.origin_s == pytest.approx(11.389089)
    assert log.first_s == pytest.approx(0.066667)
    assert (log.videos, log.has_sound, log.turned, log.anamorphic) == (1, True, False, False)


def test_what_ffmpeg_writes_is_not_taken_for_what_it_reads() -> None:
    log = log_of(f"{HEADER}[info] Stream mapping:\n[info] Output #0, nut:\n[info]   Stream #0:0: Video: rawvideo")
    assert log.videos == 1


def test_a_title_cannot_forge_facts() -> None:
    """What a file says about itself is indented; facts count only where ffmpeg itself puts them."""
    forged = "[info]     title           : Duration: 00:00:01.00, start: 99.000000\n[info]     comment : 5.000000\n"
    log = log_of(HEADER + forged)
    assert log.begin_s == pytest.approx(11.389089)
    assert log.first_s is None


@pytest.mark.parametrize(
    ("line", "fact"),
    [
        ("[info]       displaymatrix: rotation of -90.00 degrees", "turned"),
        ("[info]       Display Matrix: rotation of -0.00 degrees", "turned"),
        ("[info]   Stream #0:0: Video: h264, yuv420p, 720x576 [SAR 64:45 DAR 16:9]", "anamorphic"),
        ("[error] stream 0, offset 0x3f71: partial file", "cut_off"),
        ("[graph 0 input from stream 0:0 @ 0x1] [warning] Changing video frame properties on the fly", "changed"),
    ],
)
def test_flags(line: str, fact: str) -> None:
    log = log_of(HEADER)
    assert getattr(log, fact) is False
    log.feed(line)
    assert getattr(log, fact) is True


@pytest.mark.parametrize(
    ("lines", "address", "sentence"),
    [
        ("[error] file:a.mp4: Permission denied", FILE, "a.mp4 cannot be read: permission denied"),
        ("[error] file:a.mp4: No such file or directory", FILE, "a.mp4 does not exist"),
        ("[mov @ 0x1] [error] moov atom not found", FILE, "no index"),
        ("[mov @ 0x1] [error] moov atom not found", STDIN, "from a pipe.*faststart"),
        ("[mov @ 0x1] [error] stream 0, offset 0x30: partial file", STDIN, "from a pipe.*faststart"),
        ("[mov @ 0x1] [error] stream 0, offset 0x30: partial file", FILE, "cut off before its first picture"),
        ("[error] Decoder (codec none) not found for input stream #0:0", FILE, "cannot decode"),
        ("[error] pipe:0: Invalid data found when processing input", STDIN, "is empty, or not a video"),
        (f"{LOW_SCORE}\n[mov @ 0x1] [error] moov atom not found\n[error] a: {NO_DATA}", FILE, "not a video"),
        ("[error] something new", FILE, "ffmpeg cannot read a.mp4. It says: something new"),
        (HEADER + "[error] something new", FILE, "No picture of a.mp4 .* something new"),
    ],
)
def test_failures(lines: str, address: Address, sentence: str) -> None:
    """Each way to fail has a sentence of its own; ffmpeg's words alone help nobody."""
    error = log_of(lines).failure(address)
    assert re.search(sentence, str(error)), error


@pytest.mark.parametrize(
    "line",
    [
        "[error] file:moov atom not found: Input/output error",
        "[error] file:stream 0, offset 0x30: partial file: Input/output error",
        "[error] file:Stream map '0:V:0' matches no streams.: Input/output error",
        "[error] file:No such file or directory.mp4: Input/output error",
        "[error] Error opening input file file:Is a directory.",
        "[info]     title           : moov atom not found",
        "[matroska @ 0x1] [error] Unknown entry 'File ended prematurely at pos. 1 (0x1)'",
        "[info]     comment         : Changing video frame properties on the fly",
    ],
)
def test_names_and_titles_are_no_reasons(line: str) -> None:
    """Guards the sentence of a failure: it is about what happened, not about what a file is called."""
    log = log_of(line)
    assert not log.cut_off
    assert not log.changed
    assert "ffmpeg cannot read a.mp4." in str(log.failure(FILE))


def test_what_a_file_says_does_not_reach_the_terminal_as_it_is() -> None:
    """A damaged or hostile file can put anything into ffmpeg's messages."""
    assert "\x1b" not in str(log_of("[error] title \x1b[2J").failure(FILE))


def test_passwords_do_not_reach_messages() -> None:
    log = log_of("[error] rtsp://user:secret@camera/live: Connection refused")
    assert "secret" not in str(log.failure(FILE))


def test_a_flood_of_errors_and_endless_lines_are_not_kept() -> None:
    """A damaged recording logs for days."""
    flood = b"".join(b"[error] error %d\n" % index for index in range(100_000)) + b"x" * 10_000_000
    reader = LogReader(io.BufferedReader(io.BytesIO(flood)))
    reader.close()
    log = reader.log
    assert log.errors == 100_000
    assert log.first_errors[0] == "error 0"
    kept = [*log.first_errors, *log._last_errors]
    assert len(kept) <= 40
    assert kept[-1] == "error 99999"
