"""StreamingVLM's two stages in miniature: its recipes as they stand, on files of the published form, then captions."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from svlm_cli.training.recipe import read
from tests.clips import make_clip
from tests.conftest import ROOT, environment
from tests.subtitle_checker import check_srt
from tests.tiny import make_tiny_checkpoint
from tests.training.launching import rows
from tests.training.test_records import Message

pytestmark = [pytest.mark.extra, pytest.mark.timeout(300)]

RECIPES = ROOT / "models" / "streamingvlm-7b"
FIRST, SECOND = "recipe-1-windows", "recipe-2-clips"
A_STEP = 4  # windows, in place of 512
SECONDS = 5


def _row(video: str, start_s: float, end_s: float, questions: list[Any] | None = None) -> list[Message]:
    words = [[second + 0.1, second + 0.9, " goal"] for second in range(int(start_s), int(end_s)) if second != 1]
    said: dict[str, Any] = {"type": "text_stream", "text_stream": words}
    text = {
        "type": "text",
        "text": "Commentate on this match",
        "previous": "reds against blues",
        "title": "",
        "category": "Sport",
    }
    shown = {"type": "video", "video": f"videos/{video}", "video_start": start_s, "video_end": end_s}
    if questions is not None:
        said["qa_stream"] = questions
    return [{"role": "user", "content": [shown, text]}, {"role": "assistant", "content": [said]}]


def _write(path: Path, rows: list[list[Message]], *, beside: bool) -> None:
    """Rows and their seek index, in one of the two published forms."""
    offsets, text = list[int](), ""
    for row in rows:
        offsets.append(len(text))
        text += json.dumps(row) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    if beside:
        path.with_name(path.name.replace("_with_seeks", "_seeks")).write_text(json.dumps(offsets), encoding="utf-8")
    else:
        text += json.dumps(offsets) + "\n"
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data set in miniature and a base of the same family."""
    folder = tmp_path_factory.mktemp("published")
    data = folder / "Inf-Stream-Train"
    (data / "videos").mkdir(parents=True)
    make_clip(data / "videos" / "game.mp4", frames=30 * SECONDS)
    (data / "videos" / "empty.mp4").touch()
    asked = [[0.5, 2.0, "Who has it?", "The reds."]]
    games = [_row("game.mp4", 0, 4), _row("game.mp4", 1, 5), _row("game.mp4", 0, 5, asked), _row("empty.mp4", 0, 4)]
    _write(data / "train_s12w24_with_seeks.jsonl", games, beside=True)
    _write(data / "train_livecc_with_seeks.jsonl", [_row("game.mp4", 0, 3), _row("game.mp4", 2, 5)], beside=False)
    clips = [_row("game.mp4", start_s, start_s + 3) for start_s in (0, 1, 2, 0, 1)]
    _write(data / "fg" / "train_fg_with_seeks.jsonl", clips, beside=True)
    make_tiny_checkpoint(folder / "base")
    return folder


def _recipe(folder: Path, name: str, layout: str) -> None:
    """As it stands, but for the base, the windows of a step and the layout."""
    text = (RECIPES / f"{name}.toml").read_text(encoding="utf-8")
    for pattern, new in (
        ('base = "qwen2.5-vl-7b"', 'base = "base"'),
        (r"accumulate = 512 ", f"accumulate = {A_STEP} "),
        (r'layout = "svlm" ', f'layout = "{layout}" '),
    ):
        text, count = re.subn(re.escape(pattern), new, text)
        assert count == (0 if name == SECOND and "base" in pattern else 1), pattern
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")


def _commands() -> list[list[str]]:
    """Those of the page, for one CPU."""
    page = (ROOT / "docs" / "reproduce.md").read_text(encoding="utf-8")
    section = page.partition("\n## The two stages of training\n")[2]
    *_, block = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    lines = [shlex.split(line.replace("--gpus 8", "--device cpu")) for line in block.splitlines() if line[0] != "#"]
    return [arguments for _, *arguments in lines]


def _svlm(folder: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "svlm_cli", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("layout", ["svlm", pytest.param("published", marks=pytest.mark.long)])
def test_both_stages_and_captions_of_what_they_leave(published: Path, tmp_path: Path, layout: str) -> None:
    """Guards whoever begins 128 days of training: both forms of the index, weights, epochs, a question, a bad video,
    frozen vision, the second stage from the first one's result, and a checkpoint that speaks. By the page's commands.
    """
    learn_first, learn_second, caption = _commands()
    for name in ("Inf-Stream-Train", "base"):
        (tmp_path / name).symlink_to(published / name)
    (tmp_path / "match.mp4").symlink_to(published / "Inf-Stream-Train" / "videos" / "game.mp4")
    for path in RECIPES.glob("recipe-*.toml"):
        _recipe(tmp_path, path.stem, layout)
    first = _svlm(tmp_path, learn_first)
    told = first.stderr.splitlines()
    assert told[0] == "6 windows, 10 an epoch"
    skipped = [line for line in told if "skipped: " in line]
    assert 2 <= len(skipped) <= 4, "twice an epoch, and the last step has two windows more"
    assert all(
        "train_s12w24_with_seeks.jsonl:4: skipped: " in line and "empty.mp4 is empty" in line for line in skipped
    )
    assert [row["step"] for row in rows(tmp_path / FIRST)] == [1, 2, 3]
    assert any("answers" in row for row in rows(tmp_path / FIRST))
    second = _svlm(tmp_path, learn_second)
    assert second.stderr.splitlines()[0] == "5 windows"
    assert [row["step"] for row in rows(tmp_path / SECOND)] == [1, 2]
    base, one, two = (load_file(tmp_path / folder / "model.safetensors") for folder in ("base", FIRST, SECOND))
    for name, weight in base.items():
        seen = [stage[name] for stage in (one, two)]
        if name.startswith("visual."):
            assert all(torch.equal(weight.bfloat16(), other) for other in seen), name
    embedding = "model.embed_tokens.weight"
    assert not torch.equal(one[embedding], base[embedding].bfloat16())
    assert not torch.equal(two[embedding], one[embedding])
    _svlm(tmp_path, [*caption, "--device", "cpu"])
    assert check_srt((tmp_path / "match.srt").read_text(encoding="utf-8")) == []


def test_the_recipes_say_what_was_published() -> None:
    """Guards the settings against a slip, in both files alike."""
    for name in (FIRST, SECOND):
        recipe = read(RECIPES / f"{name}.toml")
        tuned, seen, held = recipe.optimisation, recipe.policy.vision, recipe.policy.windows
        assert (tuned.learning_rate, tuned.warmup_share, tuned.epochs, tuned.bf16) == (1e-5, 0.03, 1, True)
        assert tuned.batch * tuned.accumulate == 512
        assert [part.value for part in tuned.frozen] == ["vision"]
        assert (seen.fps, seen.min_pixels, seen.max_pixels) == (2.0, 100 * 28 * 28, 768 * 28 * 28)
        assert (held.sink_tokens, held.window_tokens) == (512, 512)
        assert (recipe.windows.seconds * seen.fps, recipe.windows.total_pixels) == (480, 24_576 * 28 * 28)
