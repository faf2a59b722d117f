"""The options of ``svlm caption`` that no other command has, one name each, so that its signature can be read.

What the values mean is decided where they are used.
"""

from pathlib import Path
from typing import Annotated

import typer

from svlm_cli.core.policy import Mode
from svlm_cli.outputs.progress import ProgressStyle
from svlm_cli.sources.files import Decoder

Sources = Annotated[list[str], typer.Argument(metavar="FILE...", help="Videos; `-` reads one from stdin.")]

# Where the words go.
Output = Annotated[
    str | None, typer.Option("--output", "-o", metavar="FILE|-", help="Instead of STEM.srt beside the video.")
]
OutputDir = Annotated[
    Path | None,
    typer.Option(
        "--output-dir", metavar="DIR", help="Write below DIR, in the inputs' own folders: a/x.mp4 becomes DIR/a/x.srt."
    ),
]
Formats = Annotated[str, typer.Option("--format", "-f", metavar="srt,vtt,jsonl", help="One or several.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]

# What is seen, and what is asked.
Start = Annotated[str | None, typer.Option("--start", metavar="TIME", help="Seconds, or [H:]MM:SS.")]
End = Annotated[str | None, typer.Option("--end", metavar="TIME", help="Left out itself.")]
SeenFps = Annotated[
    float | None, typer.Option("--fps", help="Frames a second that the model sees. Default: the model's.")
]
Query = Annotated[str | None, typer.Option("--query", help="What the model is asked to do. Default: the model's.")]
KeepQuery = Annotated[
    bool | None, typer.Option("--keep-query/--no-keep-query", help="Ask in every round, not in the first alone.")
]
Context = Annotated[
    str, typer.Option("--context", metavar="TEXT|@FILE", help="What the model should know: title, teams, names.")
]
StreamMode = Annotated[Mode | None, typer.Option("--mode", help="How the stream forgets. Default: streaming.")]
Temperature = Annotated[float | None, typer.Option("--temperature", help="0 always takes the likeliest word.")]
FileDecoder = Annotated[Decoder, typer.Option("--decoder", help="What decodes files.")]

ShownProgress = Annotated[ProgressStyle, typer.Option("--progress", help="On stderr.")]
