"""What the shell is told when somebody presses Tab: options, commands and values; and the shell's side of it.

The shell calls ``svlm`` with the words up to the cursor and `_SVLM_COMPLETE` set, and gets a line for each
possibility: a word, a tab, what it is. None means: complete the name of a file. What may stand for a value is the
affair of ``choices.py``.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import typer
from typer._click.shell_completion import _resolve_context, _resolve_incomplete

from svlm_cli.core.errors import OutputError, UsageError
from svlm_cli.core.text import plain_text

_BASH: Final = r"""# Completion of svlm for bash
_svlm_completion() {
    local value about
    COMPREPLY=()
    while IFS=$'\t' read -r value about; do
        [[ $value == *[/=] ]] && compopt -o nospace
        COMPREPLY+=("$value")
    done < <(_SVLM_COMPLETE=complete_bash "$1" "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -o bashdefault -F _svlm_completion svlm
"""

_ZSH: Final = r"""#compdef svlm
# Completion of svlm for zsh
_svlm() {
    local value about
    local -a words_ begun_
    while IFS=$'\t' read -r value about; do
        if [[ $value == *[/=] ]]; then
            begun_+=("$value")
        else
            words_+=("${value//:/\\:}${about:+:$about}")
        fi
    done < <(_SVLM_COMPLETE=complete_zsh "${words[1]}" "${(@Q)words[2,CURRENT]}" 2>/dev/null)
    if (( $#words_ + $#begun_ )); then
        (( $#words_ )) && _describe -V svlm words_
        (( $#begun_ )) && compadd -S '' -- "${begun_[@]}"
    else
        _files
    fi
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
if [[ $funcstack[1] == _svlm ]]; then _svlm "$@"; else compdef _svlm svlm; fi
"""

_FISH: Final = r"""# Completion of svlm for fish
function __svlm_completion
    set --local before (commandline --current-process --tokenize --cut-at-cursor)
    set --local current (commandline --current-token --cut-at-cursor)
    set --local answer (_SVLM_COMPLETE=complete_fish $before[1] $before[2..] "$current" 2>/dev/null)
    if set --query answer[1]
        printf '%s\n' $answer
    else
        __fish_complete_path "$current"
    end
end
complete --command svlm --no-files --arguments '(__svlm_completion)'
"""

_SCRIPTS: Final = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def answer(root: Any, shell: str, words: Sequence[str]) -> int:
    """Prints what may stand where the last of `words` is begun; `shell` is ``complete_bash`` or the like."""
    kind, _, name = shell.partition("_")
    if kind != "complete" or name not in _SCRIPTS:
        raise UsageError(f"{shell} is no request for completions.", "Unset _SVLM_COMPLETE.")
    *before, begun = words or [""]
    begun = _unquoted(begun)
    if name == "bash":  # which parts words at =
        begun = "" if begun == "=" else begun
        before = [word for word in before if word != "="]
    option, equals, _ = begun.partition("=")
    head = f"{option}=" if begun.startswith("--") and equals else ""
    context = _resolve_context(root, {}, "svlm", before)
    subject, rest = _resolve_incomplete(context, before, begun)
    for item in subject.shell_complete(context, rest):
        typer.echo("\t".join((f"{head}{item.value}", " ".join(plain_text(item.help or "").split()))))
    return 0


def _unquoted(word: str) -> str:
    return re.sub(r"""^["']""", "", word)


def script(shell: str) -> str:
    """The shell's side. `UsageError` for a shell that is not known."""
    if shell not in _SCRIPTS:
        raise UsageError(f"There is no completion for {shell}.", f"Name one of {', '.join(_SCRIPTS)}.")
    return _SCRIPTS[shell].rstrip("\n")


def install(shell: str) -> str:
    """Writes it where the shell will find it, and says where that is. `OutputError` if that cannot be written."""
    text = script(shell)
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  Path.home raises where there is none
    if shell == "fish":
        path = _folder("XDG_CONFIG_HOME", home / ".config") / "fish" / "completions" / "svlm.fish"
    else:
        path = _folder("XDG_DATA_HOME", home / ".local" / "share") / "svlm" / f"completion.{shell}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n", encoding="utf-8")
        started = "" if shell == "fish" else _start_with(_started(shell, home), path)
    except OSError as error:
        raise OutputError(
            f"{error.filename} cannot be written: {error.strerror}.",
            f"Put what `svlm --show-completion {shell}` prints where your shell finds it.",
        ) from error
    return f"Completion for {shell} is in {path}{started}. It begins with the next shell."


def _folder(variable: str, otherwise: Path) -> Path:
    named = os.environ.get(variable, "")
    return Path(named) if named.startswith("/") else otherwise


def _started(shell: str, home: Path) -> Path:
    """The file that the shell reads when it starts."""
    if shell == "zsh":
        return Path(os.environ.get("ZDOTDIR") or home) / ".zshrc"
    return home / ".bashrc"


def _start_with(started: Path, path: Path) -> str:
    """Has the shell read it, once."""
    line = f"[ -r '{path}' ] && . '{path}'  # svlm"
    text = started.read_text(encoding="utf-8", errors="surrogateescape") if started.exists() else ""
    if line not in text.splitlines():
        with started.open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n" if text and not text.endswith("\n") else f"{line}\n")
    return f", read by {started}"
