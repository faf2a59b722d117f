"""Addresses: what ffmpeg is told of them, and what nobody else is."""

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.media.ffmpeg import find_ffmpeg, picture_command
from svlm_cli.media.network import Login, Transport, device_address, network_address, public_name, scheme_of, split_url
from svlm_cli.sources.grid import frame_rate


def command(address_of: str, login: Login | None = None) -> str:
    address = network_address(address_of, login=login)
    return " ".join(picture_command(find_ffmpeg(), address, frame_rate(2), on_time_s=0))


def test_what_is_an_address() -> None:
    for url in ("rtsp://a/b", "RTSPS://a", "http://a", "https://a/x.m3u8", "rtmp://a/b", "udp://@:5000", "srt://a:1"):
        assert scheme_of(url) is not None
    for file in ("a.mp4", "-", "C:/a.mp4", "a:b", "rtsp:/a"):
        assert scheme_of(file) is None


def test_an_address_of_another_kind_is_refused() -> None:
    """`ftp://...` is not a file that does not exist."""
    with pytest.raises(UsageError, match="ftp addresses"):
        scheme_of("ftp://a/b.mp4")


@given(st.text(min_size=1, max_size=20), st.text(min_size=4, max_size=20))
def test_no_login_is_among_the_arguments_or_in_the_name(user: str, password: str) -> None:
    try:
        Login(user, password).password.encode()
    except UnicodeEncodeError:
        return
    address = network_address("rtsp://camera:8554/live", login=Login(user, password))
    assert address.name == "rtsp://camera:8554/live"
    assert address.presentable(f"cannot open {address.script.splitlines()[1]}").count(password) == 0
    assert "camera" not in command("rtsp://camera:8554/live", Login(user, password))
    _, read = split_url(address.script.splitlines()[1].removeprefix("file '").removesuffix("'").replace("'\\''", "'"))
    assert read == Login(user, password)


def test_a_password_with_signs_reaches_the_script_as_it_is_meant() -> None:
    _, login = split_url("rtsp://user:p@ss%2Fw:rd@camera/live")
    assert login == Login("user", "p@ss/w:rd")
    assert "user:p%40ss%2Fw%3Ard@camera/live" in network_address("rtsp://user:p@ss%2Fw:rd@camera/live").script


def test_names_hide_what_may_be_secret() -> None:
    assert public_name("http://u:p@host:8080/a.m3u8?token=abc#x") == "http://host:8080/a.m3u8"
    assert "abc" not in network_address("http://host/a?token=abc").presentable("http://host/a?token=abc is gone")


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://user:pa/ss#w?rd@host/live",
        "rtsp://user:pass/word@host",
        "rtsp://user:p@ss/word@host/live",
        "rtsp://user:12/34@host/live",
        "rtsp://user:pass",
        "rtsp://user:pass\uff0f@[host/live",
    ],
)
def test_a_password_that_cannot_be_told_from_a_path(url: str) -> None:
    """Neither the error nor what it comes from repeats it; nothing is asked of a host that is half a password."""
    with pytest.raises(UsageError) as caught:
        network_address(url)
    told = "".join(traceback.format_exception(caught.value))
    assert not any(part in told for part in ("pa/ss", "'pa'", "'pass'", "pass/", "p@ss", "12/34", "\uff0f"))


def test_an_at_in_a_path_is_no_login() -> None:
    for url in ("http://host/path@2x.jpg", "http://127.0.0.1:8080/path@2x.jpg"):
        parts, login = split_url(url)
        assert (parts.geturl(), login, public_name(url)) == (url, None, url)
    assert split_url("rtsp://me:p[a]ss@host/x")[1] == Login("me", "p[a]ss"), "what a library takes for an IPv6 address"


def test_words_of_ffmpeg_stay_though_a_password_is_a_part_of_them() -> None:
    """Guards the reasons why a connection failed, which are known by their words."""
    address = network_address("rtsp://me:ref@host/x")
    assert address.presentable("Connection refused for ref") == "Connection refused for ..."


@pytest.mark.parametrize(
    "url", ["rtsp://", "rtsp://a b/c", "rtsp://a/b\nfile 'x'", "rtsp://a:port/b", "http:///a", "rtsp://a/\udcff"]
)
def test_what_cannot_be_an_address(url: str) -> None:
    """A line break would begin another line of ffmpeg's script."""
    with pytest.raises(UsageError) as caught:
        network_address(url)
    assert "file" not in str(caught.value), "what was typed is not repeated: it may hold a password"


def test_a_quote_ends_nothing() -> None:
    script = network_address("rtsp://a/it's'").script
    assert "file 'rtsp://a/it'\\''s'\\'''" in script


def test_each_scheme_opens_its_own_protocols_alone() -> None:
    """What comes from the network never leads to a file here."""
    for url in ("rtsp://a/b", "rtsps://a/b", "http://a/b", "https://a/b", "rtmp://a/b", "udp://@:5000", "srt://a:1"):
        address = network_address(url)
        inner = next(line for line in address.script.splitlines() if line.startswith("option protocol_whitelist"))
        assert {"file", "pipe", "fd", "concat", "subfile"}.isdisjoint(inner.split()[2].split(","))
        assert address.protocols == "pipe,fd", "the script alone"


def test_how_an_rtsp_camera_sends() -> None:
    """By TCP, or by UDP if it has no TCP; else as people say."""
    ways = {way: network_address("rtsp://a/b", transport=way).script for way in Transport}
    assert "option rtsp_transport udp+tcp\noption rtsp_flags prefer_tcp\n" in ways[Transport.TCP]
    assert "option rtsp_transport udp\n" in ways[Transport.UDP]
    assert "option rtsp_transport udp_multicast\n" in ways[Transport.MULTICAST]
    assert "option rtsp_transport http\n" in ways[Transport.HTTP]
    assert ["http" in script.replace("transport http", "") for script in ways.values()] == [False, False, False, True]


def test_a_device_that_this_ffmpeg_does_not_know() -> None:
    with pytest.raises(UsageError, match="toaster"):
        device_address(find_ffmpeg(), "/dev/video0", "toaster")


def test_no_ffmpeg() -> None:
    from svlm_cli.media.ffmpeg import Ffmpeg
    from svlm_cli.media.network import devices

    with pytest.raises(InputError, match="does not run"):
        devices(Ffmpeg("/nowhere/ffmpeg"))
