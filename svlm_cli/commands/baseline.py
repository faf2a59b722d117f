"""``--backend openai`` of the two ``generate`` commands: clips before a model behind chat completions.

The asking is in ``evals/generation/baseline.py`` and ``chat/``.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Protocol

import typer

from svlm_cli.commands import chat_options
from svlm_cli.commands.command import given
from svlm_cli.commands.messages import ExitCode, error_sentence, sentence
from svlm_cli.commands.panels import Panel
from svlm_cli.commands.signals import Terminated
from svlm_cli.commands.tables import bar
from svlm_cli.core.errors import UsageError
from svlm_cli.outputs.destination import make_folder

if TYPE_CHECKING:
    from svlm_cli.evals.generation.baseline import BaselineAsker, BaselineForm, BaselineSpent
    from svlm_cli.evals.generation.predictions import Predictions
    from svlm_cli.evals.generation.stretches import FoundStretches, VideoStretch

_JOBS: Final = 8
_WHAT: Final = {"commentary": "clips", "livesports": "events"}
_OF_STREAMS: Final = (  # options that nothing comes of here
    *("start", "chunk", "adapter", "query", "mode", "policy", "policy_keys", "revision", "offline"),
    *("device", "dtype", "attention", "graphs"),
)


BackendName = Literal["svlm", "openai"]

Backend = Annotated[
    BackendName,
    Panel.MODEL.option(
        help="Who comments: a streaming model here, or one behind chat completions that is shown pictures."
    ),
]

Jobs = Annotated[
    int | None,
    Panel.INPUT.option(
        "--jobs",
        "-j",
        min=1,
        metavar="N",
        help="Streams at once, in one batch; with --backend openai, requests at once. Default: 1, and 8.",
    ),
]


def _show_prompts(asked: bool) -> None:
    if asked:
        from svlm_cli.evals.prompt_files import prompts_file

        typer.echo(prompts_file("baseline").read_text(encoding="utf-8").rstrip("\n"))
        raise typer.Exit


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What the two ``generate`` commands take for `--backend openai` alone."""

    prompts: chat_options.Prompts = None
    show_prompts: Annotated[
        bool,
        Panel.OUTPUT.option(
            "--show-prompts",
            callback=_show_prompts,
            is_eager=True,
            help="Print what a model of --backend openai is asked, and exit.",
        ),
    ] = False
    cache: Annotated[
        Path | None,
        Panel.OUTPUT.option(
            metavar="FOLDER", help="What is answered there is not asked again. Default: ~/.cache/svlm/baseline."
        ),
    ] = None
    base_url: chat_options.BaseUrl = chat_options.DEFAULT_BASE_URL
    tries: chat_options.Tries = 6
    answer_timeout: chat_options.AnswerTimeout = 120.0
    price_in: chat_options.PriceIn = None
    price_out: chat_options.PriceOut = None

    def refuse(self) -> None:
        """`UsageError` for one that was typed where no server is asked."""
        _refuse_typed(tuple(asdict(self)), "needs --backend openai")


class SharedOptions(Protocol):
    """What the commands share, whoever comments."""

    @property
    def model(self) -> str | None: ...
    @property
    def streams(self) -> int | None: ...
    @property
    def overwrite(self) -> bool: ...
    @property
    def seed(self) -> int: ...
    @property
    def fps(self) -> float | None: ...
    @property
    def temperature(self) -> float | None: ...
    @property
    def as_json(self) -> bool: ...
    @property
    def quiet(self) -> bool: ...
    def tell(self, message: str) -> None:
        """A sentence for people."""


@dataclass(frozen=True, slots=True)
class _Job:
    """What is generated, of what, and where it goes."""

    benchmark: str
    asked: SharedOptions
    server: ServerOptions
    annotations: Path
    output: Path
    found: "FoundStretches"
    open_predictions: "Callable[[Path], Predictions]"


def _refuse_typed(names: Sequence[str], why: str) -> None:
    for name in names:
        if given(name):
            option = {"policy_keys": "set"}.get(name, name.replace("_", "-"))
            raise UsageError(f"--{option} {why}.", "Leave it out.")


def comment_on_clips(asked: SharedOptions, server: ServerOptions, clips: Path, videos: Path, output: Path) -> None:
    """Of Inf-Streams-Eval."""
    from svlm_cli.evals.generation.clips import ClipPredictions, clip_stretches

    found = clip_stretches(clips, videos)
    opening = partial(ClipPredictions, clips=found.stretches)
    _generate(_Job("commentary", asked, server, clips, output, found, opening))


def comment_on_events(asked: SharedOptions, server: ServerOptions, events: Path, videos: Path, output: Path) -> None:
    """Of LiveSports-3K CC."""
    from svlm_cli.evals.generation.predictions import EventPredictions
    from svlm_cli.evals.generation.stretches import event_stretches

    found = event_stretches(events, videos)
    _generate(_Job("livesports", asked, server, events, output, found, EventPredictions))


def _generate(job: _Job) -> None:
    """All clips that are still to be commented on. Exits with 1 if one of them is left without."""
    asked = job.asked
    _refuse_typed(_OF_STREAMS, "does nothing with --backend openai")
    if not asked.model or not given("model"):
        raise UsageError("--model is missing.", "Name the model as its server calls it, as in --model gpt-4o-mini.")
    server = job.server
    chat_options.require_finite(server.answer_timeout, server.price_in, server.price_out)
    form, temperature = _form(job, asked.model)
    asker = _asker(job, form, temperature)
    for line in job.found.notices:
        asked.tell(line)
    for missing in job.found.missing:
        typer.echo(error_sentence(missing), err=True)
    setting = _setting(job, form, temperature)
    with _placed(job, setting) as predictions:
        left = [one for one in job.found.stretches if not predictions.is_done(one)]
        if len(left) < len(job.found.stretches):
            asked.tell(f"{job.output}: {len(job.found.stretches) - len(left)} of {len(job.found.stretches)} are done.")
        try:
            spent = _comment(job, left, asker, form, predictions)
        except (KeyboardInterrupt, Terminated):
            asked.tell("Stopped. The same call goes on where it was.")
            raise
    _tell(job, asker, setting, spent)


