"""``svlm data clean``: an editor behind a server of chat completions goes over words. The work is in ``curation/``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from svlm_cli.cli.messages import ExitCode, print_json
from svlm_cli.cli.panels import Panel
from svlm_cli.cli.takes import takes
from svlm_cli.commands import chat_options, options
from svlm_cli.core.errors import UsageError
from svlm_cli.outputs.destination import refuse_unwritable
from svlm_cli.outputs.reporting import UnlessQuiet


@dataclass(frozen=True, slots=True)
class CleanOptions(UnlessQuiet, chat_options.ChatOptions):
    """What was asked for, in the order of the help."""

    words: Annotated[
        Path | None, typer.Argument(metavar="WORDS.jsonl", help="A file written by `svlm data words`.")
    ] = None
    output: Annotated[
        Path | None,
        Panel.OUTPUT.option(
            "--output", "-o", metavar="CLEAN.jsonl", help="The remaining words. Videos already in it are skipped."
        ),
    ] = None
    diff: Annotated[
        Path | None,
        Panel.OUTPUT.option(
            metavar="FILE|-", help="A readable list of the changes: each segment that was edited or deleted."
        ),
    ] = None
    show_prompts: options.ShowPrompts = False
    as_json: options.Json = False
    model: Annotated[
        str | None, Panel.MODEL.option(metavar="NAME", help="Name of the editing model on its server.")
    ] = None
    server: Annotated[
        str,
        Panel.MODEL.option(metavar="URL", help="A chat completions server. The API key is read from OPENAI_API_KEY."),
    ] = chat_options.DEFAULT_BASE_URL
    jobs: Annotated[
        int, Panel.MEASURING.option("--jobs", "-j", min=1, max=256, help="Number of parallel requests.")
    ] = 8
    quiet: options.Quiet = False


@takes(CleanOptions)
def clean(asked: CleanOptions) -> None:
    """Have a model keep, edit or delete each segment, so that only commentary on what is seen remains.

    The model gets two minutes at a time, with title, category and language. To continue a stopped call, repeat it;
    nothing is paid for twice.
    """
    from svlm_cli.chat.prompts import read_prompts
    from svlm_cli.curation.cleaning_run import clean_words, count_passages
    from svlm_cli.curation.decisions import SCHEMA
    from svlm_cli.curation.editor import EDITOR, OUR_PROMPTS, EditorForm, EditorPrompts, editor_asker

    prompts, text = read_prompts(EditorPrompts, asked.prompts or OUR_PROMPTS)
    if asked.show_prompts:
        typer.echo(text.rstrip("\n"))
        return
    words, output, model = _required(asked)
    form = EditorForm(asked.server.rstrip("/"), model, prompts)
    videos, passages = count_passages(words)
    server, cache, patience = chat_options.connect(asked, EDITOR, form.model, form.address, "clean", SCHEMA)
    asker = editor_asker(server, form, cache, patience=patience)
    spent, changes = clean_words(words, output, asked.diff, form, asker, asked, passages=passages, jobs=asked.jobs)
    bill = chat_options.bill_of(spent, asker.requests, asked)
    asked.tell(f"{output}: {changes.sentence()}")
    asked.tell(f"{spent.sentence()} {bill.sentence()}")
    if asked.as_json:
        print_json({"output": str(output), **spent.to_json(videos, changes), **bill.to_json()})
    if spent.failed:
        asked.warn("Some videos are left out.", "The same call asks again about what is missing.")
        raise typer.Exit(ExitCode.FAILED)


def _required(asked: CleanOptions) -> tuple[Path, Path, str]:
    """What cannot be missing. Raises `UsageError` and `OutputError`."""
    if asked.words is None:
        raise UsageError("No words are named.", "Name a file that `svlm data words` wrote.")
    if asked.output is None:
        raise UsageError("-o is missing.", "Name a file for the words that are left.")
    if not asked.model:
        raise UsageError("--model is missing.", "Name the model that edits.")
    if asked.output.exists() and asked.words.exists() and asked.output.samefile(asked.words):
        raise UsageError("-o is the file of the words themselves.", "Choose another -o.")
    if asked.diff == Path("-") and asked.as_json:
        raise UsageError("--diff - and --json both write to standard output.", "Give --diff a file.")
    chat_options.require_prices(asked)
    refuse_unwritable(asked.output, makes_folders=False, hint="Choose another -o.")
    if asked.diff is not None and asked.diff != Path("-"):
        refuse_unwritable(asked.diff, makes_folders=False, hint="Choose another --diff.")
    return asked.words, asked.output, asked.model
