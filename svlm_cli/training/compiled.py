"""Compiled code, one thread at a time.

torch refuses a call of compiled code while another thread compiles, and code is compiled whenever a size is new. The
training loop and the feed, which draws footage, both run compiled code, each in its own thread.
"""

import threading
from typing import Final

ONE_THREAD: Final = threading.RLock()
"""Hold it to run compiled code. Kernels are only launched under it, so the GPU still works on both."""
