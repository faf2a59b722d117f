"""docs/how-it-works.md: its prompt is what the engine reads, its table is the whole policy, its loop stays short."""

import re
from collections.abc import Iterator

import torch

from svlm_cli.checkpoints.policy_changes import defaults
from svlm_cli.checkpoints.resolve import Checkpoint, resolve
from svlm_cli.engine.engine import Engine
from svlm_cli.engine.plan import Request
from svlm_cli.engine.prompt import Part, Span
from svlm_cli.engine.stream import StreamState
from svlm_cli.engine.tokenizer import load_fast
from svlm_cli.pipeline.chunker import chunks
from svlm_cli.sources.files import open_frames
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
ASSETS = ROOT / "docs" / "assets"
SECONDS = 3


def block(heading: str) -> str:
    """The first fenced block below a heading of the page."""
    return PAGE.split(f"# {heading}\n", 1)[1].split("```text\n", 1)[1].split("```", 1)[0]


def lines(spans: tuple[Span, ...], checkpoint: Checkpoint) -> Iterator[str]:
    """A stream as the page shows it: a part a line, its tokens counted."""
    tokenizer, round_ = load_fast(checkpoint.folder), -1
    for span in spans:
        if span.round != round_:
            round_ = span.round
            yield ""
        mark = ">" if span.part is Part.WORDS else " "
        if span.grid is not None:
            text = f"{tokenizer.decode(span.ids[:1], skip_special_tokens=False)} x {len(span)}"
        else:
            text = tokenizer.decode(span.ids, skip_special_tokens=False).replace("\n", "\\n")
        yield f"{len(span):3} {mark} {text}"


def three_seconds(engine: Engine, stream: StreamState) -> None:
    """The beginning of the match in the documentation goes through the engine."""
    policy = engine.policy
    with open_frames(ASSETS / "match.mp4", fps=policy.vision.fps) as frames:
        source = chunks(frames, fps=policy.vision.fps, chunk_seconds=policy.chunk_seconds)
        for chunk, _ in zip(source, range(SECONDS), strict=False):
            list(engine.step([Request(stream, chunk)]))


def test_the_prompt_is_what_the_engine_reads() -> None:
    """Guards the one literal prompt against markup, tokens, words or pictures that are no longer so."""
    checkpoint = resolve("svlm-mini", offline=True)
    engine = Engine.load(checkpoint.folder, checkpoint.policy, device=torch.device("cpu"), dtype=torch.float32)
    with engine.open(context=(ASSETS / "match.context.txt").read_text(encoding="utf-8")) as stream:
        three_seconds(engine, stream)
        told = "\n".join([*lines(stream.spans, checkpoint), "", f"{len(stream.positions):3}   tokens", ""])
    assert block("Three seconds, as the model reads them") == told


def test_the_table_is_the_policy() -> None:
    """Guards against a key that nobody finds, and a default that was changed in the code alone."""
    rows = [
        re.split(r"(?<!\\)\|", line.strip("|"))
        for line in PAGE.split("\n## The policy\n")[1].splitlines()
        if line[:1] == "|"
    ]
    cells = [[cell.strip().replace("\\|", "|") for cell in row] for row in rows]
    assert cells[0] == ["concept", "key", "default", "effect"]
    assert [(key.strip("`"), default.strip("`")) for _, key, default, _ in cells[2:]] == list(defaults())
    assert all(concept and effect for concept, _, _, effect in cells[2:])


def test_the_loop_is_a_page_of_twenty_lines_and_names_what_there_is() -> None:
    """Guards the pseudocode against growing into code, and against keys that were renamed."""
    loop = block("The loop")
    assert len(loop.splitlines()) <= 20
    keys = set(re.findall(r"[a-z]+\.[a-z_]+", loop))
    assert (
        {"windows.sink_tokens", "windows.vision_rounds", "sampling.max_new_tokens"}
        <= keys
        <= {key for key, _ in defaults()}
    )
