"""``svlm data words``: what is said in videos, word by word. The work is in ``curation/``."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from svlm_cli.commands import options
from svlm_cli.commands.messages import UnlessQuiet, conclude, error_sentence
from svlm_cli.commands.panels import Panel
from svlm_cli.commands.signals import Terminated
from svlm_cli.commands.tables import counting, print_json
from svlm_cli.core.address import SourceAddress
from svlm_cli.core.errors import InputError, SvlmError, UsageError
from svlm_cli.outputs.destination import refuse_unwritable

if TYPE_CHECKING:
    from svlm_cli.curation.about import AboutVideos
    from svlm_cli.curation.collecting import WordCollector
    from svlm_cli.curation.growing_words import GrowingWords
    from svlm_cli.pipeline.inputs import Input

WordsFromName = Literal["auto", "srt", "vtt", "json", "faster-whisper", "pocketsphinx"]


@dataclass(frozen=True, slots=True)
class WordsOptions(UnlessQuiet):
    """What was asked for, in the order of the help."""

    sources: Annotated[
        list[SourceAddress] | None,
        Panel.INPUT.argument(
            metavar="INPUT",
            parser=SourceAddress,
            help="Videos, folders of videos, patterns such as 'season/**/*.mp4'.",
            show_default=False,
        ),
    ] = None
    batch_file: options.BatchFile = None
    words_from: Annotated[
        WordsFromName,
        Panel.INPUT.option(
            "--from",
            help="A transcript beside each video with its stem (`json`: Whisper's or WhisperX's), or a recogniser of "
            "speech. `auto`: a transcript if there is one, else faster-whisper.",
        ),
    ] = "auto"
    language: Annotated[
        str,
        Panel.INPUT.option(
            metavar="CODE",
            help="What is spoken, such as en; a.en.srt comes before a.srt then. Default: what the transcript or the "
            "recogniser says.",
        ),
    ] = ""
    about: Annotated[
        Path | None,
        Panel.INPUT.option(metavar="FILE.csv", help="What the videos are about: columns video, title, category."),
    ] = None
    output: Annotated[
        Path | None,
        Panel.OUTPUT.option(
            "--output",
            "-o",
            metavar="WORDS.jsonl",
            help="The words, a video a line. Videos that are in it are left out.",
        ),
    ] = None
    as_json: options.Json = False
    speech_model: Annotated[
        str, Panel.MODEL.option(metavar="NAME|FOLDER", help="The model of faster-whisper, or its folder.")
    ] = "large-v3"
    device: options.Device = "auto"
    quiet: options.Quiet = False


@dataclass(slots=True)
class _Tally:
    """What this call has done."""

    there: int = 0
    done: int = 0
    silent: int = 0  # of those, the ones without a word
    words: int = 0
    video_s: float = 0.0
    errors: list[SvlmError] = field(default_factory=list)


@options.takes(WordsOptions)
def words(asked: WordsOptions) -> None:
    """Write down what is said in videos, and when: from transcripts beside them, or by a recogniser of speech.

    Each video is a line of the output. A call that was stopped goes on where it was.
    """
    from svlm_cli.curation.growing_words import GrowingWords
    from svlm_cli.pipeline.inputs import find_inputs

    if asked.output is None:
        raise UsageError("-o is missing.", "Name a file for the words.")
    found = find_inputs(asked.sources or (), asked.batch_file, tell=asked.tell)
    for one in found:
        _require_file(one)
    refuse_unwritable(asked.output, makes_folders=False, hint="Choose another -o.")
    about = _about(asked)
    collector = _collector(asked)
    with GrowingWords(asked.output) as growing:
        if growing.notice:
            asked.tell(growing.notice)
        left = [one for one in found if Path(one.source.reveal()) not in growing]
        tally = _Tally(there=len(found) - len(left))
        if tally.there:
            asked.tell(f"{tally.there} of {len(found)} videos are in {asked.output} already.")
        try:
            _collect(left, asked, collector, about, growing, tally, alone=len(found) == 1)
        except (KeyboardInterrupt, Terminated):
            asked.tell("Stopped. The same call goes on where it was.")
            raise
    _tell(asked, tally, len(found))
    conclude(tally.errors, alone=len(found) == 1)


def _require_file(one: "Input") -> None:
    source = one.source.reveal()
    if source == "-" or "://" in source:
        raise UsageError(f"{one.source} is no file.", "A training set is made of files: save it first.")


def _about(asked: WordsOptions) -> "AboutVideos":
    from svlm_cli.curation.about import AboutVideos, read_about

    return AboutVideos({}) if asked.about is None else read_about(asked.about)


def _collector(asked: WordsOptions) -> "WordCollector":
    """A recogniser that is asked for by name is loaded now, so that what is missing is told before anything is read."""
    from svlm_cli.curation.collecting import RecogniserChoice, WordCollector, WordsFrom
    from svlm_cli.media.ffmpeg import find_ffmpeg

    words_from = WordsFrom(asked.words_from)
    choice = RecogniserChoice(words_from, asked.speech_model, asked.device, asked.language)
    if words_from in (WordsFrom.FASTER_WHISPER, WordsFrom.POCKETSPHINX):
        choice.get()
    return WordCollector(find_ffmpeg(), words_from, choice, asked.language, tell=asked.tell)


def _collect(
    left: "Sequence[Input]",
    asked: WordsOptions,
    collector: "WordCollector",
    about: "AboutVideos",
    growing: "GrowingWords",
    tally: _Tally,
    *,
    alone: bool,
) -> None:
    from svlm_cli.curation.about import About
    from svlm_cli.outputs.progress import clock

    unknown = 0
    with counting("videos", len(left), quiet=asked.quiet) as advance:
        for index, one in enumerate(left):
            video = Path(one.source.reveal())
            collector.on_progress = lambda done_s, index=index: advance(index, clock(done_s))  # type: ignore[misc]
            known = about.of(video)
            unknown += known is None
            try:
                spoken = collector.collect(video, known or About())
            except InputError as error:
                tally.errors.append(error)
                if not alone:  # else it ends the command
                    typer.echo(error_sentence(error), err=True)
            else:
                growing.append(spoken)
                tally.done += 1
                tally.silent += not spoken.segments
                tally.words += spoken.words
                tally.video_s += spoken.duration_s
            advance(index + 1)
    if asked.about is not None and unknown:
        asked.tell(f"{unknown} of {len(left)} videos are not in {asked.about}: they have no title and no category.")


def _tell(asked: WordsOptions, tally: _Tally, videos: int) -> None:
    from svlm_cli.outputs.progress import clock

    silent = f" ({tally.silent} without a word)" if tally.silent else ""
    failed = f"; {len(tally.errors)} failed" if tally.errors else ""
    asked.tell(
        f"{tally.done} videos{silent} added to {asked.output}: {tally.words} words in {clock(tally.video_s)}{failed}."
    )
    if not asked.as_json:
        return
    row: dict[str, Any] = {
        "output": str(asked.output),
        "videos": videos,
        "there": tally.there,
        "done": tally.done,
        "silent": tally.silent,
        "failed": len(tally.errors),
        "words": tally.words,
        "video_s": round(tally.video_s, 3),
    }
    print_json(row)
