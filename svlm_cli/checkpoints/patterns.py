"""Regular expressions of strangers, matched in a process of their own: Python cannot end one that takes for ever."""

import json
import subprocess
import sys
from typing import Final

from svlm_cli.core.errors import ModelError

_LIMIT_S: Final = 3.0  # of what takes milliseconds
_MATCH: Final = """
import json, re, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (500_000_000, 500_000_000))
pattern, text = json.load(sys.stdin)
print(re.fullmatch(pattern, text) is not None)
"""


def matches(pattern: str, text: str) -> bool:
    """Whether all of `text` is of the form `pattern`. `ModelError` if that takes seconds, or too much memory."""
    command = [sys.executable, "-I", "-S", "-c", _MATCH]
    try:
        done = subprocess.run(
            command, input=json.dumps([pattern, text]), capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        done = None
    if done is None or done.stdout.strip() not in ("True", "False"):
        raise ModelError(
            "The context_form of the model's policy takes too long to look a context up.",
            "Mend it under [prompt] in policy.toml, or take it away.",
        )
    return done.stdout.strip() == "True"
