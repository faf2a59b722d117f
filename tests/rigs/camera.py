"""A camera to measure with: a real RTSP server in a process of its own, that can be killed, stopped and disturbed.

Needs Debian's GStreamer packages and its own Python. Knows nothing of who watches.
"""

import signal
import socket
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Self

from svlm_cli.core.process import run, start, without_secrets

_PROGRAM = Path(__file__).with_name("camera_program.py")
_PYTHON = "/usr/bin/python3"  # Debian's own, which has the packages
_CHECK = (
    "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0');"
    "from gi.repository import Gst, GstRtspServer; Gst.init(None);"
    "assert all(map(Gst.ElementFactory.find, ('x264enc', 'jpegdec', 'breakmydata', 'rtph264pay')))"
)
PACKAGES = (
    "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good "
    "gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-x"
)


def missing() -> str:
    """Why there is no RTSP server on this machine; empty if there is one."""
    try:
        done = run([_PYTHON, "-c", _CHECK], timeout_s=60)
    except OSError as error:
        return str(error)
    return done.stderr.decode(errors="replace").strip().rpartition("\n")[2] if done.returncode else ""


class RtspServer:
    """Plays the pictures of a folder, JPEG or H.264, over and over, under ``/live``. A context manager that ends it.

    `log` gets a line for each client of one of its `cameras` that begins or has gone (see `camera_program.py`).
    """

    def __init__(
        self,
        pictures: Path,
        *,
        fps: int | Fraction = 8,
        login: tuple[str, str] | None = None,
        transport: str = "",
        cameras: int = 1,
        log: Path | None = None,
    ) -> None:
        self._pictures = pictures
        self._fps = fps
        self._environment = {key: value for key, value in without_secrets().items() if not key.startswith("RTSP_")}
        if login is not None:
            self._environment |= {"RTSP_USER": login[0], "RTSP_PASSWORD": login[1]}
        if transport:
            self._environment |= {"RTSP_TRANSPORT": transport}
        if log is not None:
            self._environment |= {"RTSP_LOG": str(log)}
        self._cameras = cameras
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its first stream."""
        return self.urls[0]

    @property
    def urls(self) -> list[str]:
        """All of its streams."""
        names = ("live", *(f"live{index}" for index in range(1, self._cameras)))
        return [f"rtsp://127.0.0.1:{self.port}/{name}" for name in names]

    def start(self) -> None:
        """Serve, and return when it does."""
        arguments = [
            _PYTHON,
            str(_PROGRAM),
            str(self._pictures),
            str(self._fps),
            str(self.port),
            str(self._cameras - 1),
        ]
        pipe = subprocess.PIPE
        self._process = start(arguments, stdin=pipe, stdout=pipe, environment=self._environment)
        assert self._process.stdout is not None
        ready = self._process.stdout.readline()
        assert ready == f"ready {self.port}\n".encode(), "the server has started"

    def order(self, line: str) -> None:
        """``size W H`` or ``noise P``."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def kill(self) -> None:
        """Gone, without a goodbye."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.kill()
        process.communicate()

    def stall(self) -> None:
        """It goes on existing, and does nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """It wakes up from `stall`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
