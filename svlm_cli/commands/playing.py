"""What the commands of ``svlm eval`` share: matches written down and played, with progress on stderr."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from svlm_cli.commands.tables import counting
from svlm_cli.core.errors import UsageError
from svlm_cli.core.types import Segment
from svlm_cli.outputs.destination import open_destination
from svlm_cli.outputs.jsonl import JsonlOutput

if TYPE_CHECKING:
    from svlm_cli.engine.engine import Engine
    from svlm_cli.evals.controls import Controls
    from svlm_cli.evals.runner import Played, Setting
    from svlm_cli.evals.script import Script


def match_seconds(minutes: float) -> int:
    """Whole seconds, or `UsageError`."""
    seconds = round(minutes * 60) if abs(minutes) < 1e6 else 0
    if seconds < 1:
        raise UsageError(f"{minutes:g} minutes is no length for a match.", "Give a number above 0, like 2 or 120.")
    return seconds


def write_matches(matches: Sequence[tuple[int, int]], *, quiet: bool) -> tuple[list["Script"], "Controls"]:
    """What there is to say in the matches, each a seed and its seconds; and the controls, which need no more."""
    from svlm_cli.evals.controls import run_controls
    from svlm_cli.evals.script import write_scripts

    with counting("scripts", len(matches), quiet=quiet) as advance:
        scripts = write_scripts(matches, advance)
    return scripts, run_controls(scripts)


def play_matches(
    engine: "Engine", setting: "Setting", paths: Sequence[Path] = (), model: str = "", *, quiet: bool
) -> "Played":
    """Plays all matches; what the `model` says goes to `paths` as well, if there are any, a match a file."""
    from svlm_cli.evals.runner import play

    rounds = round(setting.seconds / engine.policy.chunk_seconds)
    batches = -(-setting.matches // engine.max_streams)
    with _saver(paths, model) as listen, counting("rounds", rounds * batches, quiet=quiet) as advance:

        def progress(done: int, round_s: float) -> None:
            advance(done, f"{round_s * 1000:.0f} ms the last")

        return play(engine, setting, listen=listen, progress=progress)


@contextmanager
def _saver(paths: Sequence[Path], model: str) -> Iterator[Callable[[int, Segment], None]]:
    """Writes each match's rounds as they come; what a run that was cut short has said is kept."""
    with ExitStack() as stack:
        files = []
        for path in paths:
            files.append(JsonlOutput(open_destination(path, overwrite=False), model))
            stack.callback(files[-1].close)
        yield lambda match, segment: files[match].write(segment) if files else None
