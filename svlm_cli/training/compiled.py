"""A lock for compiled code, so that only one thread runs it at a time.

torch refuses to run compiled code while another thread compiles, and every new size compiles. The training loop and the
feed, which draws footage, both run compiled code, each in its own thread.
"""

import threading
from typing import Final

ONE_THREAD: Final = threading.RLock()
"""Hold it while running compiled code. It covers only the launch of kernels, so both threads still share the GPU."""
