"""What is told on stderr: one sentence on one line, and what to do about it."""

from svlm_cli.core.errors import SvlmError
from svlm_cli.core.text import presentable


def sentence(message: str, hint: str = "") -> str:
    """``svlm: MESSAGE HINT`` on one line, whatever the two hold: they repeat names of files, and what was typed."""
    return " ".join(presentable(f"svlm: {message} {hint}").split())


def error_sentence(error: SvlmError) -> str:
    """The sentence of one of our own errors."""
    return sentence(error.message, error.hint)
