"""Which svlm this is. The one place where that stands: the distribution takes it from here."""

__version__ = "0.1.0"
