"""What the live view costs: ``python -m tests.outputs.live.cost`` prints its share of a core, for several screens.

A view on a pseudo-terminal that another process empties. It is told of a full-size picture eight times a second and of
ten tokens a second; all processor time of this process counts, what tells it included. No test: machines differ.
"""

import fcntl
import io
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import numpy as np
from rich.color import ColorSystem

from svlm_cli.core.events import RoundEnded, RoundStarted, SourceStatus, State, TokenSpoken
from svlm_cli.outputs.live.meters import Machine
from svlm_cli.outputs.live.preview import Paint
from svlm_cli.outputs.live.rows import Painter
from svlm_cli.outputs.live.terminal import Terminal
from svlm_cli.outputs.live.view import LiveView

SECONDS = 10
FPS, TOKENS = 8, 10


def cost(columns: int, rows: int, videos: int, picture: tuple[int, int]) -> float:
    """Processor time a second."""
    terminal, screen = pty.openpty()
    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    pictures = np.random.default_rng(0).integers(0, 256, (FPS, *picture, 3), dtype=np.uint8)
    with subprocess.Popen(["cat"], stdin=terminal, stdout=subprocess.DEVNULL) as reader:
        names = [f"camera {number}" for number in range(videos)]
        view = LiveView(
            Terminal(screen, None),
            Painter(ColorSystem.TRUECOLOR, no_colour=False, paint=Paint.TRUE_COLOUR),
            model="a model",
            names=names,
            machine=lambda: Machine(1 << 30),
            interrupt=lambda: None,
            folder=Path(),
            file=io.StringIO(),
        )
        for name in names:
            view.hear(SourceStatus(name, State.LIVE))
        time.sleep(0.5)
        used_s, begun_s = time.process_time(), time.monotonic()
        for second in range(SECONDS):
            for name in names:
                view.hear(RoundStarted(name, second, second + 1.0, len(pictures)), tuple(pictures))
            for _ in range(TOKENS):
                time.sleep(1 / TOKENS)
                for name in names:
                    view.hear(TokenSpoken(name, " word"))
            for name in names:
                view.hear(RoundEnded(name, second, second + 1.0, "ten words " * 5, TOKENS, 0.1, latency_s=0.2))
        share = (time.process_time() - used_s) / (time.monotonic() - begun_s)
        view.close()
        os.close(screen)
        reader.kill()
    os.close(terminal)
    return share


def main() -> None:
    """A line for each screen."""
    for columns, rows, videos in ((80, 24, 1), (120, 40, 1), (80, 24, 4), (120, 40, 9)):
        share = cost(columns, rows, videos, (1080, 1920))
        sys.stdout.write(f"{columns} x {rows}, {videos} of 1920 x 1080: {share:.1%} of a core\n")


if __name__ == "__main__":
    main()
