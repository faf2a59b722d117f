"""Which svlm this is. Knows only what is installed."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("svlm-cli")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0+checkout"
