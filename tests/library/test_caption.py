"""svlm as a library: a path or frames in, Segments out; light to import, and nothing left open."""

import itertools
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from svlm_cli import caption, load_engine
from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.core.types import Frame, Segment
from svlm_cli.engine.engine import Engine
from tests.clips import cut, make_clip, numbered
from tests.conftest import ROOT, environment

SECONDS = 4


@pytest.fixture(scope="module")
def engine(tiny_checkpoint: Path) -> Engine:
    return load_engine(str(tiny_checkpoint), temperature=0.0, device="cpu", max_streams=2)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("library") / "clip.mp4", frames=30 * SECONDS)


def decoders() -> set[int]:
    """Every ffmpeg below this process."""
    return {child.pid for child in psutil.Process().children() if "ffmpeg" in child.name()}


def test_a_path(engine: Engine, clip: Path) -> None:
    segments = list(caption(clip, model=engine))
    assert all(isinstance(segment, Segment) for segment in segments)
    assert [segment.start_s for segment in segments] == [0, 1, 2, 3]
    part = list(caption(str(clip), model=engine, start_s=1, end_s=2.5))
    assert [(segment.start_s, segment.end_s) for segment in part] == [(1, 2), (2, 2.5)]


def test_frames_are_seen_as_the_video_is(engine: Engine, clip: Path) -> None:
    """Guards the two ways in against each other: the same pictures, the same words."""
    fps = engine.policy.vision.fps
    from svlm_cli.sources.files import open_frames

    with open_frames(clip, fps=fps) as stream:
        frames = list(stream)
    expected = [segment.token_ids for segment in caption(clip, model=engine)]
    assert [segment.token_ids for segment in caption(frames, model=engine)] == expected
    pictures = [frame.pixels for frame in frames]
    assert [segment.token_ids for segment in caption(pictures, fps=fps, model=engine)] == expected
    late = [Frame(frame.pixels, frame.time_s + 100) for frame in frames]
    assert [segment.start_s for segment in caption(late, model=engine, start_s=102)] == [102, 103]


def test_endless_frames_are_taken_as_they_are_wanted(engine: Engine) -> None:
    taken = itertools.count()

    def camera() -> Iterator[Frame]:
        for index in taken:
            yield Frame(numbered(index % 4096), index / 2)

    segments = caption(camera(), model=engine)
    first = [next(segments) for _ in range(3)]
    assert [segment.round for segment in first] == [0, 1, 2]
    assert next(taken) < 12
    segments.close()


def test_what_is_said_matters(engine: Engine, clip: Path) -> None:
    def words(**options: str) -> list[str]:
        return [segment.text for segment in caption(clip, model=engine, **options)]  # type: ignore[arg-type]

    plain = words()
    assert plain == words()
    assert plain != words(context="Reds against blues")
    assert plain != words(query="Say what happens")


def test_left_early_it_leaves_nothing(engine: Engine, clip: Path) -> None:
    """Guards ffmpeg and the engine's streams against a caller who has heard enough, or who never listened."""
    before = decoders()
    for _ in range(3):  # more than the engine has streams
        segments = caption(clip, model=engine)
        next(segments)
        segments.close()
        for _ in caption(clip, model=engine):
            break
    caption("gone.mp4", model=engine)
    assert decoders() == before
    first, second = caption(clip, model=engine), caption(clip, model=engine)
    assert (next(first).round, next(second).round, next(first).round) == (0, 0, 1)
    with pytest.raises(UsageError, match="All streams of this engine are open"):
        next(caption(clip, model=engine))
    first.close()
    second.close()


def test_errors_are_ours(engine: Engine, clip: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.mp4"):
        next(caption("gone.mp4", model=engine))
    with pytest.raises(UsageError, match="Frame 0 is not a picture"):
        next(caption([np.zeros((4, 4))], model=engine))  # type: ignore[list-item]
    whole = make_clip(tmp_path / "whole.mp4", frames=240, options=("-g", "30", "-movflags", "+faststart"))
    truncated = cut(whole, tmp_path / "cut.mp4", 0.6)
    segments: list[Segment] = []
    with pytest.warns(UserWarning, match="cut off"), pytest.raises(InputError, match="ends too early"):
        segments.extend(caption(truncated, model=engine))
    assert 2 <= len(segments) < 8, "what came before the error counts"


def test_a_context_that_means_nothing_to_the_model_is_told(
    engine: Engine, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards programs against invented names, as the command line does."""
    prompt = replace(engine.policy.prompt, context_form="Game: .*", context_hint="Write it like this.")
    monkeypatch.setattr(engine, "policy", replace(engine.policy, prompt=prompt))
    for context in ("", "reds"):
        with pytest.warns(UserWarning, match="Write it like this"):
            next(caption(clip, model=engine, context=context))
    next(caption(clip, model=engine, context="Game: reds"))


def test_importing_it_is_light() -> None:
    """Guards notebooks and scripts that only look at a version: no torch, no numpy, no reader of videos."""
    heavy = "{'torch', 'transformers', 'numpy', 'decord', 'rich', 'typer'}"
    script = f"import sys; from svlm_cli import caption; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_example_of_the_readme(tmp_path: Path) -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert sum(line != "" for line in example.splitlines()) == 3
    shutil.copy(ROOT / "docs" / "assets" / "match.mp4", tmp_path / "match.mp4")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "28 s: Goal for" in done.stdout.replace("  ", " ")


def test_captions_are_asked_in_between(clip: Path, tiny_checkpoint: Path) -> None:
    """The words are as if nobody had; before the first and after the last there is nothing to ask about."""
    engine = load_engine(str(tiny_checkpoint), device="cpu", questions=1)
    quiet = [segment.text for segment in caption(clip, model=engine)]
    captions = caption(clip, model=engine)
    with pytest.raises(UsageError, match="nothing to ask about"):
        captions.ask("Who?")
    asked, replies = [], []
    for segment in captions:
        asked.append(segment.text)
        replies.append(captions.ask("Which side?", choices=["left", "right"]))
    assert asked == quiet
    assert [reply.text in ("left", "right") and len(reply.chances) == 2 for reply in replies] == [True] * len(quiet)
    assert [reply.seen_s for reply in replies] == [float(second) for second in range(1, len(quiet) + 1)]
    with pytest.raises(UsageError, match="nothing to ask about"):
        captions.ask("Who?")


def test_an_engine_without_room_for_questions_says_so(clip: Path, tiny_checkpoint: Path) -> None:
    captions = caption(clip, model=load_engine(str(tiny_checkpoint), device="cpu"))
    next(captions)
    for wrong in ({"question": 7}, {"question": " "}, {"question": "Who?", "choices": "ab"}, {"question": "Who?"}):
        with pytest.raises(UsageError):
            captions.ask(**wrong)
    with pytest.raises(UsageError, match="no room for questions"):
        captions.ask("Who?")
    captions.close()
