"""``svlm data clean``: an editor behind a server of chat completions goes over words. The work is in ``curation/``."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from svlm_cli.commands import chat_options, options
from svlm_cli.commands.messages import ExitCode, UnlessQuiet, sentence
from svlm_cli.commands.panels import Panel
from svlm_cli.commands.signals import Terminated
from svlm_cli.commands.tables import counting
from svlm_cli.core.errors import InputError, OutputError, UsageError
from svlm_cli.outputs.destination import make_folder, refuse_unwritable, text_file

if TYPE_CHECKING:
    from svlm_cli.curation.changes import Changes
    from svlm_cli.curation.cleaning import CleaningSpent, Edited
    from svlm_cli.curation.editor import EditorAsker, EditorForm, EditorPrompts
    from svlm_cli.curation.growing_words import GrowingWords
    from svlm_cli.curation.words_file import SpokenVideo


@dataclass(frozen=True, slots=True)
class CleanOptions(UnlessQuiet):
    """What was asked for, in the order of the help."""

    words: Annotated[Path | None, Panel.INPUT.argument(metavar="WORDS.jsonl", help="What `svlm data words` wrote.")] = (
        None
    )
    prompts: chat_options.Prompts = None
    output: Annotated[
        Path | None,
        Panel.OUTPUT.option(
            "--output", "-o", metavar="CLEAN.jsonl", help="The words that are left. Videos that are in it are left out."
        ),
    ] = None
    diff: Annotated[
        Path | None,
        Panel.OUTPUT.option(
            metavar="FILE|-", help="What was changed, for people: each segment that was edited or deleted."
        ),
    ] = None
    cache: Annotated[
        Path | None,
        Panel.OUTPUT.option(
            metavar="FOLDER", help="What is answered there is not asked again. Default: ~/.cache/svlm/clean."
        ),
    ] = None
    show_prompts: Annotated[
        bool, Panel.OUTPUT.option("--show-prompts", help="Print what the editor is asked, and exit.")
    ] = False
    as_json: options.Json = False
    model: Annotated[
        str | None, Panel.MODEL.option(metavar="NAME", help="The model that edits, as its server calls it.")
    ] = None
    server: Annotated[
        str,
        Panel.MODEL.option(metavar="URL", help="A server of chat completions. Its key is taken from OPENAI_API_KEY."),
    ] = chat_options.DEFAULT_BASE_URL
    jobs: Annotated[int, Panel.MEASURING.option("--jobs", "-j", min=1, max=256, help="Questions at once.")] = 8
    tries: chat_options.Tries = 6
    answer_timeout: chat_options.AnswerTimeout = 120.0
    price_in: chat_options.PriceIn = None
    price_out: chat_options.PriceOut = None
    quiet: options.Quiet = False


@options.takes(CleanOptions)
def clean(asked: CleanOptions) -> None:
    """Have a model keep, edit or delete each segment: what is left is commentary on what is seen.

    It reads two minutes at a time, with title, category and language. A call that was stopped goes on where it was,
    and pays for nothing twice.
    """
    from svlm_cli.chat.prompts import read_prompts
    from svlm_cli.curation.cleaning import CleaningSpent
    from svlm_cli.curation.editor import OUR_PROMPTS, EditorPrompts
    from svlm_cli.curation.growing_words import GrowingWords

    prompts, text = read_prompts(EditorPrompts, asked.prompts or OUR_PROMPTS)
    if asked.show_prompts:
        typer.echo(text.rstrip("\n"))
        return
    words, output = _required(asked)
    form = _form(asked, prompts)
    videos, total = _videos_in(words)
    if videos == 0:
        raise InputError(f"There is no video in {words}.", "Write it with `svlm data words`.")
    asker = _asker(asked, form)
    with GrowingWords(output) as growing:
        _require_same_editor(output, growing, form)
        if growing.notice:
            asked.tell(growing.notice)
        spent = CleaningSpent()
        _clean(asked, words, asker, form, growing, spent, total)
        changes = _compare(asked, words, growing)
    _tell(asked, output, videos, spent, asker, changes)
    if spent.failed:
        typer.echo(sentence("Some videos are left out.", "The same call asks again about what is missing."), err=True)
        raise typer.Exit(ExitCode.FAILED)


def _required(asked: CleanOptions) -> tuple[Path, Path]:
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
    chat_options.require_finite(asked.answer_timeout, asked.price_in, asked.price_out)
    refuse_unwritable(asked.output, makes_folders=False, hint="Choose another -o.")
    if asked.diff is not None and asked.diff != Path("-"):
        refuse_unwritable(asked.diff, makes_folders=False, hint="Choose another --diff.")
    return asked.words, asked.output


def _form(asked: CleanOptions, prompts: "EditorPrompts") -> "EditorForm":
    from svlm_cli.curation.editor import EditorForm

    return EditorForm(asked.server.rstrip("/"), str(asked.model), prompts)


def _videos_in(words: Path) -> tuple[int, int]:
    """How many videos and passages there are. All lines are read, so that what is wrong is told before it costs."""
    from svlm_cli.curation.passages import passages
    from svlm_cli.curation.words_file import identity, read_words

    seen: set[str] = set()
    parts = 0
    for video in read_words(words):
        if (name := identity(video.video)) in seen:
            raise InputError(f"{words} has two lines about {video.video}.", "Remove one of them.")
        seen.add(name)
        parts += len(passages(video))
    return len(seen), parts


def _asker(asked: CleanOptions, form: "EditorForm") -> "EditorAsker":
    from svlm_cli.chat.asking import Patience
    from svlm_cli.chat.replies import ReplyCache, default_cache
    from svlm_cli.chat.server import KEY_VARIABLE, OpenAIServer
    from svlm_cli.curation.decisions import SCHEMA
    from svlm_cli.curation.editor import EDITOR, editor_asker

    key = os.environ.get(KEY_VARIABLE, "")
    server = OpenAIServer(EDITOR, form.model, form.address, key, timeout_s=asked.answer_timeout, schema=SCHEMA)
    folder = asked.cache or default_cache("clean")
    make_folder(folder, "Choose another --cache.")
    return editor_asker(server, form, ReplyCache(folder), patience=Patience(asked.tries))


def _require_same_editor(output: Path, growing: "GrowingWords", form: "EditorForm") -> None:
    """`OutputError` if what is there was cleaned by another model or by other prompts, or not at all."""
    if other := next((one for one in sorted(growing.sources) if not one.endswith(form.mark)), ""):
        raise OutputError(
            f"{output} holds words that are not {form.mark}, but {other}.",
            "Choose another -o; what was answered before is not asked again.",
        )


def _clean(
    asked: CleanOptions,
    words: Path,
    asker: "EditorAsker",
    form: "EditorForm",
    growing: "GrowingWords",
    spent: "CleaningSpent",
    total: int,
) -> None:
    from svlm_cli.curation.cleaning import clean as clean_videos
    from svlm_cli.curation.editor import EDITOR
    from svlm_cli.curation.passages import passages
    from svlm_cli.curation.words_file import read_words

    done = there = 0
    with counting("passages", total, quiet=asked.quiet) as advance:

        def left() -> "Iterator[SpokenVideo]":
            nonlocal done, there
            for video in read_words(words):
                if video.video in growing:
                    there, done = there + 1, done + len(passages(video))
                else:
                    yield video

        def heard(one: "Edited") -> None:
            nonlocal done
            done += 1
            advance(done)
            if one.unanswered:
                typer.echo(sentence(f"{EDITOR.name} has no answer for {one.passage.name}: {one.unanswered}."), err=True)

        try:
            clean_videos(left(), asker, form.mark, jobs=asked.jobs, write=growing.append, heard=heard, spent=spent)
        except (KeyboardInterrupt, Terminated):
            asked.tell("Stopped. The same call goes on where it was.")
            raise
    if there:
        asked.tell(f"{there} videos were in {asked.output} already.")


def _compare(asked: CleanOptions, words: Path, growing: "GrowingWords") -> "Changes":
    """All that is in the output with what it was, whichever call wrote it."""
    from svlm_cli.curation.changes import Changes, diff_lines
    from svlm_cli.curation.words_file import read_words

    changes = Changes()
    with _diff(asked.diff) as write:
        for before in read_words(words):
            if (after := growing.find(before.video)) is not None:
                changes.note(before, after)
                write("".join(f"{line}\n" for line in diff_lines(before, after)))
    return changes


@contextmanager
def _diff(path: Path | None) -> Iterator[Callable[[str], None]]:
    """What takes its text: a file, standard output, or nobody."""
    if path is None:
        yield lambda text: None
        return
    with text_file(None if path == Path("-") else path, overwrite=True) as destination:
        yield destination.write


def _tell(
    asked: CleanOptions, output: Path, videos: int, spent: "CleaningSpent", asker: "EditorAsker", changes: "Changes"
) -> None:
    from svlm_cli.chat.replies import cost

    price = cost(spent.tokens_in, spent.tokens_out, asked.price_in, asked.price_out)
    asked.tell(f"{output}: {changes.sentence()}")
    told = f"{spent.passages} passages are answered, {spent.cached} of them from disk, {spent.unanswered} are not. "
    told += f"{spent.tokens_in} tokens read, {spent.tokens_out} written"
    asked.tell(told + ("." if price is None else f": {price:.4f} in all."))
    if not asked.as_json:
        return
    row: dict[str, Any] = {
        "output": str(output),
        "videos": videos,
        "there": videos - spent.videos - spent.failed,
        "done": spent.videos,
        "failed": spent.failed,
        **changes.to_json(),
        "passages": spent.passages,
        "unanswered": spent.unanswered,
        "cached": spent.cached,
        "requests": asker.requests,
        "tokens_in": spent.tokens_in,
        "tokens_out": spent.tokens_out,
        "cost": price,
    }
    typer.echo(json.dumps(row, separators=(",", ":"), allow_nan=False))
