"""What others print while a screen is on it becomes notices, a whole line each."""

import io
import threading

from svlm_cli.outputs.live.stray import StrayLines


def test_lines_of_two_threads_do_not_mix() -> None:
    """`print` writes a line and its end apart: another thread may come between them."""
    said: list[str] = []
    stray = StrayLines(io.StringIO(), said.append)
    stray.write("front is")
    other = threading.Thread(target=stray.write, args=("back is away\n",))
    other.start()
    other.join()
    stray.write(" there\n")
    assert said == ["back is away", "front is there"]
