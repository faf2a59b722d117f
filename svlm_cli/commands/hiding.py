"""Takes passwords out of this process's own arguments, which every user of the machine can read while it runs.

Where the system lets a process write to itself, as Linux does; elsewhere nothing happens.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from svlm_cli.core.errors import UsageError
from svlm_cli.media.network import scheme_of, split_url

_STAT_ARGUMENTS = 48 - 3  # fields 48 and 49 of /proc/self/stat, counted from the one after the program's name


def hide_logins(sources: Iterable[str]) -> None:
    """Writes dots over the logins in these addresses, where they stand among the arguments."""
    for source in sources:
        with suppress(UsageError):  # said elsewhere
            if scheme_of(source) is not None and split_url(source)[1] is not None:
                host = re.split("[/?#]", source.partition("://")[2], maxsplit=1)[0]
                _write_over(host.rpartition("@")[0])


def _write_over(secret: str) -> None:
    data = secret.encode("utf-8", "surrogateescape")
    with suppress(OSError, ValueError, IndexError):
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        first, last = int(fields[_STAT_ARGUMENTS]), int(fields[_STAT_ARGUMENTS + 1])
        with open("/proc/self/mem", "r+b", buffering=0) as memory:  # noqa: PTH123  no file of the usual kind
            memory.seek(first)
            arguments = memory.read(last - first)
            place = arguments.find(data)
            while place >= 0:
                memory.seek(first + place)
                memory.write(b"." * len(data))
                place = arguments.find(data, place + 1)
