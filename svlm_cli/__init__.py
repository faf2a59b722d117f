"""svlm: a command line that watches video and speaks (StreamingVLM, arXiv 2510.09608), and its use as a library."""

from svlm_cli.core.version import __version__
from svlm_cli.library import caption, load_engine

__all__ = ["__version__", "caption", "load_engine"]
