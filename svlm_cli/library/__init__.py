"""svlm as a library: a video, frames or a camera in, Segments out, one by one.

Imports what it needs when it is called, so that ``import svlm_cli`` stays light. Knows no command line and writes
nothing.
"""

import os
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from svlm_cli.checkpoints.resolve import Checkpoint
    from svlm_cli.core.events import SourceStatus
    from svlm_cli.core.policy import Mode, StreamPolicy
    from svlm_cli.core.types import Frame, Picture
    from svlm_cli.engine.engine import Engine
    from svlm_cli.engine.place import EnginePlace
    from svlm_cli.library.captions import Captions
    from svlm_cli.sources.opening import SourceOptions


def caption(
    source: "str | os.PathLike[str] | Iterable[Frame | Picture]",
    *,
    model: "str | os.PathLike[str] | Engine | None" = None,
    fps: float | None = None,
    start_s: float | None = None,
    end_s: float | None = None,
    query: str | None = None,
    context: str = "",
    seed: int = 0,
    options: "SourceOptions | None" = None,
    on_status: "Callable[[SourceStatus], object] | None" = None,
) -> "Captions":
    """What the model says of a video, second by second: a Segment a round; with empty text it was silent.

    `source` is a path, ``-`` for standard input, an address that ``svlm caption`` takes, as of a camera, or frames,
    maybe endless: `Frame` objects with their times, in order, or bare pictures (RGB, uint8, ``[H, W, 3]``), `fps` of
    them a second. The model sees as many of them a second as it was made for: the newest one at each moment. `start_s`
    and `end_s` are seconds as players count them; the end is left out itself.

    `model` is what ``--model`` takes, None the model that comes with svlm. An engine of `load_engine` is not loaded
    again; it takes as many captions at a time as it has streams. `context` is what ``--context`` takes, as text; that
    the model will not understand it is told.

    `options` says how a path or an address is opened; `on_status` hears each change of a live source, in the thread
    that reads it.

    Nothing is opened before the first segment is asked for, and all is closed after the last one, or with the
    captions. `UsageError` for bad arguments, at once where they can be known; other `SvlmError`s for a model that
    cannot be used, and for a video that cannot be read, or ends too early: then after its last segment. What there is
    to tell besides is a `UserWarning`.
    """
    from svlm_cli.library.door import check_on_status, check_process, check_span, check_wish, sources_of
    from svlm_cli.library.wish import Wish

    check_process()
    check_span(start_s, end_s)
    check_on_status(on_status)
    wish = Wish(source, model, fps, query, context, seed, sources_of(source, options, start_s, end_s))
    check_wish(wish)

    from svlm_cli.library.captions import CaptionControl, Captions
    from svlm_cli.library.rounds import rounds  # torch

    control = CaptionControl(on_status)
    return Captions(rounds(wish, control), control)


def load_engine(
    model: "str | os.PathLike[str] | None" = None,
    *,
    adapter: "str | os.PathLike[str] | None" = None,
    policy: "StreamPolicy | str | os.PathLike[str] | None" = None,
    fps: float | None = None,
    mode: "Mode | Literal['streaming', 'full', 'window', 'window-overlap', 'native-positions', 'recent'] | None" = None,
    temperature: float | None = None,
    device: str = "auto",
    dtype: Literal["auto", "float32", "bfloat16", "float16", "fp8"] = "auto",
    revision: str | None = None,
    offline: bool = False,
    max_streams: int = 1,
    questions: int = 0,
) -> "Engine":
    """A model on a device, for `caption`; what is None is the model's own. Raises `ModelError`, `UsageError`.

    `adapter` is what ``--adapter`` takes: a folder, on the base that it names, or on `model`.

    `policy` is a whole one, or a file to lay over the model's own, as ``--policy`` takes it; `fps`, `mode` and
    `temperature` win over it. `questions` says how many may be answered at a time (`Captions.ask`): each takes the
    memory of a stream. That a checkpoint has no policy is a `UserWarning`.
    """
    from svlm_cli.library.door import check_adapter, check_engine, check_policy, check_process, known_mode

    check_process()
    check_adapter(adapter)
    check_engine(model, fps, temperature, device, dtype, revision, offline, max_streams, questions)
    known = None if mode is None else known_mode(mode)
    check_policy(policy)

    from pathlib import Path

    from svlm_cli.checkpoints import policy_changes
    from svlm_cli.checkpoints.resolve import resolve
    from svlm_cli.core.policy import PolicyOverrides, StreamPolicy
    from svlm_cli.engine.place import EnginePlace

    changes = policy_changes.read(Path(policy) if isinstance(policy, str | os.PathLike) else None)
    place = EnginePlace.of(device, dtype)
    checkpoint = resolve(
        None if model is None else os.fspath(model),
        revision=revision,
        offline=offline,
        adapter=None if adapter is None else Path(adapter),
    )
    if checkpoint.notice and policy is None:
        warnings.warn(checkpoint.notice, stacklevel=2)
    whole = policy if isinstance(policy, StreamPolicy) else checkpoint.policy
    asked = changes.applied(whole, PolicyOverrides(mode=known, fps=fps, temperature=temperature))
    return _load(checkpoint, asked, place, max_streams, questions)


def _load(
    checkpoint: "Checkpoint", policy: "StreamPolicy", place: "EnginePlace", max_streams: int, questions: int
) -> "Engine":
    from svlm_cli.core.errors import ModelError, is_out_of_memory
    from svlm_cli.engine.footprint import Questions

    room = Questions(forks=questions)
    try:
        return place.load(
            checkpoint.folder, policy, adapter=checkpoint.adapter, max_streams=max_streams, questions=room
        )
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise ModelError("The memory is full.", "A smaller model, or fewer streams, need less.") from error
