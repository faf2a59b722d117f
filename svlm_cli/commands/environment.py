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
    Variable("SVLM_CONFIG", "The configuration file, instead of the usual one. /dev/null: none."),
    Variable("SVLM_USER", "The login of cameras that no file of --credentials names."),
    Variable("SVLM_PASSWORD", "Its password.", secret=True),
    Variable("HF_HOME", "Where models from the hub are kept; otherwise ~/.cache/huggingface."),
    Variable("HF_TOKEN", "Who you are, for models of the hub that are not open to all.", secret=True),
    Variable("HF_ENDPOINT", "Another hub."),
    Variable("HF_HUB_OFFLINE", "1: as --offline."),
    Variable(
        "OPENAI_API_KEY",
        "Who you are to the server of a judge, a baseline (`svlm eval commentary`) or an editor (`svlm data clean`).",
        secret=True,
    ),
    Variable("NO_COLOR", "Not empty: no colours."),
    Variable("OMP_NUM_THREADS", "How many threads compute on a CPU; otherwise as many as there are cores."),
    Variable("OMP_WAIT_POLICY", "ACTIVE: threads that wait go on running. svlm makes it PASSIVE."),
)


def refuse_unreadable_hub() -> None:
    """`UsageError` for a hub's address at which libraries fail as they are imported, with a part of its password."""
    if not is_readable(os.environ.get("HF_ENDPOINT", "")):
        raise UsageError("HF_ENDPOINT is not a URL.", SIGNS_IN_A_PASSWORD)


FILES: Final = (
    ("~/.config/svlm/config.toml", "The configuration ($XDG_CONFIG_HOME moves it). `svlm config --init` writes one."),
    ("~/.cache/huggingface/hub", "Models that were fetched."),
    ("~/.cache/svlm/judge", "What judges have answered ($XDG_CACHE_HOME moves it)."),
    ("STEM.srt.part", "The subtitles of a video that is being captioned, or was when svlm was stopped: valid so far."),
)
