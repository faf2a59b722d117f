"""``svlm data words``: what is said in videos, word by word. The work is in ``curation/``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from svlm_cli.cli.messages import conclude, print_json
from svlm_cli.cli.panels import Panel
from svlm_cli.cli.takes import takes
from svlm_cli.commands import options
from svlm_cli.core.errors import UsageError
from svlm_cli.outputs.destination import refuse_unwritable

WordsFromName = Literal["auto", "srt", "vtt", "json", "faster-whisper", "pocketsphinx"]


@dataclass(frozen=True, slots=True)
class WordsOptions(options.QuietOptions):
    """What was asked for, in the order of the help."""

    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT",
            help="Videos, folders of videos, patterns such as 'season/**/*.mp4'.",
            show_default=False,
        ),
    ] = None
    batch_file: options.BatchFile = None
    words_from: Annotated[
        WordsFromName,
        Panel.INPUT.option(
            "--from",
            help="A transcript beside each video with the same stem (`json`: from Whisper or WhisperX), or a speech "
            "recogniser. `auto`: a transcript if there is one, else faster-whisper.",
        ),
    ] = "auto"
    language: Annotated[
        str,
        Panel.INPUT.option(
            metavar="CODE",
            help="Spoken language, such as en; a.en.srt is then preferred to a.srt.",
            show_default="from the transcript or the recogniser",
        ),
    ] = ""
    about: Annotated[
        Path | None,
        Panel.INPUT.option(
            metavar="FILE.csv", help="What the videos are about, in the columns video, title, category."
        ),
    ] = None
    output: Annotated[
        Path | None,
        Panel.OUTPUT.option(
            "--output",
            "-o",
            metavar="WORDS.jsonl",
            help="The words, one line per video. Videos already in it are skipped.",
        ),
    ] = None
    as_json: options.Json = False
    speech_model: Annotated[
        str, Panel.MODEL.option(metavar="NAME|FOLDER", help="Model of faster-whisper, or its folder.")
    ] = "large-v3"
    device: options.Device = "auto"


@takes(WordsOptions)
def words(asked: WordsOptions) -> None:
    """Collect what is said in videos, and when: from transcripts beside them, or by speech recognition.

    Each video is one line of the output. To continue a stopped call, repeat it.
    """
    from svlm_cli.curation.about import AboutVideos, read_about
    from svlm_cli.curation.collecting import RecogniserChoice, WordCollector, WordsFrom
    from svlm_cli.curation.collecting_run import collect_into
    from svlm_cli.media.ffmpeg import find_ffmpeg
    from svlm_cli.pipeline.inputs import find_inputs

    if asked.output is None:
        raise UsageError("-o is missing.", "Name a file for the words.")
    found = find_inputs(asked.sources or (), asked.batch_file, tell=asked.tell)
    for one in found:
        source = one.source.reveal()
        if source == "-" or "://" in source:
            raise UsageError(f"{one.source} is not a file.", "A training set is made of files: save it first.")
    refuse_unwritable(asked.output, makes_folders=False, hint="Choose another -o.")
    about = AboutVideos({}) if asked.about is None else read_about(asked.about)
    words_from = WordsFrom(asked.words_from)
    choice = RecogniserChoice(words_from, asked.speech_model, asked.device, asked.language)
    if words_from in (WordsFrom.FASTER_WHISPER, WordsFrom.POCKETSPHINX):
        choice.get()  # what is missing is told before anything is read
    collector = WordCollector(find_ffmpeg(), words_from, choice, asked.language, tell=asked.tell)
    videos = [Path(one.source.reveal()) for one in found]
    done = collect_into(asked.output, videos, collector, about, asked)
    if asked.as_json:
        print_json(done.to_json(asked.output))
    conclude(done.errors, alone=len(videos) == 1)
