"""Entry point of ``svlm`` and of ``python -m svlm_cli``."""

import gc
import signal
import sys

from svlm_cli.core.hiding import hide_logins


def start() -> int:
    """Return the exit code of `svlm`. An interrupt before the command handles them ends it by the signal, silently."""
    hide_logins()
    gc.disable()  # imports make no garbage, and looking for it takes a twentieth of `svlm --help`; commands enable it
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from svlm_cli.core.ending import ProcessEnding
    from svlm_cli.core.streams import open_standard_streams

    ending = ProcessEnding()  # before any other module registers what it closes at exit
    open_standard_streams()
    from svlm_cli.commands.app import main

    ending.code = main()
    return ending.code


if __name__ == "__main__":
    sys.exit(start())
