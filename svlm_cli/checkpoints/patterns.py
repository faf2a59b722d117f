"""Matches untrusted regular expressions in a separate process, because Python cannot interrupt one that hangs."""

import json
import subprocess
import sys
from typing import Final

from svlm_cli.core.errors import ModelError
from svlm_cli.core.process import run

_LIMIT_S: Final = 3.0  # normally it takes milliseconds
_MATCH: Final = """
import json, re, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (500_000_000, 500_000_000))
pattern, text = json.load(sys.stdin)
print(re.fullmatch(pattern, text) is not None)
"""


def matches(pattern: str, text: str) -> bool:
    """Whether all of `text` matches `pattern`. `ModelError` if that takes seconds, or too much memory."""
    command = [sys.executable, "-I", "-S", "-c", _MATCH]
    try:
        answer = run(command, told=json.dumps([pattern, text]).encode(), timeout_s=_LIMIT_S).stdout.strip()
    except subprocess.TimeoutExpired:
        answer = b""
    if answer not in (b"True", b"False"):
        raise ModelError(
            "Checking the context against context_form in the model's policy takes too long.",
            "Simplify context_form under [prompt] in policy.toml, or remove it.",
        )
    return answer == b"True"
