"""Addresses on the network and devices, as ffmpeg may open them: what each kind needs, and what it may lead to.

A URL reaches ffmpeg in a script on its standard input, never as an argument, which every user of the machine could
read. Knows no connection: whether anybody answers is the reader's affair.
"""

import re
import subprocess
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.core.logins import SIGNS_IN_A_PASSWORD, end_of_login
from svlm_cli.core.process import run
from svlm_cli.core.text import plain_text, presentable
from svlm_cli.media.ffmpeg import FORMATS, Address, Ffmpeg, path_name

_PATIENCE_US = 30_000_000  # for the case that nobody watches ffmpeg any more


class Transport(StrEnum):
    """What carries the video of an RTSP camera."""

    TCP = "tcp"  # or UDP, if the camera refuses TCP
    UDP = "udp"
    MULTICAST = "multicast"
    HTTP = "http"  # RTSP through a web port


_TRANSPORTS = {
    Transport.TCP: (("rtsp_transport", "udp+tcp"), ("rtsp_flags", "prefer_tcp")),
    Transport.UDP: (("rtsp_transport", "udp"),),
    Transport.MULTICAST: (("rtsp_transport", "udp_multicast"),),
    Transport.HTTP: (("rtsp_transport", "http"),),
}


@dataclass(frozen=True, slots=True)
class Login:
    """User name and password."""

    user: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Scheme:
    """How ffmpeg opens the addresses that begin with a word, and what their servers are like."""

    needs: str  # the demuxer or protocol that an ffmpeg must have for it
    protocols: str
    formats: str
    options: tuple[tuple[str, str], ...]
    goodbye: bool = False  # a session ends with a message; others end with their socket
    knows_watchers: bool = False  # a server refuses those that it does not know


# The description of an RTSP session says it all. Others have to be looked at first, and what was looked at must be kept
# (no `nobuffer`): it holds a key frame, and the next one may be seconds away.
_QUICK = (("probesize", "32"), ("analyzeduration", "0"), ("fflags", "nobuffer"))
_CAREFUL = (("probesize", "1000000"), ("analyzeduration", "1000000"))
_RTSP_OPTIONS = (*_QUICK, ("allowed_media_types", "video"), ("timeout", str(_PATIENCE_US)))
# What has an end goes on, after a break, where it was; the others are called again by whoever reads them.
_HTTP_OPTIONS = (("rw_timeout", str(_PATIENCE_US)), ("reconnect", "1"), ("reconnect_delay_max", "10"))
_LONGER = (("probesize", "50000000"), ("analyzeduration", "20000000"))
_HTTP_FORMATS = f"{FORMATS},hls,applehttp"
SCHEMES = {
    "rtsp": Scheme("rtsp", "rtp,tcp,udp", "rtsp", _RTSP_OPTIONS, goodbye=True, knows_watchers=True),
    "rtsps": Scheme("rtsp", "rtp,tcp,udp,tls", "rtsp", _RTSP_OPTIONS, goodbye=True, knows_watchers=True),
    "http": Scheme("http", "http,https,tcp,tls,httpproxy,crypto", _HTTP_FORMATS, _HTTP_OPTIONS),
    "https": Scheme("https", "http,https,tcp,tls,httpproxy,crypto", _HTTP_FORMATS, _HTTP_OPTIONS),
    "rtmp": Scheme("rtmp", "rtmp,tcp", "flv,live_flv", _CAREFUL, goodbye=True),
    "rtmps": Scheme("rtmps", "rtmps,tls,tcp", "flv,live_flv", _CAREFUL, goodbye=True),
    "udp": Scheme("udp", "udp", "mpegts,mpegtsraw", _CAREFUL),
    "srt": Scheme("srt", "srt", "mpegts,mpegtsraw", _CAREFUL, goodbye=True),
}
"""All that there is to know of the kinds of addresses that svlm reads, by the word before ``://``."""
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def scheme_of(source: str) -> str | None:
    """The scheme of an address that svlm can read; None for the name of a file.

    `UsageError` for an address of another kind, unless there is a file of that name.
    """
    match = _URL.match(source)
    if match is None:
        return None
    scheme = match[1].lower()
    if scheme in SCHEMES:
        return scheme
    if Path(source).exists():
        return None
    raise UsageError(f"svlm cannot read {scheme} addresses.", f"It reads {', '.join(SCHEMES)}, and files.")


def tells_who_may_watch(source: str) -> bool:
    """Whether a server refuses those that it does not know, so that it is worth a call of its own to ask.

    A web server has been asked when its address was opened. Who sends by SRT, RTMP or UDP may serve one call alone.
    """
    scheme = scheme_of(source)
    return scheme is None or SCHEMES[scheme].knows_watchers


