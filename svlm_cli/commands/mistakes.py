"""What is wrong with a command line, as a sentence and the way out. Knows options; not what commands do with them."""

import re
from typing import Any

import typer
from typer._click.core import ParameterSource
from typer._click.exceptions import BadOptionUsage, MissingParameter, NoSuchOption

from svlm_cli.commands import aliases
from svlm_cli.commands.described import Option, leaves, option_of
from svlm_cli.commands.messages import sentence
from svlm_cli.core.text import did_you_mean

_YES_OR_NO = "true or false"


def usage_sentence(error: typer.TyperException) -> str:
    """One sentence for what the parser refuses; the whole help for a group that was called without a command."""
    message = error.format_message()
    context = getattr(error, "ctx", None)
    if context is None:
        return sentence(_ended(message))
    if message == context.get_help():
        return message
    help_ = f"Try `{context.command_path} --help`."
    if isinstance(error, NoSuchOption):
        return sentence(
            f"There is no option {error.option_name}.", f"{_other_option(error.option_name, context)} {help_}"
        )
    if isinstance(error, BadOptionUsage):
        return sentence(f"{error.option_name} needs a value.", f"{_values(error.option_name, context)} {help_}")
    if isinstance(error, MissingParameter) and error.param is not None:
        option = option_of(error.param)
        about = f": {option.help[:1].lower()}{option.help[1:]}" if option.help else "."
        return sentence(f"{option.names[-1]} is missing{about}", help_)
    if isinstance(error, typer.BadParameter) and error.param is not None:
        option = option_of(error.param)
        source = context.get_parameter_source(error.param.name)
        name = option.variable if source is ParameterSource.ENVIRONMENT else option.names[-1]
        problem, hint = value_problem(option, error)
        return sentence(f"{name} {problem}", hint or help_)
    if extra := re.fullmatch(r"Got unexpected extra argument\(s\) \((.+)\)", message):
        return sentence(f"`{context.command_path}` has no use for {extra[1]}.", help_)
    if missing := re.match(r"No such command '(.+)'\.$", message):
        return sentence(message, f"{_command_for(missing[1], context)} {help_}")
    return sentence(_ended(message), help_)


def value_problem(option: Option, error: typer.BadParameter) -> tuple[str, str]:
    """``must be 1 or more, not 0.``, and a better value if one is near."""
    given = _given(error)
    choices = option.choices
    if choices:
        hint = did_you_mean(str(given), choices)
        return f"cannot be {given}: it is one of {', '.join(choices)}.", hint
    kind = option.parameter.type_descriptor.annotation
    expected = {int: "a whole number", float: "a number", bool: _YES_OR_NO}.get(kind, "something else")
    if option.limits:
        expected = f"{expected}, {option.limits}"
    return f"must be {expected}, not {given}.", ""


def _given(error: typer.BadParameter) -> Any:
    """What was given, as far as the check tells."""
    cause: Any = error.__cause__
    return cause.errors()[0]["input"] if hasattr(cause, "errors") else "this"


def _other_option(name: str, context: Any) -> str:
    """The option that is meant; at svlm itself, which has few, the command that this one belongs to."""
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
    return did_you_mean(name, [one for one in known if one.startswith("--")])


def _command_for(word: str, context: Any) -> str:
    """What other programs call a command of ours; `caption` for who leaves it out."""
    if context.parent is not None:
        return ""
    meant = aliases.COMMANDS.get(word.lower())
    if meant is None and ("." in word or "/" in word):
        meant = f"caption {word}"
    return f"Did you mean `svlm {meant}`?" if meant else ""


def _values(name: str, context: Any) -> str:
    option = next((option_of(one) for one in context.command.params if name in one.opts), None)
    return f"Write {name} {option.value}." if option is not None else ""


def _ended(message: str) -> str:
    return message if message.endswith((".", "?", "!")) else f"{message}."
