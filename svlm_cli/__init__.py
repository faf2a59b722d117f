"""svlm: a command line that watches video and speaks (StreamingVLM, arXiv 2510.09608)."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("svlm-cli")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0+checkout"

__all__ = ["__version__"]
