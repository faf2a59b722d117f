"""``--backend openai`` of the two ``generate`` commands: clips before a model behind chat completions.

The asking is in ``evals/generation/baseline.py`` and ``chat/``.
"""

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import typer

from svlm_cli.commands import chat_options
from svlm_cli.commands.command import given
from svlm_cli.commands.generate_options import GenerationJob, refuse_typed
from svlm_cli.commands.messages import ExitCode
from svlm_cli.commands.tables import bar, print_json
from svlm_cli.core.errors import UsageError
from svlm_cli.core.sentences import error_sentence, sentence
from svlm_cli.core.signals import can_go_on

if TYPE_CHECKING:
    from svlm_cli.evals.generation.baseline import BaselineAsker, BaselineForm, BaselineSpent
    from svlm_cli.evals.generation.predictions import Predictions
    from svlm_cli.evals.generation.stretches import VideoStretch

_JOBS: Final = 8
_WHAT: Final = {"commentary": "clips", "livesports": "events"}
_OF_STREAMS: Final = (  # options that nothing comes of here
    *("start", "chunk", "adapter", "query", "mode", "policy", "policy_keys", "revision", "offline"),
    *("device", "dtype", "attention", "graphs"),
)


def generate(job: GenerationJob) -> None:
    """All clips that are still to be commented on. Exits with 1 if one of them is left without."""
    asked, server = job.asked, job.server
    refuse_typed(_OF_STREAMS, "does nothing with --backend openai")
    if not asked.model or not given("model"):
        raise UsageError("--model is missing.", "Name the model as its server calls it, as in --model gpt-4o-mini.")
    chat_options.require_prices(server)
    from svlm_cli.evals.generation.baseline import BASELINE, baseline_asker
    from svlm_cli.evals.generation.place import open_place

    form, temperature = _form(job, asked.model)
    chat, cache, patience = chat_options.connect(server, BASELINE, form.model, form.address, "baseline")
    asker = baseline_asker(chat, form, cache, temperature=temperature, patience=patience)
    for line in job.found.notices:
        asked.tell(line)
    for missing in job.found.missing:
        typer.echo(error_sentence(missing), err=True)
    setting = form.setting(job.benchmark, job.annotations, temperature)
    with open_place(job.output, job.open_predictions, setting, overwrite=asked.overwrite) as place:
        if place.predictions.notice:
            asked.tell(place.predictions.notice)
        left = [one for one in job.found.stretches if not place.predictions.is_done(one)]
        if len(left) < len(job.found.stretches):
            asked.tell(f"{job.output}: {len(job.found.stretches) - len(left)} of {len(job.found.stretches)} are done.")
        with can_go_on(asked.tell):
            spent = _comment(job, left, asker, form, place.predictions)
    _tell(job, asker, setting, spent)


def _form(job: GenerationJob, model: str) -> "tuple[BaselineForm, float]":
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


def _comment(
    job: GenerationJob,
    left: "Sequence[VideoStretch]",
    asker: "BaselineAsker",
    form: "BaselineForm",
    place: "Predictions",
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


def _tell(job: GenerationJob, asker: "BaselineAsker", setting: dict[str, Any], spent: "BaselineSpent") -> None:
    asked, what = job.asked, _WHAT[job.benchmark]
    bill = chat_options.bill_of(spent, asker.requests, job.server)
    counts = ", ".join(f"{count} {outcome}" for outcome, count in spent.outcomes.items() if count) or "none to do"
    asked.tell(f"{what}: {counts}; {spent.cached} came from disk. {bill.sentence()}")
    missing = len(job.found.missing)
    if asked.as_json:
        row = {
            "eval": job.benchmark,
            "output": str(job.output),
            "clips": len(job.found.stretches),
            **{str(outcome): count for outcome, count in spent.outcomes.items()},
            "videos_missing": missing,
            **bill.to_json(),
            "setting": setting,
        }
        print_json(row)
    if spent.failed:
        typer.echo(sentence("Some are left without commentary.", "The same call asks for them again."), err=True)
    if spent.failed or missing:
        raise typer.Exit(ExitCode.FAILED)
