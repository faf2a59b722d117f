"""Network addresses and devices for ffmpeg: what each kind needs, and what it may open.

A URL is passed to ffmpeg in a script on standard input, never as an argument, which every user of the machine could
read. Knows no connection: whether a server answers is for the reader to find out.
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

_PATIENCE_US = 30_000_000  # in case nothing watches ffmpeg any more


class Transport(StrEnum):
    """The transport of an RTSP camera's video."""

    TCP = "tcp"  # or UDP, if the camera refuses TCP
    UDP = "udp"
    MULTICAST = "multicast"
    HTTP = "http"  # RTSP tunnelled through a web port


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
    """How ffmpeg opens addresses of one scheme, and how their servers behave."""

    needs: str  # the demuxer or protocol that ffmpeg must have
    protocols: str
    formats: str
    options: tuple[tuple[str, str], ...]
    goodbye: bool = False  # a session is closed with a message, not only with its socket
    knows_watchers: bool = False  # servers may require a login


# An RTSP session is fully described in advance. Other streams must be probed first, and the probed data must be kept
# (no `nobuffer`): it contains a key frame, and the next one may be seconds away.
_QUICK = (("probesize", "32"), ("analyzeduration", "0"), ("fflags", "nobuffer"))
_CAREFUL = (("probesize", "1000000"), ("analyzeduration", "1000000"))
_RTSP_OPTIONS = (*_QUICK, ("allowed_media_types", "video"), ("timeout", str(_PATIENCE_US)))
# After a break, a recording continues where it was; live sources are reconnected by their reader.
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
"""Everything known about the schemes that svlm reads."""
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def scheme_of(source: str) -> str | None:
    """The scheme of an address that svlm can read; None for a file name.

    `UsageError` for an unsupported scheme, unless a file of that name exists.
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
    """Whether the server may refuse us, so that a connection just to find out is worthwhile.

    A web server is asked when its address is opened. An SRT, RTMP or UDP sender may serve only one connection.
    """
    scheme = scheme_of(source)
    return scheme is None or SCHEMES[scheme].knows_watchers


def split_url(address: str | SourceAddress) -> tuple[SplitResult, Login | None]:
    """Split a URL into the URL without login, and the login; `UsageError`, which does not quote it, if it is invalid.

    Errors have no cause attached: the library's own errors quote the URL.
    """
    url = SourceAddress(address).reveal()
    if re.search("[\x00-\x20\x7f\ud800-\udfff]", url):
        raise UsageError("An address contains a space or an invalid character.", "Write %20 for a space.")
    scheme, mark, rest = url.partition("://")
    end = end_of_login(rest)
    if end is None:
        raise UsageError(
            "An address is ambiguous: there is an @ after what may be its host.",
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
        where = f"@{where}"  # `listen` in ffmpeg's syntax
    user, colon, password = rest[: max(end - 1, 0)].partition(":")
    login = Login(unquote(user), unquote(password)) if user or colon else None
    return parts._replace(netloc=where), login


def public_name(address: str | SourceAddress) -> str:
    """A URL as it is shown: without login, query and fragment, which may be secret."""
    parts, _ = split_url(address)
    return presentable(parts._replace(query="", fragment="").geturl())


def network_address(
    url: str | SourceAddress, *, name: str = "", login: Login | None = None, transport: Transport = Transport.TCP
) -> Address:
    """How ffmpeg opens a URL. `login` is used if the URL has none; `UsageError` for an invalid URL."""
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
    """The address with more input options; a device is returned unchanged."""
    lines = "".join(f"option {key} {value}\n" for key, value in options)
    if not address.script or address.script.endswith(lines):
        return address
    return replace(address, script=address.script + lines)


def looked_at_longer(address: Address) -> Address:
    """Probe longer, for streams such as RTMP whose audio comes at once but whose video starts with the next key frame.

    Only as a second try: a stream without audio would be probed for all that time.
    """
    return with_options(address, *_LONGER)


def device_address(
    program: Ffmpeg, device: str, input_format: str, *, name: str = "", options: tuple[tuple[str, str], ...] = ()
) -> Address:
    """How ffmpeg opens a device of the kind `input_format` (v4l2, ...); `UsageError` if ffmpeg has no such kind."""
    known = devices(program)
    if input_format not in known:
        raise UsageError(f"This ffmpeg has no input device {plain_text(input_format)}.", f"It has {', '.join(known)}.")
    return Address(
        url=device,
        name=name or path_name(device),
        protocols="file,pipe,fd",
        formats=f"{input_format},rawvideo",
        options=(("f", input_format), ("fpsprobesize", "0"), *options),  # do not probe the rate of a slow device
    )


def devices(program: Ffmpeg) -> list[str]:
    """The input devices that this ffmpeg supports."""
    try:
        text = run([program.path, "-hide_banner", "-devices"], timeout_s=20, check=True).stdout.decode(errors="replace")
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError(f"{program.path} does not run.", "Install ffmpeg again.") from error
    names = re.findall(r"^ D[E ]? *(\S+)", text.partition("--")[2], re.MULTILINE)
    return sorted({name for group in names for name in group.split(",")})


def _quoted(text: str) -> str:
    escaped = text.replace("'", "'\\''")
    return f"'{escaped}'"
