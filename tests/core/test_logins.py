"""Addresses in texts and arguments: no character of a login or a query is shown, and nothing else is lost."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svlm_cli.core.logins import end_of_login, is_readable, secret_spans, without_logins

ANY_PASSWORD = st.text(st.characters(min_codepoint=33, max_codepoint=126) | st.sampled_from("/?#@:%é曼"), min_size=1)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://me:secret@camera/a", "rtsp://...@camera/a"),
        ("'rtsp://me:p@ss@camera:554/a' and http://u@b/", "'rtsp://...@camera:554/a' and http://...@b/"),
        ("http://me:w?y#n@host", "http://...@host"),
        ("rtsp://user:pa/ss#w?rd@host/live", "rtsp://...@host/live"),
        ("rtsp://user:12/34@host/live", "rtsp://...@host/live"),
        ("rtsp://user:p@ss/word@host/live", "rtsp://...@host/live"),
        ("rtsp://j.doe:12/x@cam/live", "rtsp://...@cam/live"),
        ("rtsp://user:pa ss@host/live.", "rtsp://...@host/live."),
        ("--output=rtsp://u:p@h/x?token=abc", "--output=rtsp://...@h/x?..."),
        ("'http://h/a?token=abc', 'http://h/a#abc'.", "'http://h/a?...', 'http://h/a#...'."),
        ("https://nvr.example/rtsp://u:p@cam/x?y, z", "https://nvr.example/rtsp://...@cam/x?..., z"),
        # cut off, or as the name of a folder
        ("not 'rtsp://user:secretpass...", "not 'rtsp://..."),
        ("There is no folder rtsp:/u:p@h to write to.", "There is no folder rtsp:/...@h to write to."),
        # without a scheme
        ("user:pass@host/live does not exist.", "...@host/live does not exist."),
        ("No such command 'user:pa/ss@host/live'.", "No such command '...@host/live'."),
        ("host/live?token=abc is not there", "host/live?... is not there"),
    ],
)
def test_no_login_is_shown(text: str, shown: str) -> None:
    """Guards passwords that are typed as they are: what ends a host may be a part of one."""
    assert without_logins(text) == shown
    assert without_logins(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://camera/a@b, me@home",
        "http://host/path@2x.jpg",
        "http://127.0.0.1:8080/path@2x.jpg",
        "http://[::1]:8080/path@2x.jpg, http://localhost:80/a@b",
        "http://host:8080: connection refused",
        "udp://@:5000 is not there",
        "Write it like rtsp://camera:554/stream.",
        "Did you mean `svlm caption http://host/x`?",
        "svlm: [tcp @ 0x55] 12:30 me@home",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    """Guards against messages that nobody understands any more."""
    assert without_logins(text) == text


@given(ANY_PASSWORD)
def test_whatever_the_password_none_of_it_is_shown(password: str) -> None:
    assert without_logins(f"rtsp://viewer:{password}@10.0.0.5:554/a") == "rtsp://...@10.0.0.5:554/a"


@pytest.mark.parametrize(
    ("rest", "end"),
    [
        ("host/path@2x.jpg", 0),
        ("cam.example:80/a:b@2x.jpg", 0),
        ("user:p@ss@host/x", 10),
        ("@:5000", 1),
        ("user:pass/word@host", None),
        ("user:12/34@host", None),
        ("u:p@host/a@b", None),
        ("j.doe:12/34@10.0.0.5/a", None),
        ("j.doe:/34@host/a", None),
    ],
)
def test_where_a_login_ends(rest: str, end: int | None) -> None:
    """What has two readings is not guessed at: a part of the password would be asked for as a host."""
    assert end_of_login(rest) == end


def test_what_libraries_stumble_over() -> None:
    """Their errors quote what they take for the port."""
    for address in ("", "http://u:p@proxy:3128", "proxy:3128", "socks5://[::1]:1080"):
        assert is_readable(address)
    for address in ("http://u:pa/ss@proxy:3128", "http://u:pass", "u:pass"):
        assert not is_readable(address)


def test_arguments_keep_their_length() -> None:
    word = "--x=rtsp://u:pé@h/x?token=abc"
    assert [word[first:last] for first, last in secret_spans(word)] == ["u:pé", "token=abc"]


@pytest.mark.parametrize("text", ["(:" * 10_000, "a:b@ " * 4_000, "rtsp://a:b " * 2_000 + "@", "x?a=b " * 4_000])
def test_long_hostile_text_is_fast(text: str) -> None:
    """Guards against a pattern that looks ahead from every colon. The limit is far above what it takes."""
    began = time.process_time()
    without_logins(text)
    assert time.process_time() - began < 5
