"""A camera: an RTSP server that plays pictures for ever. A program for Debian's own Python, which has GStreamer.

``rtsp_server.py FOLDER FPS PORT [MORE]`` serves ``FOLDER/%05d.jpg`` as ``/live``, or ``FOLDER/%05d.h264`` as it is; FPS
may be a fraction, as in 1/2. MORE cameras beside it are ``/live1``, ``/live2`` ... With ``RTSP_LOG`` in the environment
that file gets a line when somebody begins to watch, and when that client has gone: ``TIME begun|gone PATH CLIENT``.
Says ``ready PORT`` and then, if it encodes, obeys lines on stdin: ``size W H``, and ``noise P``, which breaks bytes of
the coded video, each with that probability. With ``RTSP_USER`` and ``RTSP_PASSWORD`` in the environment it wants digest
authentication, with ``RTSP_TRANSPORT``, one of ``TCP``, ``UDP`` and ``UDP_MCAST``, it sends in that way alone.
Nothing of svlm is imported: `camera.py` runs it. Knows nothing of who watches.
"""

import os
import sys
import threading
import time
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any

PIPELINE = (
    "( multifilesrc location={folder}/%05d.jpg loop=true caps=image/jpeg,framerate={fps} ! jpegdec ! videoconvert "
    "! videoscale ! capsfilter name=size caps=video/x-raw,format=I420 "
    "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max={keys} "
    "! breakmydata name=noise probability=0 ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)
ENCODED = (
    "( multifilesrc location={folder}/%05d.h264 loop=true "
    "caps=video/x-h264,stream-format=byte-stream,alignment=au,framerate={fps} "
    "! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)


def library(name: str, version: str = "1.0") -> Any:
    """A part of GStreamer, by way of GObject's introspection."""
    import_module("gi").require_version(name, version)
    return import_module(f"gi.repository.{name}")


class Camera:
    """The server, and what it was told so far: a new client's pipeline follows that too."""

    def __init__(self, folder: str, fps: Fraction, port: int, more: int = 0) -> None:
        self._gst = library("Gst")
        self._gst.init(None)
        self._rtsp = library("GstRtspServer")
        self._size = "video/x-raw,format=I420"
        self._noise = 0.0
        self._elements: list[Any] = []
        self._server = self._rtsp.RTSPServer()
        self._server.set_address("127.0.0.1")
        self._server.set_service(str(port))
        for path in ("/live", *(f"/live{index + 1}" for index in range(more))):
            self._server.get_mount_points().add_factory(path, self._factory(folder, fps))
        if log := os.environ.get("RTSP_LOG"):
            self._log = Path(log)
            self._server.connect("client-connected", self._know)
        self._server.attach(None)

    def _factory(self, folder: str, fps: Fraction) -> Any:
        factory = self._rtsp.RTSPMediaFactory()
        encoded = Path(folder, "00000.h264").exists()
        rate = f"{fps.numerator}/{fps.denominator}"
        pipeline = ENCODED if encoded else PIPELINE
        factory.set_launch(pipeline.format(folder=folder, fps=rate, keys=max(1, int(fps))))
        factory.set_shared(True)
        if not encoded:
            factory.connect("media-configure", self._configure)
        if transport := os.environ.get("RTSP_TRANSPORT"):
            self._carry(factory, transport)
        user, password = os.environ.get("RTSP_USER"), os.environ.get("RTSP_PASSWORD")
        if user and password:
            self._require(factory, user, password)
        return factory

    def _know(self, _server: Any, client: Any) -> None:
        """Write down what a client watches, until it has gone."""
        watched: list[str] = []

        def note(what: str, path: str) -> None:
            with self._log.open("a") as log:
                log.write(f"{time.time():.3f} {what} {path} {id(client)}\n")

        def begin(_client: Any, context: Any) -> None:
            watched.append(context.uri.abspath)
            note("begun", watched[-1])

        def end(_client: Any) -> None:
            for path in watched:
                note("gone", path)

        client.connect("play-request", begin)
        client.connect("closed", end)

    def _require(self, factory: Any, user: str, password: str) -> None:
        auth = self._rtsp.RTSPAuth()
        auth.set_supported_methods(library("GstRtsp").RTSPAuthMethod.DIGEST)
        token = self._rtsp.RTSPToken()
        token.set_string(self._rtsp.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
        auth.add_digest(user, password, token)
        self._server.set_auth(auth)
        permissions = self._rtsp.RTSPPermissions()
        permissions.add_permission_for_role("viewer", self._rtsp.RTSP_PERM_MEDIA_FACTORY_ACCESS, True)
        permissions.add_permission_for_role("viewer", self._rtsp.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, True)
        factory.set_permissions(permissions)

    def _carry(self, factory: Any, transport: str) -> None:
        factory.set_protocols(getattr(library("GstRtsp").RTSPLowerTrans, transport))
        if transport == "UDP_MCAST":
            pool = self._rtsp.RTSPAddressPool()
            pool.add_range("239.255.42.1", "239.255.42.1", 42000, 42999, 1)
            factory.set_address_pool(pool)

    def _configure(self, _factory: Any, media: Any) -> None:
        self._elements = [media.get_element()]
        self._apply()

    def _apply(self) -> None:
        for element in self._elements:
            element.get_by_name("size").set_property("caps", self._gst.Caps.from_string(self._size))
            element.get_by_name("noise").set_property("probability", self._noise)

    def obey(self, line: str) -> None:
        """One order."""
        match line.split():
            case ["size", width, height]:
                self._size = f"video/x-raw,format=I420,width={width},height={height}"
            case ["noise", probability]:
                self._noise = float(probability)
        self._apply()

    def port(self) -> int:
        """Where it listens."""
        return int(self._server.get_bound_port())


def main() -> None:
    """Serves until stdin ends."""
    folder, fps, port, *more = sys.argv[1:]
    camera = Camera(folder, Fraction(fps), int(port), *map(int, more))
    main_loop = library("GLib", "2.0")
    loop = main_loop.MainLoop()
    sys.stdout.write(f"ready {camera.port()}\n")
    sys.stdout.flush()

    def listen() -> None:
        for line in sys.stdin:
            main_loop.idle_add(camera.obey, line)
        loop.quit()

    threading.Thread(target=listen, daemon=True).start()
    loop.run()


if __name__ == "__main__":
    main()