def split_url(address: str | SourceAddress) -> tuple[SplitResult, Login | None]:
    """A URL without its login, and its login; `UsageError`, which does not repeat it, if it is none.

    No error has another as its cause: those of the library quote what they were given.
    """
    url = SourceAddress(address).reveal()
    if re.search("[\x00-\x20\x7f\ud800-\udfff]", url):
        raise UsageError("An address holds a space or what is no character.", "Write %20 for a space.")
    scheme, mark, rest = url.partition("://")
    end = end_of_login(rest)
    if end is None:
        raise UsageError(
            "An address can be read in two ways, since there is an @ behind what may be its host.",
            f"{SIGNS_IN_A_PASSWORD} Or put it into a file for --credentials.",
        )
    try:
        parts = urlsplit(f"{scheme}{mark}{rest[end:]}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise UsageError("An address is not a URL.", "Write it like rtsp://camera:554/stream.") from None
    if not host and parts.scheme != "udp":
        raise UsageError(f"An address of the scheme {parts.scheme} names no host.", "Write rtsp://camera/stream.")
    host = f"[{host}]" if host and ":" in host else host or ""
    where = host if port is None else f"{host}:{port}"
    if parts.scheme == "udp" and end == 1:
        where = f"@{where}"  # ffmpeg's way to say that it listens
    user, colon, password = rest[: max(end - 1, 0)].partition(":")
    login = Login(unquote(user), unquote(password)) if user or colon else None
    return parts._replace(netloc=where), login


def public_name(address: str | SourceAddress) -> str:
    """A URL as it is displayed: without login, query and fragment, which may be secret."""
    parts, _ = split_url(address)
    return presentable(parts._replace(query="", fragment="").geturl())


def network_address(
    url: str | SourceAddress, *, name: str = "", login: Login | None = None, transport: Transport = Transport.TCP
) -> Address:
    """How ffmpeg opens a URL. `login` is for one that brings none; `UsageError` if it cannot be a URL."""
    parts, own = split_url(url)
    scheme = SCHEMES[parts.scheme]
    login = own or login
    secrets = {parts.query} if parts.query else set()
    if login is not None:
        userinfo = f"{quote(login.user, safe='')}:{quote(login.password, safe='')}"
        parts = parts._replace(netloc=f"{userinfo}@{parts.netloc}")
        secrets |= {userinfo, login.password, quote(login.password, safe="")}
    tunnel = ",http" if scheme.formats == "rtsp" and transport is Transport.HTTP else ""
    protocols = scheme.protocols + tunnel
    options = [*scheme.options, ("protocol_whitelist", protocols), ("format_whitelist", scheme.formats)]
    if scheme.formats == "rtsp":
        options += _TRANSPORTS[transport]
    script = ["ffconcat version 1.0", f"file {_quoted(parts.geturl())}"]
    script += [f"option {key} {value}" for key, value in options]
    return Address(
        url="pipe:0",
        name=name or public_name(url),
        protocols="pipe,fd",
        formats="concat",
        goodbye=scheme.goodbye,
        options=(("f", "concat"), ("safe", "0"), ("probesize", "32"), ("analyzeduration", "0")),
        script="\n".join(script) + "\n",
        secrets=tuple(sorted((secret for secret in secrets if secret), key=len, reverse=True)),
    )


def with_options(address: Address, *options: tuple[str, str]) -> Address:
    """The same, opened in another way; of a device, the same."""
    lines = "".join(f"option {key} {value}\n" for key, value in options)
    if not address.script or address.script.endswith(lines):
        return address
    return replace(address, script=address.script + lines)


def looked_at_longer(address: Address) -> Address:
    """For streams whose sound comes at once and whose video with the next key frame alone, such as RTMP.

    Not at first: ffmpeg would look at a stream without sound for as long.
    """
    return with_options(address, *_LONGER)


def device_address(
    program: Ffmpeg, device: str, input_format: str, *, name: str = "", options: tuple[tuple[str, str], ...] = ()
) -> Address:
    """How ffmpeg opens a device of the kind `input_format` (v4l2, ...); `UsageError` if it knows no such kind."""
    known = devices(program)
    if input_format not in known:
        raise UsageError(f"This ffmpeg has no input device {plain_text(input_format)}.", f"It has {', '.join(known)}.")
    return Address(
        url=device,
        name=name or path_name(device),
        protocols="file,pipe,fd",
        formats=f"{input_format},rawvideo",
        options=(("f", input_format), ("fpsprobesize", "0"), *options),  # nobody counts twenty slow pictures first
    )


def devices(program: Ffmpeg) -> list[str]:
    """The input devices that an ffmpeg knows."""
    try:
        text = run([program.path, "-hide_banner", "-devices"], timeout_s=20, check=True).stdout.decode(errors="replace")
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError(f"{program.path} does not run.", "Install ffmpeg again.") from error
    names = re.findall(r"^ D[E ]? *(\S+)", text.partition("--")[2], re.MULTILINE)
    return sorted({name for group in names for name in group.split(",")})


def _quoted(text: str) -> str:
    escaped = text.replace("'", "'\\''")
    return f"'{escaped}'"
