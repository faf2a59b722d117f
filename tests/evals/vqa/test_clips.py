"""Clips and questions: held against transformers end to end, read once where they are the same, and what breaks."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from svlm_cli.core.types import Chunk
from svlm_cli.engine.engine import Engine
from svlm_cli.evals.vqa import clips
from svlm_cli.evals.vqa.choices import AnswerBy, Way
from svlm_cli.evals.vqa.ways import clip_of
from svlm_cli.sources.files import open_frames
from svlm_cli.sources.moments import StillsOf
from tests.clips import make_clip, numbered
from tests.engine.conftest import Parts, parts, small_policy
from tests.engine.test_clips import TOLERANCE, stock_logits
from tests.evals.vqa.looking import asked_of, look, own_interview, question

__all__ = ["parts"]  # the fixture


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen seconds."""
    return make_clip(tmp_path_factory.mktemp("clips") / "a.mp4", frames=28, fps="2", size=(56, 56))


def _ids(parts: Parts, query: str, pads: int) -> list[int]:
    """A chat of an offline model, up to where it answers."""
    encode, special = parts.tokenizer.encode, parts.tokenizer.special
    start, end = special("<|im_start|>"), [special("<|im_end|>"), *encode("\n")]
    system = [start, *encode("system\nYou are a helpful assistant."), *end]
    shown = [special("<|vision_start|>"), *[special("<|video_pad|>")] * pads, special("<|vision_end|>")]
    return [*system, start, *encode("user\n"), *shown, *encode(query), *end, start, *encode("assistant\n")]


@pytest.mark.parametrize(
    ("way", "frames", "times_s"),
    [
        (Way.FULL, 64, [k / 2 for k in range(20)]),
        (Way.FULL, 4, [0.0, 9.5 / 3, 19 / 3, 9.5]),
        (Way.RECENT, 4, [8, 8.5, 9, 9.5]),
    ],
)
def test_a_question_is_answered_as_by_transformers(
    parts: Parts, tiny_checkpoint: Path, video: Path, way: Way, frames: int, times_s: Sequence[float]
) -> None:
    """Guards the whole way from a file to a letter: frames, their times, layout, attention over all of it."""
    asked = question(1, 10.0, known="Reds against blues.")
    (found,) = look(parts, way, asked_of(video, asked), frames=frames).results
    with open_frames(video, fps=2) as shown:
        pictures = {frame.time_s: frame.pixels for frame in shown}
    seen = tuple(pictures[max(time_s for time_s in pictures if time_s <= at_s)] for at_s in times_s)
    step_s = times_s[1] - times_s[0]
    clip = Chunk(seen, times_s[0], times_s[0] + len(seen) * step_s)
    engine = Engine(parts.model, parts.preprocessor, parts.tokenizer, clip_of(small_policy(), len(seen)))
    grid = parts.preprocessor.merged_grid(len(seen), 56, 56)
    query = own_interview().query(asked, way)
    assert query.startswith("Reds against blues.\n\nWhat is it")
    ids = _ids(parts, query, grid[0] * grid[1] * grid[2])
    logits = stock_logits(tiny_checkpoint, engine, clip, ids)
    expected = logits[[parts.tokenizer.encode(letter)[0] for letter in "ABC"]]
    torch.testing.assert_close(torch.tensor(found.letters), expected, atol=TOLERANCE, rtol=0)
    assert found.answered == "ABC"[int(expected.argmax())]


def test_the_same_frames_are_read_once(parts: Parts, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards Video-MME, whose questions come by threes; each is answered as if there were no other."""
    opened: list[Path] = []

    def listen(path: Path, *, enough_pixels: int | None) -> StillsOf:
        opened.append(path)
        return StillsOf(path, enough_pixels=enough_pixels)

    monkeypatch.setattr(clips, "StillsOf", listen)
    asked = asked_of(video, question(1, None), question(2, 5.0), question(3, None))
    together = look(parts, Way.FULL, asked, jobs=2).by_id()
    assert len(opened) == 2
    for one in asked:
        assert look(parts, Way.FULL, [one]).results == [together[one.question.id]]


def test_what_is_said_is_read_strictly(parts: Parts, video: Path) -> None:
    (found,) = look(
        parts, Way.FULL, asked_of(video, question(1, 5.0)), interview=own_interview(AnswerBy.GENERATION)
    ).results
    assert found.letters == ()
    assert found.answered
    assert not found.right, "it babbles"


def test_one_video_that_is_broken_touches_no_other(parts: Parts, video: Path, tmp_path: Path) -> None:
    (tmp_path / "rotten.mp4").write_bytes(b"rotten")
    asked = [
        *asked_of(tmp_path / "rotten.mp4", question(1, 4.0), question(2, 4.0), question(3, None)),
        *asked_of(video, question(4, 9.0), question(5, 30.0, start_s=20.0)),
    ]
    found = look(parts, Way.RECENT, asked, jobs=3)
    results = found.by_id()
    assert [one for one in "12345" if results[one].failed] == ["1", "2", "3", "5"]
    assert "has no pictures from 20 s to 14 s" in results["5"].failed
    assert len(found.errors) == 3


@pytest.mark.parametrize("way", Way)
def test_a_question_about_the_first_picture(parts: Parts, video: Path, way: Way) -> None:
    """Guards OVO-Bench, where somebody asks after 0.03 s: less than a frame's time shows the frame on screen."""
    (found,) = look(parts, way, asked_of(video, question(1, 0.03))).results
    assert not found.failed
    assert len(found.letters) == 3
    if not way.streams:
        later = look(parts, way, asked_of(video, question(1, 0.5))).results
        assert [found] == later, "of both, the picture at the beginning"


def test_a_folder_of_pictures(parts: Parts, tmp_path: Path) -> None:
    """Guards MVBench's episodes: as a video with the same pictures, lossless, at the same moments."""
    (tmp_path / "episode").mkdir()
    for index in range(18):
        Image.fromarray(numbered(index, 56, 56)).save(tmp_path / f"episode/{index + 1:05}.png")
    lossless = ("-c:v", "libx264rgb", "-crf", "0", "-preset", "ultrafast")
    file = make_clip(tmp_path / "a.mkv", frames=18, fps="3", size=(56, 56), encode=lossless)
    one = question(1, 5.0, start_s=1.0)
    for way in (Way.FULL, Way.RECENT, Way.STREAMING):
        (by_file,) = look(parts, way, asked_of(file, one), policy=small_policy()).results
        pictures = asked_of(tmp_path / "episode", replace(one, frames_fps=3.0))
        (by_folder,) = look(parts, way, pictures, policy=small_policy()).results
        assert by_folder.letters == pytest.approx(by_file.letters, abs=1e-5), way
