"""The version of svlm. Defined only here; the distribution reads it from this file."""

__version__ = "0.1.0"
