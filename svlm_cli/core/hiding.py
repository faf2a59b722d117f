"""Takes passwords out of this process's own arguments, which every user of the machine can read while it runs.

Where the system lets a process write to itself, as Linux does; elsewhere nothing happens. Comes before all else, since
until then they can be read: it imports nothing that takes time, and knows no option.
"""

from contextlib import suppress

from svlm_cli.core.logins import secret_spans

_STAT_ARGUMENTS = 48 - 3  # fields 48 and 49 of /proc/self/stat, counted from the one after the program's name


def hide_logins() -> None:
    """Writes dots over logins and queries of addresses, wherever they stand among the arguments."""
    with suppress(OSError, ValueError, IndexError):
        with open("/proc/self/stat", "rb") as stat:  # noqa: PTH123  importing pathlib takes time
            fields = stat.read().rpartition(b")")[2].split()
        first, last = int(fields[_STAT_ARGUMENTS]), int(fields[_STAT_ARGUMENTS + 1])
        with open("/proc/self/mem", "r+b", buffering=0) as memory:  # noqa: PTH123  no file of the usual kind
            memory.seek(first)
            arguments = memory.read(last - first)
            hidden = b"\0".join(map(_hidden, arguments.split(b"\0")))
            if hidden != arguments:
                memory.seek(first)
                memory.write(hidden)


def _hidden(argument: bytes) -> bytes:
    """As many bytes, so that nothing moves."""
    text, done, hidden = argument.decode("utf-8", "surrogateescape"), 0, b""
    for first, last in secret_spans(text):
        secret = text[first:last].encode("utf-8", "surrogateescape")
        hidden += text[done:first].encode("utf-8", "surrogateescape") + b"." * len(secret)
        done = last
    return hidden + text[done:].encode("utf-8", "surrogateescape")
