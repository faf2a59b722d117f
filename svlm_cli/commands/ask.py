"""``svlm ask``: questions about a video, answered at the moments that are named. Reads the options, prints answers."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from svlm_cli.commands import options
from svlm_cli.commands.auto_model import settled
from svlm_cli.commands.loading import checkpoint_of, introduction, load
from svlm_cli.commands.options import takes
from svlm_cli.commands.panels import Panel
from svlm_cli.commands.values import context_of, seconds_of
from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.core.policy import PolicyOverrides, StreamPolicy
from svlm_cli.core.text import plain_text, presentable
from svlm_cli.outputs.progress import Progress, ProgressStyle, clock, open_progress
from svlm_cli.pipeline.inputs import STDIN
from svlm_cli.pipeline.questions import Question, Reply

if TYPE_CHECKING:
    from svlm_cli.engine.engine import Engine
    from svlm_cli.sources.files import FrameStream

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class AskOptions(options.EngineOptions):
    """What was asked for."""

    video: Annotated[str, typer.Argument(metavar="VIDEO", help="A file; `-` is standard input.")]
    questions: Annotated[list[str], typer.Argument(metavar="QUESTION", help="One or more, each in quotes.")]
    at: Annotated[
        list[str] | None,
        Panel.INPUT.option(
            metavar="TIME",
            help="When: seconds, or [H:]MM:SS. Nothing after it is seen. Repeatable.",
            show_default="at the end",
        ),
    ] = None
    choices: Annotated[
        list[str] | None,
        Panel.INPUT.option("--choice", metavar="TEXT", help="One of the only answers that there are. Repeatable."),
    ] = None
    start: Annotated[str | None, Panel.INPUT.option(metavar="TIME", help="Watch from here on.")] = None
    as_json: options.Json = False
    max_tokens: Annotated[int, Panel.OUTPUT.option(min=1, max=4096, help="Of an answer in words.")] = 64
    model: options.Model = None
    adapter: options.Adapter = None
    context: options.Context = ""
    mode: options.ForgetsBy = None


@app.command()
@takes(AskOptions)
def ask(asked: AskOptions) -> None:
    """Ask about a video, at its end or at any moment of it.

    The model watches and comments silently up to there; a question is put to a copy of what it has in mind, so none
    changes the answer to the next. Answers go to stdout, one after the other, or as JSON.
    """
    times_s = _times(asked)
    questions = [Question(text, tuple(asked.choices or ())) for text in asked.questions]
    context = context_of(asked.context)
    _refuse_what_is_no_file(asked.video)

    from svlm_cli.checkpoints import policy_changes

    changes = policy_changes.read(asked.policy, asked.policy_keys or ())
    asked = settled(asked)
    checkpoint = checkpoint_of(asked)
    policy = changes.applied(checkpoint.policy, PolicyOverrides(mode=asked.mode, fps=asked.fps))
    with closing(open_progress(ProgressStyle.AUTO, quiet=asked.quiet)) as progress, _open(asked, policy) as frames:

        def tell(line: str) -> None:
            if not asked.quiet:
                progress.say(line)

        for line in introduction(asked, policy, context):
            tell(line)
        engine = load(checkpoint, policy, asked, 1, tell, asks=True, answer_tokens=asked.max_tokens)
        replies = []
        for reply in _replies(asked, engine, frames, questions, times_s, context, progress):
            replies.append(reply)
            if not asked.as_json:
                typer.echo(_line(reply, alone=len(questions) * max(len(times_s), 1) == 1))
    if asked.as_json:
        document = {"video": asked.video, "model": checkpoint.name, "answers": [_as_json(one) for one in replies]}
        typer.echo(json.dumps(document, ensure_ascii=True))
    if frames.truncated:
        raise InputError(f"{_name(asked)} ends too early.", "What could be read was asked about.")


def _times(asked: AskOptions) -> list[float]:
    times_s = [time_s for text in asked.at or () if (time_s := seconds_of(text)) is not None]
    start_s = seconds_of(asked.start) or 0.0
    for time_s in times_s:
        if time_s <= start_s:
            raise UsageError(
                f"--at {time_s:g} s comes before anything was seen: watching starts at {start_s:g} s.",
                "Ask later, or start earlier.",
            )
    return times_s


def _refuse_what_is_no_file(video: str) -> None:
    from svlm_cli.sources.opening import SourceOptions, is_file

    if not is_file(video, SourceOptions()):
        raise UsageError(
            f"{SourceAddress(video)} is live, or on the web: `svlm ask` takes files.",
            "Press a in the live view of `svlm caption` to ask about a camera.",
        )


def _name(asked: AskOptions) -> str:
    return "stdin" if asked.video == STDIN else asked.video


def _open(asked: AskOptions, policy: StreamPolicy) -> "FrameStream":
    from svlm_cli.sources.files import open_frames

    return open_frames(
        asked.video, fps=policy.vision.fps, start_s=seconds_of(asked.start), enough_pixels=policy.vision.enough_pixels
    )


def _replies(
    asked: AskOptions,
    engine: "Engine",
    frames: "FrameStream",
    questions: Sequence[Question],
    times_s: Sequence[float],
    context: str,
    progress: Progress,
) -> Iterator[Reply]:
    """The answers, as they come."""
    from svlm_cli.pipeline.asking import answers
    from svlm_cli.pipeline.chunker import chunks
    from svlm_cli.pipeline.inbox import read_ahead

    name, policy = _name(asked), engine.policy
    coming = chunks(frames, fps=policy.vision.fps, chunk_seconds=policy.chunk_seconds)
    progress.begin(name, max(times_s) if times_s else frames.duration_s)
    with engine.open(context=context, seed=asked.seed) as stream, read_ahead(coming, frames.close) as seen:
        last_s = 0.0
        for reply in answers(
            engine, stream, seen, questions, times_s, seen=lambda chunk: progress.move(name, chunk.end_s)
        ):
            last_s = reply.seen_s
            yield reply
    progress.end(name)
    for notice in frames.notices:
        progress.say(f"svlm: {notice}")
    if times_s and max(times_s) > last_s + policy.chunk_seconds:
        progress.say(f"svlm: {name} ends at {clock(last_s)}: what was to be asked later was asked there.")


def _line(reply: Reply, *, alone: bool) -> str:
    """An answer on one line; of several, with its time and question."""
    answer = presentable(" ".join(reply.text.split()))
    return answer if alone else f"[{clock(reply.seen_s)}] {presentable(reply.question.text)} -> {answer}"


def _as_json(reply: Reply) -> dict[str, Any]:
    found: dict[str, Any] = {
        "question": reply.question.text,
        "at_s": round(reply.seen_s, 3),
        "answer": plain_text(reply.text),
    }
    if reply.chances:
        chances = zip(reply.question.choices, reply.chances, strict=True)
        found["chances"] = {choice: round(chance, 6) for choice, chance in chances}
    return found
