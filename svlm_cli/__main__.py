"""``svlm``, and ``python -m svlm_cli``, which is the same."""

import signal
import sys

from svlm_cli.core.hiding import hide_logins


def start() -> int:
    """The exit code of `svlm`. Interrupted before it can hear that, it ends by the signal, without a traceback."""
    hide_logins()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from svlm_cli.core.streams import open_standard_streams

    open_standard_streams()
    from svlm_cli.commands.app import main

    return main()


if __name__ == "__main__":
    sys.exit(start())
