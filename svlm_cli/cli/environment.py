"""The environment variables and files that svlm knows, as data: for the manual, documentation and ``svlm doctor``.

Those that set an option are not listed here: each option names its own.
"""

import os
from dataclasses import dataclass
from typing import Final

from svlm_cli.core.errors import UsageError
from svlm_cli.core.logins import SIGNS_IN_A_PASSWORD, is_readable


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable, and what it does."""

    name: str
    text: str
    secret: bool = False


VARIABLES: Final = (
    Variable("SVLM_CONFIG", "Path of the configuration file. /dev/null: none."),
    Variable("SVLM_USER", "User name for cameras that are not in the --credentials file."),
    Variable("SVLM_PASSWORD", "Password of that user.", secret=True),
    Variable("HF_HOME", "Where models from the hub are kept, by default ~/.cache/huggingface."),
    Variable("HF_TOKEN", "Access token for models on the hub that are not public.", secret=True),
    Variable("HF_ENDPOINT", "Address of another hub."),
    Variable("HF_HUB_OFFLINE", "1: the same as --offline."),
    Variable(
        "OPENAI_API_KEY",
        "API key of the server of a judge or baseline (`svlm eval commentary`) or an editor (`svlm data clean`).",
        secret=True,
    ),
    Variable("NO_COLOR", "If not empty: no colours."),
    Variable("OMP_NUM_THREADS", "Number of threads that compute on a CPU, by default one per core."),
    Variable("OMP_WAIT_POLICY", "ACTIVE: waiting threads keep running. svlm sets PASSIVE by default."),
)


def refuse_unreadable_hub() -> None:
    """`UsageError` for an address of a hub on which libraries fail at import, and then print part of its password."""
    if not is_readable(os.environ.get("HF_ENDPOINT", "")):
        raise UsageError("HF_ENDPOINT is not a URL.", SIGNS_IN_A_PASSWORD)


FILES: Final = (
    ("~/.config/svlm/config.toml", "The configuration ($XDG_CONFIG_HOME moves it). `svlm config --init` writes one."),
    ("~/.cache/huggingface/hub", "Models fetched from the hub."),
    ("~/.cache/svlm/judge", "Answers of judges ($XDG_CACHE_HOME moves it)."),
    ("STEM.srt.part", "Subtitles of a video that is being captioned, or was when svlm was stopped; valid so far."),
)
