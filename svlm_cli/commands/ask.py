"""``svlm ask``: questions about a video, answered at the moments that are named. Reads the options, prints answers."""

import json
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated

import typer

from svlm_cli.checkpoints import policy_changes
from svlm_cli.cli.panels import Panel
from svlm_cli.cli.takes import takes
from svlm_cli.cli.values import context_of, seconds_of
from svlm_cli.commands import options
from svlm_cli.commands.loading import checkpoint_of, introduction, load, settled
from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.core.policy import PolicyOverrides
from svlm_cli.outputs.progress import ProgressStyle, open_progress
from svlm_cli.pipeline.inputs import STDIN
from svlm_cli.pipeline.questions import Question
from svlm_cli.sources.files import open_frames
from svlm_cli.sources.opening import SourceOptions, is_file

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class AskOptions(options.EngineOptions):
    """What was asked for."""

    video: Annotated[str, typer.Argument(metavar="VIDEO", help="A video file; `-` reads from standard input.")]
    questions: Annotated[list[str], typer.Argument(metavar="QUESTION", help="One or more questions, each in quotes.")]
    at: Annotated[
        list[str] | None,
        Panel.INPUT.option(
            metavar="TIME",
            help="When to ask: seconds, or [H:]MM:SS. The model sees nothing after it. Repeatable.",
            show_default="at the end",
        ),
    ] = None
    choices: Annotated[
        list[str] | None,
        Panel.INPUT.option("--choice", metavar="TEXT", help="One of the allowed answers. Repeatable."),
    ] = None
    start: Annotated[
        str | None, Panel.INPUT.option(metavar="TIME", help="Where to start watching: seconds, or [H:]MM:SS.")
    ] = None
    as_json: options.Json = False
    max_tokens: Annotated[
        int, Panel.OUTPUT.option(min=1, max=4096, help="Maximum number of tokens of an answer without --choice.")
    ] = 64
    model: options.Model = None
    adapter: options.Adapter = None
    context: options.Context = ""
    mode: options.ForgetsBy = None


@app.command()
@takes(AskOptions)
def ask(asked: AskOptions) -> None:
    """Ask questions about a video, at its end or at any moment.

    The model watches up to that moment, and its commentary is not shown. Each question goes to a copy of the stream, so
    no question affects the next answer. Answers go to stdout, one per line, or as JSON.
    """
    times_s, start_s = _times(asked)
    questions = [Question(text, tuple(asked.choices or ())) for text in asked.questions]
    context = context_of(asked.context)
    if not is_file(asked.video, SourceOptions()):
        raise UsageError(
            f"{SourceAddress(asked.video)} is live, or on the web: `svlm ask` takes files.",
            "Press a in the live view of `svlm caption` to ask about a camera.",
        )
    changes = policy_changes.read(asked.policy, asked.policy_keys or ())
    unsettled, asked = asked, settled(asked, context)
    checkpoint = checkpoint_of(asked)
    policy = changes.applied(checkpoint.policy, PolicyOverrides(mode=asked.mode, fps=asked.fps))
    frames = open_frames(asked.video, fps=policy.vision.fps, start_s=start_s, enough_pixels=policy.vision.enough_pixels)
    name, alone = "stdin" if asked.video == STDIN else asked.video, len(questions) * max(len(times_s), 1) == 1
    with closing(open_progress(ProgressStyle.AUTO, quiet=asked.quiet)) as progress, frames:
        from svlm_cli.engine.footprint import Questions
        from svlm_cli.pipeline.video_asking import watch_and_answer

        def tell(line: str) -> None:
            if not asked.quiet:
                progress.say(line)

        for line in introduction(unsettled, policy, context):
            tell(line)
        engine = load(checkpoint, policy, asked, 1, tell, Questions(1, asked.max_tokens))
        replies = []
        for reply in watch_and_answer(
            engine, frames, name, questions, times_s, progress, context=context, seed=asked.seed
        ):
            replies.append(reply)
            if not asked.as_json:
                typer.echo(reply.line(alone=alone))
    if asked.as_json:
        document = {"video": asked.video, "model": checkpoint.name, "answers": [one.to_json() for one in replies]}
        typer.echo(json.dumps(document, ensure_ascii=True))
    if frames.truncated:
        raise InputError(f"{name} ends too early.", "What could be read was asked about.")


def _times(asked: AskOptions) -> tuple[list[float], float | None]:
    """When is asked, and from where on is watched."""
    times_s = [time_s for text in asked.at or () if (time_s := seconds_of(text)) is not None]
    start_s = seconds_of(asked.start)
    for time_s in times_s:
        if time_s <= (start_s or 0.0):
            raise UsageError(
                f"--at {time_s:g} s comes before anything was seen: watching starts at {start_s or 0:g} s.",
                "Ask later, or start earlier.",
            )
    return times_s, start_s
