"""The rounds of one source, as a session whose segments go to the caller.

Does not know who requests segments, and does not validate requests.
"""

import os
import warnings
from collections.abc import Generator, Sequence
from functools import partial

from svlm_cli.checkpoints.catalog import default_for
from svlm_cli.checkpoints.patterns import matches
from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import InputError, SvlmError, UsageError
from svlm_cli.core.events import SourceEvent, SourceStatus, State
from svlm_cli.core.types import Picture, Segment
from svlm_cli.engine.engine import Engine
from svlm_cli.library import load_engine
from svlm_cli.library.captions import CaptionControl
from svlm_cli.library.frames import timed_frames
from svlm_cli.library.wish import Wish
from svlm_cli.pipeline.batch import Job
from svlm_cli.pipeline.cameras import camera_name
from svlm_cli.pipeline.observer import SessionObserver
from svlm_cli.pipeline.questions import Question, Reply
from svlm_cli.pipeline.session import JobOutcome, Session
from svlm_cli.pipeline.settings import SessionSettings


class _Caller(SessionObserver):
    """The caller of `caption`."""

    def __init__(self, control: CaptionControl) -> None:
        self._control = control

    def failed(self, job: Job, error: SvlmError) -> None:  # noqa: ARG002
        """Raise the error in the caller."""
        raise error

    def hear(self, event: SourceEvent, pictures: Sequence[Picture]) -> None:  # noqa: ARG002
        """Pass on the state of a live source; words are yielded as segments."""
        if isinstance(event, SourceStatus) and event.state is not State.READING:
            self._control.note(event)


def rounds(wish: Wish, control: CaptionControl) -> Generator[Segment, None, None]:
    """The segments of the request. Raises `SvlmError`."""
    model = default_for(wish.context) if wish.model is None else wish.model
    engine = model if isinstance(model, Engine) else load_engine(model)
    policy, sources = engine.policy, wish.sources
    if misunderstood := policy.prompt.misunderstood(wish.context, matches):
        warnings.warn(misunderstood, stacklevel=3)
    if control.stopped:
        return
    settings = SessionSettings(sources=sources, query=wish.query, context=wish.context, seed=wish.seed)
    given = None
    if isinstance(wish.source, str | os.PathLike):
        address = SourceAddress(_text(wish.source))
        job = Job(address, targets=(), name=camera_name(address))
    else:
        job = Job(SourceAddress(""), targets=(), name="frames")
        given = timed_frames(wish.source, wish.fps, start_s=sources.start_s, end_s=sources.end_s)
    with Session((job,), settings, policy, observer=_Caller(control), given=given) as session:
        control.end_source, control.reply = session.stop, partial(_reply, engine, session, job.name)
        try:
            for one in session.rounds(engine):
                if control.stopped:
                    return
                if isinstance(one, Segment):
                    yield one
                    continue
                for notice in one.source.frames.notices:
                    warnings.warn(notice, stacklevel=3)
                _raise(one)
        finally:
            control.reply = None


def _reply(engine: Engine, session: Session, name: str, question: Question) -> Reply:
    if not engine.questions.forks:
        raise UsageError("This engine has no room for questions.", "Load it with load_engine(questions=1).")
    return session.ask(name, question)


def _raise(outcome: JobOutcome) -> None:
    """Raise the `SvlmError` that ended the captions early."""
    if outcome.report.error is not None:
        raise outcome.report.error
    if outcome.source.truncated:
        raise InputError(f"{outcome.source.job.name} ends too early.", "What could be read was captioned.")


def _text(source: str | os.PathLike[str]) -> str:
    """A `Path` is always a file, whatever it looks like; a string may be an address, or ``-``."""
    text = os.fspath(source)
    is_path = not isinstance(source, str)
    return f"./{text}" if is_path and (text == "-" or "://" in text) else text
