"""Logins for cameras, from a netrc file or the environment, so that no command line holds a password."""

import netrc
import os
from collections.abc import Mapping
from pathlib import Path

from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import UsageError
from svlm_cli.core.text import plain_text
from svlm_cli.media.network import Login, split_url

USER, PASSWORD = "SVLM_USER", "SVLM_PASSWORD"


class Credentials:
    """Logins by host. A file is in the form of ``~/.netrc``: ``machine HOST login USER password PASSWORD``.

    A host that is not in the file gets the environment's login, if there is one. Raises `UsageError`, which quotes
    nothing from the file, if the file cannot be read.
    """

    def __init__(self, file: Path | None = None, environment: Mapping[str, str] | None = None) -> None:
        self._hosts: dict[str, tuple[str, str, str]] = {}
        if file is not None:
            name = plain_text(str(file))
            try:
                self._hosts = netrc.netrc(str(file)).hosts
            except (OSError, UnicodeDecodeError) as error:
                raise UsageError(f"The file of credentials {name} cannot be read.", "Check its name.") from error
            except netrc.NetrcParseError as error:
                line = f" line {error.lineno}" if error.lineno else ""
                hint = "Write a line for each host: machine HOST login USER password PASSWORD"
                raise UsageError(
                    f"The file of credentials {name} cannot be understood in{line or ' part'}.", hint
                ) from None
        environment = os.environ if environment is None else environment  # no default value: `help()` would print it
        password = environment.get(PASSWORD)
        self._default = None if password is None else Login(environment.get(USER, ""), password)

    def login(self, url: str | SourceAddress) -> Login | None:
        """The login for this address: the one in the address, else the host's, else the default."""
        parts, own = split_url(url)
        if own is not None:
            return own
        entry = self._hosts.get(parts.hostname or "") or self._hosts.get("default")
        return Login(entry[0], entry[2]) if entry is not None else self._default
