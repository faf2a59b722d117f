"""A connection opened before its pictures are needed: until then they are dropped.

A camera may accept only one client, and loading a model may take minutes. Does not know later connections.
"""

import threading
from collections.abc import Iterator

from svlm_cli.core.closing import Closing
from svlm_cli.core.types import Picture
from svlm_cli.sources.connection import Connection


class HeldConnection(Closing):
    """Reads `connection` in a thread until someone iterates over it, and then hands over the pictures from then on."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._pictures = iter(connection)
        self._wanted = threading.Event()
        self._known = threading.Event()  # set at the first picture or the end
        self._next: Picture | None = None
        self._thread = threading.Thread(target=self._throw_away, name="svlm-held", daemon=True)
        self._thread.start()

    def wait(self) -> bool:
        """Wait for the first picture or the end; return whether there was a picture."""
        self._known.wait()
        return self.connection.frames > 0

    def __iter__(self) -> Iterator[Picture | None]:
        self._wanted.set()
        self._thread.join()
        if self._next is not None:
            yield self._next
            self._next = None
            yield from self._pictures

    def _throw_away(self) -> None:
        for picture in self._pictures:
            self._known.set()
            if self._wanted.is_set():
                self._next = picture
                return
        self._known.set()

    def close(self) -> None:
        """Close the connection."""
        self.connection.kill()
        self._wanted.set()
        self._thread.join()
        self.connection.close()
