"""Validates arguments from programs before anything is done: each wrong value is a `UsageError` that names it.

Annotations say the same, but are not enforced. Imports neither torch nor numpy.
"""

import math
import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from numbers import Real
from operator import index

from svlm_cli.core.bounds import shown
from svlm_cli.core.errors import UsageError
from svlm_cli.core.policy import Mode, StreamPolicy
from svlm_cli.library.wish import Wish
from svlm_cli.pipeline.questions import Question
from svlm_cli.sources.grid import frame_rate
from svlm_cli.sources.opening import SourceOptions, is_file

_process: int | None = None  # process id of the first use of a model


def check_process() -> None:
    """`UsageError` in a fork of a process that has used a model, because torch's threads are missing there."""
    global _process  # noqa: PLW0603  per process
    if _process not in (None, os.getpid()):
        raise UsageError(
            "A model cannot run in this process: it was forked from one that has used a model.",
            'Start it with multiprocessing.get_context("spawn").',
        )
    _process = os.getpid()


def check_wish(wish: Wish) -> None:
    """`UsageError` for arguments with which no video could be captioned."""
    if not (wish.model is None or isinstance(wish.model, str | os.PathLike) or _is_engine(wish.model)):
        hint = "Give the name of a model, a checkpoint folder, or an engine of load_engine."
        raise UsageError(f"model cannot be {shown(wish.model)}.", hint)
    _check_text("query", wish.query, optional=True)
    _check_text("context", wish.context)
    _check_whole("seed", wish.seed, least=0)
    _check_number("fps", wish.fps)
    if wish.fps is None:
        return
    if isinstance(wish.source, str | os.PathLike):
        hint = "Use load_engine(fps=...) to set how many pictures the model sees per second."
        raise UsageError("fps applies only to pictures without times, and the source is a path or an address.", hint)
    frame_rate(wish.fps)


def check_span(start_s: float | None, end_s: float | None) -> None:
    """`UsageError` for invalid times, or an end before the start."""
    _check_number("start_s", start_s)
    _check_number("end_s", end_s)
    for name, time_s in (("start_s", start_s), ("end_s", end_s)):
        if time_s is not None and not 0 <= time_s < math.inf:
            raise UsageError(f"{name} must be 0 or more seconds, not {time_s}.")
    if start_s is not None and end_s is not None and not start_s < end_s:
        raise UsageError(f"start_s ({start_s}) must come before end_s ({end_s}).")


def check_on_status(on_status: object) -> None:
    """`UsageError` if it is not callable."""
    if not (on_status is None or callable(on_status)):
        raise UsageError(f"on_status must be a function, not {shown(on_status)}.")


def sources_of(
    source: object, options: SourceOptions | None, start_s: float | None, end_s: float | None
) -> SourceOptions:
    """The options for a source; `UsageError` if it is invalid, or the options are for another kind."""
    if not (options is None or isinstance(options, SourceOptions)):
        raise UsageError(f"options must be SourceOptions, not {shown(options)}.")
    chosen = options or SourceOptions()
    if start_s is not None or end_s is not None:
        chosen = replace(chosen, start_s=start_s, end_s=end_s)
    if isinstance(source, str | os.PathLike):
        _check_name(os.fspath(source))
        chosen.live()  # validates its values
        if isinstance(source, str):
            is_file(source, chosen)  # refuses unsupported addresses
    elif isinstance(source, bytes | bytearray | memoryview) or not isinstance(source, Iterable):
        raise UsageError(f"The source cannot be {shown(source)}.", "Give a path, an address, or frames.")
    elif options is not None:
        raise UsageError("options are for a path or an address, and the source is frames.", "Leave them out.")
    return chosen


def check_engine(
    model: object,
    fps: object,
    temperature: object,
    device: object,
    dtype: object,
    revision: object,
    offline: object,
    max_streams: object,
    questions: object,
) -> None:
    """`UsageError` for values of the wrong type; the policy checks bounds."""
    if not (model is None or isinstance(model, str | os.PathLike)):
        raise UsageError(f"model cannot be {shown(model)}.", "Give the name of a model, or a checkpoint folder.")
    _check_number("fps", fps)
    _check_number("temperature", temperature)
    _check_text("device", device)
    _check_text("dtype", dtype)
    _check_text("revision", revision, optional=True)
    if not isinstance(offline, bool):
        raise UsageError(f"offline must be True or False, not {shown(offline)}.")
    _check_whole("max_streams", max_streams, least=1)
    _check_whole("questions", questions, least=0)


def check_adapter(adapter: object) -> None:
    """`UsageError` unless it is a path."""
    if not (adapter is None or isinstance(adapter, str | os.PathLike)):
        raise UsageError(f"adapter cannot be {shown(adapter)}.", "Give the folder of an adapter.")


def question_of(text: object, choices: object) -> Question:
    """A question; `UsageError` if it is invalid."""
    if isinstance(choices, str) or not isinstance(choices, Iterable):
        raise UsageError(f"choices must be a sequence of texts, not {shown(choices)}.")
    listed = tuple(choices)
    for one in (text, *listed):
        if not isinstance(one, str):
            raise UsageError(f"A question and its choices must be texts, not {shown(one)}.")
    return Question(str(text), listed)


def check_policy(policy: object) -> None:
    """`UsageError` unless it is a policy or a file name."""
    if not (policy is None or isinstance(policy, StreamPolicy | str | os.PathLike)):
        raise UsageError(f"policy cannot be {shown(policy)}.", "Give a StreamPolicy, or a file as --policy takes it.")


def known_mode(mode: str) -> Mode:
    """The mode, which may be given by name."""
    try:
        return Mode(mode)
    except ValueError:
        raise UsageError(f"There is no mode {shown(mode)}.", f"Use {', '.join(Mode)}.") from None


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name:
        raise UsageError(f"The source cannot be {shown(name)}.", "Give a path, an address, or frames.")


def _is_engine(value: object) -> bool:
    """Only checks if the engine's module has been imported, to avoid importing torch."""
    module = sys.modules.get("svlm_cli.engine.engine")
    return module is not None and isinstance(value, module.Engine)


def _check_number(name: str, value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, Real)):
        raise UsageError(f"{name} must be a number, not {shown(value)}.")


def _check_whole(name: str, value: object, *, least: int) -> None:
    try:
        number = None if isinstance(value, bool) else index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or number < least:
        raise UsageError(f"{name} must be a whole number, {least} or more, not {shown(value)}.")


def _check_text(name: str, value: object, *, optional: bool = False) -> None:
    if not (isinstance(value, str) or (optional and value is None)):
        raise UsageError(f"{name} must be text, not {shown(value)}.")
