"""An FTP server on loopback, as a store that others reach over a network: with a login, and trouble when asked."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

USER, PASSWORD = "season", "very-secret"


@dataclass
class FtpStore:
    """What is in `folder` can be had at `address`."""

    folder: Path
    address: str = ""
    breaks: int = 0  # so many connections are closed as they ask for something
    commands: list[str] = field(default_factory=list)


@contextmanager
def serve_ftp(folder: Path) -> Iterator[FtpStore]:
    """Serve a folder, to be written too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # with Python 3.11, of asyncore
        from pyftpdlib.authorizers import DummyAuthorizer
        from pyftpdlib.handlers import FTPHandler
        from pyftpdlib.servers import ThreadedFTPServer

    served = FtpStore(folder)

    class Handler(FTPHandler):  # type: ignore[misc]
        use_sendfile = False

        def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
            served.commands.append(line)
            if served.breaks and cmd in ("MLSD", "RETR", "STOR", "RNTO"):
                served.breaks -= 1
                self.close()
                return
            super().pre_process_command(line, cmd, arg)

    authorizer: Any = DummyAuthorizer()
    authorizer.add_user(USER, PASSWORD, str(folder), perm="elradfmwMT")
    Handler.authorizer = authorizer
    server = ThreadedFTPServer(("127.0.0.1", 0), Handler)
    served.address = f"ftp://{USER}:{PASSWORD}@127.0.0.1:{server.socket.getsockname()[1]}"
    ended = Event()

    def serve() -> None:
        while not ended.is_set():
            server.serve_forever(timeout=0.1, blocking=False)
        server.close_all()

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        ended.set()
        thread.join(10)