def _form(job: _Job, model: str) -> "tuple[BaselineForm, float]":
    from svlm_cli.chat.prompts import read_prompts
    from svlm_cli.evals.generation.baseline import TEMPERATURE, BaselineForm, BaselinePrompts
    from svlm_cli.evals.generation.pictures import Sampling
    from svlm_cli.evals.prompt_files import prompts_file

    asked, server = job.asked, job.server
    prompts, _ = read_prompts(BaselinePrompts, server.prompts or prompts_file("baseline"))
    sampling = Sampling() if asked.fps is None else Sampling(fps=asked.fps)
    seed = asked.seed if given("seed") else None
    form = BaselineForm(server.base_url.rstrip("/"), model, prompts, sampling, seed)
    temperature = TEMPERATURE if asked.temperature is None else asked.temperature
    chat_options.require_finite(temperature)
    return form, temperature


def _asker(job: _Job, form: "BaselineForm", temperature: float) -> "BaselineAsker":
    from svlm_cli.chat.asking import Patience
    from svlm_cli.chat.replies import ReplyCache, default_cache
    from svlm_cli.chat.server import KEY_VARIABLE, OpenAIServer
    from svlm_cli.evals.generation.baseline import BASELINE, baseline_asker

    options, key = job.server, os.environ.get(KEY_VARIABLE, "")
    server = OpenAIServer(BASELINE, form.model, form.address, key, timeout_s=options.answer_timeout)
    folder = options.cache or default_cache("baseline")
    make_folder(folder, "Choose another --cache.")
    return baseline_asker(server, form, ReplyCache(folder), temperature=temperature, patience=Patience(options.tries))


def _setting(job: _Job, form: "BaselineForm", temperature: float) -> dict[str, Any]:
    """All that decides what is said, and of what."""
    from svlm_cli.jsonl.lines import fingerprint_of

    return {
        "benchmark": job.benchmark,
        "backend": "openai",
        "chat_model": form.model,
        "server": form.address,
        "prompts": form.prompts.fingerprint,
        "sampling": asdict(form.sampling),
        "temperature": temperature,
        "seed": form.seed,
        "annotations": fingerprint_of(job.annotations),
    }


@contextmanager
def _placed(job: _Job, setting: dict[str, Any]) -> "Iterator[Predictions]":
    """The predictions, locked, by this setting. Raises `OutputError`, and `InputError` for what is there."""
    from svlm_cli.evals.generation.journal import RoundsFolder
    from svlm_cli.evals.generation.setting import RunFile
    from svlm_cli.jsonl.locked_lines import empty

    made_by = RunFile(job.output)
    if job.asked.overwrite:
        empty(job.output)
        RoundsFolder(job.output).remove(everything=True)
        made_by.remove()
    with job.open_predictions(job.output) as predictions:
        made_by.begin(setting)
        if predictions.notice:
            job.asked.tell(predictions.notice)
        yield predictions


def _comment(
    job: _Job, left: "Sequence[VideoStretch]", asker: "BaselineAsker", form: "BaselineForm", place: "Predictions"
) -> "BaselineSpent":
    from svlm_cli.evals.generation.baseline import BaselineSpent, ClipOutcome, comments, write_comment

    spent, asked = BaselineSpent(), job.asked
    found = comments(left, asker, form.sampling, jobs=asked.streams or _JOBS)
    with bar(_WHAT[job.benchmark], len(left), quiet=asked.quiet) as (advance, _), closing(found):
        for done, one in enumerate(found, 1):
            if one.outcome is ClipOutcome.SPOKEN:
                write_comment(one, place)
            else:
                where = f"{one.stretch.name} from {one.stretch.start_s:g} s"
                typer.echo(sentence(f"{where} is left without commentary: {one.said}."), err=True)
            spent.note(one)
            advance(done)
    spent.note_lost(asker)
    return spent


def _tell(job: _Job, asker: "BaselineAsker", setting: dict[str, Any], spent: "BaselineSpent") -> None:
    from svlm_cli.chat.replies import cost

    asked, server, what = job.asked, job.server, _WHAT[job.benchmark]
    price = cost(spent.tokens_in, spent.tokens_out, server.price_in, server.price_out)
    counts = ", ".join(f"{count} {outcome}" for outcome, count in spent.outcomes.items() if count) or "none to do"
    told = f"{what}: {counts}; {spent.cached} came from disk. {spent.tokens_in} tokens read, {spent.tokens_out} written"
    asked.tell(told + ("." if price is None else f": {price:.4f} in all."))
    missing = len(job.found.missing)
    if asked.as_json:
        row = {
            "eval": job.benchmark,
            "output": str(job.output),
            "clips": len(job.found.stretches),
            **{str(outcome): count for outcome, count in spent.outcomes.items()},
            "videos_missing": missing,
            "cached": spent.cached,
            "requests": asker.requests,
            "tokens_in": spent.tokens_in,
            "tokens_out": spent.tokens_out,
            "cost": price,
            "setting": setting,
        }
        typer.echo(json.dumps(row, separators=(",", ":"), allow_nan=False))
    if spent.failed:
        typer.echo(sentence("Some are left without commentary.", "The same call asks for them again."), err=True)
    if spent.failed or missing:
        raise typer.Exit(ExitCode.FAILED)
