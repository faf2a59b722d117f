"""svlm as a library: takes a video, frames or a camera, and yields Segments.

Imports are deferred, so that ``import svlm_cli`` is fast. Knows no command line and writes nothing.
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
    """The model's captions of a video, second by second: one Segment per round, with empty text for silence.

    `source` is a path, ``-`` for standard input, an address that ``svlm caption`` accepts, such as a camera's, or an
    iterable of frames, possibly endless: `Frame` objects with increasing times, or bare pictures (RGB, uint8, ``[H, W,
    3]``) at `fps`. The model sees frames at its own rate: the newest one at each moment. `start_s` and `end_s` are
    seconds on a player's clock; `end_s` is exclusive.

    `model` is what ``--model`` takes; None is the default model. An engine from `load_engine` is used as it is; it can
    make as many captions at a time as it has streams. `context` is the text for ``--context``; a warning says if the
    model will not understand it.

    `options` says how a path or an address is opened; `on_status` is called with each change of a live source, in its
    reader's thread.

    The source is opened when the first segment is requested, and closed after the last one, or with the captions.
    `UsageError` for bad arguments, at once if possible; other `SvlmError`s for an unusable model, and for a video that
    cannot be read, or, after its last segment, that ends too early. Other remarks are `UserWarning`s.
    """
    from svlm_cli.library.door import check_on_status, check_process, check_span, check_wish, sources_of
    from svlm_cli.library.wish import Wish

    check_process()
    check_span(start_s, end_s)
    check_on_status(on_status)
    wish = Wish(source, model, fps, query, context, seed, sources_of(source, options, start_s, end_s))
    check_wish(wish)

    from svlm_cli.library.captions import CaptionControl, Captions
    from svlm_cli.library.rounds import rounds  # imports torch

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
    """A model on a device, for `caption`; None is the model's own default. Raises `ModelError`, `UsageError`.

    `adapter` is what ``--adapter`` takes: a folder, to be used with its own base, or with `model`.

    `policy` is a whole policy, or a file of overrides, as for ``--policy``; `fps`, `mode` and `temperature` take
    precedence. `questions` is the number answered at a time (`Captions.ask`): each needs the memory of a stream. A
    checkpoint without a policy causes a `UserWarning`.
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
