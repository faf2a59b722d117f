"""Usage errors: Typer's own message on one line, with a hint from the names that other programs use.

Knows the names of options, not what commands do with them.
"""

from typing import Any

import typer

from svlm_cli.cli import aliases
from svlm_cli.cli.described import leaves
from svlm_cli.cli.messages import ended
from svlm_cli.core.sentences import sentence


def usage_sentence(error: typer.TyperException) -> str:
    """One sentence for what the parser refuses."""
    context = getattr(error, "ctx", None)
    message = ended(error.format_message())
    if context is None:
        return sentence(message)
    # Of Typer's errors, the one for an option that there is not is alone in knowing `possibilities`.
    hint = _other_option(getattr(error, "option_name", ""), context) if hasattr(error, "possibilities") else ""
    return sentence(message, f"{hint} Try `{context.command_path} --help`.")


def other_command(word: str) -> str:
    """A hint for another program's name of a command, or for a file without `caption`; else empty."""
    meant = aliases.COMMANDS.get(word.lower())
    if meant is None and ("." in word or "/" in word):
        meant = f"caption {word}"
    return f"Did you mean `svlm {meant}`?" if meant else ""


def _other_option(name: str, context: Any) -> str:
    """A hint for another program's name of an option, or for an option in front of its command; else empty."""
    known = [opt for one in context.command.get_params(context) for opt in (*one.opts, *one.secondary_opts)]
    asked = name.lower().replace("_", "-") if name.startswith("--") else name
    if meant := [one for one in aliases.OPTIONS.get(asked, ()) if one in known]:
        return f"Did you mean {' or '.join(meant)}?"
    if advice := aliases.ADVICE.get(asked):
        return advice
    if context.parent is None:
        wanted = {name, *aliases.OPTIONS.get(asked, ())}
        for words, command in leaves(context.command.whole()):
            if found := wanted.intersection(opt for one in command.params for opt in one.opts):
                return f"It follows the command, as in `svlm {' '.join(words)} {min(found)}`."
    return ""
