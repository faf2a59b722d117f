"""The simulator's windows: planned by arithmetic, so that a run can begin at any step; made alike by any worker."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch

from svlm_cli.core.errors import InputError, UsageError
from svlm_cli.core.types import Chunk
from svlm_cli.networks.weights import load_preprocessor
from svlm_cli.simulator.match.commentary import NUMBERS, describe, words
from svlm_cli.simulator.match.match import Match, Split
from svlm_cli.simulator.match.render import render
from svlm_cli.simulator.match.teams import KITS
from svlm_cli.training import folder as run_folder
from svlm_cli.training.clip_recipe import ClipRecipe
from svlm_cli.training.clips import Clip
from svlm_cli.training.collate import Batch
from svlm_cli.training.layout import Layout, Role
from svlm_cli.training.match_clips import match_clips
from svlm_cli.training.matches import (
    OPENINGS,
    Lesson,
    Making,
    MatchTask,
    WindowTask,
    epoch_of,
    fps_of,
    make_windows,
    meant_ids,
    plan,
    sample_texts,
)
from svlm_cli.training.recipe import Recipe, WindowLayout
from svlm_cli.training.records import parse_record
from svlm_cli.training.simulated import SimulatedData
from svlm_cli.training.texts import WindowTexts
from tests.conftest import environment
from tests.training.recipes import small_family, small_recipe

SPOKEN = (Lesson.COMMENTARY, Lesson.KIT_FIRST, Lesson.NAME_FIRST)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new run's folder."""
    recipe = small_recipe()
    made = tmp_path_factory.mktemp("runs") / "run"
    run_folder.begin(made, recipe, lambda: sample_texts(recipe))
    return made


def _layout(folder: Path, recipe: Recipe) -> Layout:
    return Layout(folder, recipe.policy, small_family())


def _data(folder: Path, recipe: Recipe) -> SimulatedData:
    return SimulatedData(recipe, _layout(folder, recipe), load_preprocessor(folder, small_family()))


def _windows(recipe: Recipe, block: int, first_step: int = 0) -> Iterator[tuple[int, WindowTask]]:
    for task in plan(recipe, block, first_step):
        yield from ((task.seed, window) for window in task.windows)


def test_a_block_has_each_place_once_and_a_later_start_changes_nothing() -> None:
    """Guards resuming: windows of a step are the same, whether the run began with it or not."""
    recipe = small_recipe(steps=100)
    whole = list(_windows(recipe, 3))
    assert sorted(window.place for _, window in whole) == list(range(8))
    assert len({(seed, window.start_s) for seed, window in whole}) == 8
    later = list(_windows(recipe, 3, first_step=14))  # a block has 4 steps: this is the third of block 3
    assert later == [one for one in whole if one[1].place >= 4]


def test_nothing_is_made_for_steps_after_the_last() -> None:
    """Guards the end of a run, which would wait for windows that nobody wants."""
    assert sorted(window.place for _, window in _windows(small_recipe(steps=1), 0)) == [0, 1]


def test_matches_do_not_come_twice() -> None:
    """Guards against an epoch over few matches in an endless world."""
    recipe = small_recipe(steps=1000)
    seeds = [task.seed for block in range(20) for task in plan(recipe, block)]
    assert len(set(seeds)) == len(seeds)


def test_dense_windows_come_by_the_stage() -> None:
    """Guards the order of lessons: first to see, then to comment."""
    recipe = small_recipe(steps=2000)
    recipe = replace(recipe, base_stage=replace(recipe.base_stage, share=0.9, until=0.45, share_after=0.25))
    told: dict[bool, list[Lesson]] = {True: [], False: []}
    for block in range(500):
        for _, window in _windows(recipe, block):
            told[block * 4 + window.place // 2 < 900].append(window.lesson)
    for early, share in ((True, 0.9), (False, 0.25)):
        counts = Counter(told[early])
        for lesson in (Lesson.KIT_FIRST, Lesson.NAME_FIRST):
            assert counts[lesson] / len(told[early]) == pytest.approx(share / 2, abs=0.03)


def test_steps_draw_their_frame_rate() -> None:
    """Guards mixed training: by weight, and one rate for all windows of a step."""
    recipe = small_recipe(steps=1000)
    recipe = replace(recipe, windows=replace(recipe.windows, fps=(2.0, 8.0), fps_weights=(3.0, 1.0)))
    rates = [fps_of(recipe, step) for step in range(1000)]
    assert rates.count(8.0) == pytest.approx(250, abs=50)
    for block in range(4):
        for _, window in _windows(recipe, block):
            assert window.fps == fps_of(recipe, block * 4 + window.place // 2)


@pytest.mark.parametrize("lesson", SPOKEN)
def test_a_window_says_what_the_match_says(folder: Path, lesson: Lesson) -> None:
    """Guards the seconds of words and of pictures, the context in front, and the mark of descriptions."""
    recipe = small_recipe()
    layout = _layout(folder, recipe)
    task = MatchTask(5, (WindowTask(0, 0, 2.0, lesson), WindowTask(1, 30, 2.0, lesson)))
    first, later = make_windows(Making(layout, replace(recipe.windows, seconds=24), (4, 8)), task)
    match = Match(5, Split.TRAIN)
    decode = layout.prompt._tokenizer._tokenizer.decode
    text = decode(first.tokens.ids.tolist(), skip_special_tokens=False)
    assert "previous text\n" + OPENINGS[lesson] + match.context + "<|im_end|>" in text
    assert text.count("Comment.") == 1
    assert "Comment." not in decode(later.tokens.ids.tolist(), skip_special_tokens=False)
    said = decode(first.tokens.ids[np.isin(first.tokens.roles, (Role.FIRST, Role.WORD, Role.DENSE))].tolist())
    if lesson is not Lesson.COMMENTARY:
        name_first = lesson is Lesson.NAME_FIRST
        described = (describe(match, second, name_first=name_first) for second in range(24))
        assert said == "".join(f" {word.text}" for second in described for word in second)
    else:
        assert said == "".join(f" {word.text}" for word in words(match, 0, 24))
    np.testing.assert_array_equal(render(later.scenes), render(match.scenes(30 + np.arange(48) / 2)))


def test_some_windows_have_the_context_alone_in_front(folder: Path) -> None:
    """Guards learning names from the context: where words stand in front, they can be copied from there instead."""
    recipe = small_recipe(steps=1000)
    recipe = replace(recipe, windows=replace(recipe.windows, context_only_share=0.25))
    bare = [window.context_only for block in range(40) for _, window in _windows(recipe, block)]
    assert np.mean(bare) == pytest.approx(0.25, abs=0.05)
    layout = _layout(folder, recipe)
    task = MatchTask(
        5, (WindowTask(0, 120, 2.0, Lesson.COMMENTARY), WindowTask(1, 120, 2.0, Lesson.COMMENTARY, context_only=True))
    )
    usual, alone = make_windows(Making(layout, replace(recipe.windows, seconds=24), (4, 8)), task)
    end = Match(5, Split.TRAIN).context + "<|im_end|>"
    decode = layout.prompt._tokenizer._tokenizer.decode
    assert end in decode(alone.tokens.ids.tolist(), skip_special_tokens=False)
    assert end not in decode(usual.tokens.ids.tolist(), skip_special_tokens=False)
    np.testing.assert_array_equal(
        alone.tokens.ids[alone.tokens.roles != Role.NONE], usual.tokens.ids[usual.tokens.roles != Role.NONE]
    )


@pytest.mark.parametrize("lesson", SPOKEN)
def test_windows_of_one_match_have_teams_of_their_own(folder: Path, lesson: Lesson) -> None:
    """Guards against learning a block's names by heart: the same play, other names and kits, nothing else changed."""
    recipe = small_recipe()
    layout = _layout(folder, recipe)
    task = MatchTask(5, tuple(WindowTask(place, 60, 2.0, lesson) for place in range(3)))
    windows = make_windows(Making(layout, replace(recipe.windows, seconds=24), (4, 8), own_teams=True), task)
    first = replace(task, windows=task.windows[:1])
    (plain,) = make_windows(Making(layout, replace(recipe.windows, seconds=24), (4, 8)), first)
    decode = layout.prompt._tokenizer._tokenizer.decode
    texts = [decode(window.tokens.ids.tolist(), skip_special_tokens=False) for window in (plain, *windows)]
    teams = [re.search(r"Match: (\w+) (\w+) against (\w+) (\w+)\.", text) for text in texts]
    groups = [match.groups() for match in teams if match]
    assert len(set(groups)) == 4
    rounds = [text[text.index("<|im_start|>user") :] for text in texts]  # what stands before was cut, by tokens
    for text, own in zip(rounds[1:], groups[1:], strict=True):
        back = dict(zip(own, groups[0], strict=True))
        assert re.sub(r"\w+", lambda word, back=back: back.get(word[0], word[0]), text) == rounds[0]  # type: ignore[misc]
    for window, own in zip(windows, groups[1:], strict=True):
        assert (window.scenes.kits == [KITS.index(own[0]), KITS.index(own[2])]).all()
        np.testing.assert_array_equal(window.scenes.players, plain.scenes.players)
    again = make_windows(Making(layout, replace(recipe.windows, seconds=24), (4, 8), own_teams=True), task)
    np.testing.assert_array_equal(again[2].tokens.ids, windows[2].tokens.ids)


@pytest.mark.parametrize("fps", [2.0, 3.0, 8.0])
def test_pictures_on_the_device_are_those_of_the_engine(folder: Path, fps: float) -> None:
    """Guards what is drawn in torch, and the partner of a second's last picture when their number is odd."""
    recipe = small_recipe(steps=1)
    recipe = replace(recipe, windows=replace(recipe.windows, fps=(fps,)))
    (batch,) = _data(folder, recipe).batches(0)
    preprocessor = load_preprocessor(folder, small_family())
    device = torch.device("cpu")
    shown, grids = batch.pictures.patches(preprocessor, device=device, dtype=torch.float32)
    frames = round(fps)
    pictures = render(batch.pictures.scenes)  # type: ignore[attr-defined]
    expected = [
        preprocessor.patches(list(pictures[at : at + frames]), 112, 224, device=device, dtype=torch.float32)[0]
        for at in range(0, len(pictures), frames)
    ]
    torch.testing.assert_close(shown, torch.cat(expected), atol=0, rtol=0)
    assert sum(pairs * rows * columns for pairs, rows, columns in grids) == len(shown)
    assert len(batch.tokens.pads_at) == len(shown) // 4


def _same(one: Batch, other: Batch) -> bool:
    return all(
        torch.equal(getattr(one.tokens, name), getattr(other.tokens, name))
        for name in ("ids", "positions", "pads_at", "targets_at", "targets", "roles")
    )


def test_workers_and_later_starts_give_the_same_batches(folder: Path) -> None:
    """Guards determinism: neither the number of processes nor the first step may change a batch."""
    recipe = small_recipe(steps=7)
    alone = list(_data(folder, recipe).batches(0))
    helped = _data(folder, replace(recipe, data=replace(recipe.data, workers=2)))
    try:
        together = list(helped.batches(0))
    finally:
        helped.close()
    later = list(_data(folder, recipe).batches(5))
    assert len(alone) == len(together) == 7
    assert all(_same(one, other) for one, other in zip(chain(alone, alone[5:]), chain(together, later), strict=True))


def test_pictures_that_would_be_resized_are_refused(folder: Path) -> None:
    """Guards a policy whose bounds do not fit the world: it would train on one size and stream another."""
    recipe = small_recipe()
    vision = replace(recipe.policy.vision, max_pixels=112 * 112)
    with pytest.raises(UsageError, match="would resize the simulator's pictures of 224 x 112"):
        _data(folder, replace(recipe, policy=replace(recipe.policy, vision=vision)))


def test_workers_import_no_torch() -> None:
    """Guards their start: seconds for each of them, and room."""
    script = "import sys, svlm_cli.training.matches, svlm_cli.core.workers; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], env=environment(), check=False).returncode == 0


def test_meant_ids_follow_what_was_said_up_to_its_first_error() -> None:
    """Guards targets after an error: what follows a wrong syllable is nothing to learn."""
    assert meant_ids((1, 2, 3), (1, 2, 3)) == [1, 2, 3]
    assert meant_ids((7, 2, 3), (1, 2, 3)) == [1, None, None]
    assert meant_ids((1, 7, 8), (1, 2)) == [1, 2, None]
    assert meant_ids((1, 2, 8), (1, 2)) == [1, 2, None]
    assert meant_ids((1,), (1, 2)) == [1]


def test_a_confused_window_is_learned_as_a_clear_one(folder: Path) -> None:
    """Guards the whole way: errors are in what was said, never in what is learned, but for scores that are repeated."""
    recipe = small_recipe()
    layout = _layout(folder, recipe)
    task = MatchTask(5, tuple(WindowTask(place, 600, 2.0, Lesson.COMMENTARY) for place in range(60)))
    size = replace(recipe.windows, seconds=24)
    clear = make_windows(Making(layout, size, (4, 8), own_teams=True), task)
    confused = make_windows(Making(layout, replace(size, confusion=1.0), (4, 8), own_teams=True), task)
    numbers = {token for number in NUMBERS for token in layout.words(f" {number}")}
    wrong = unlearned = 0
    for one, other in zip(clear, confused, strict=True):
        np.testing.assert_array_equal(one.tokens.targets, one.tokens.ids)
        if len(one.tokens) != len(other.tokens) or (one.tokens.pads != other.tokens.pads).any():
            continue  # a wrong name of more or fewer syllables
        wrong += (one.tokens.ids != other.tokens.ids).sum()
        learned = other.tokens.roles != Role.NONE
        unlearned += ((one.tokens.roles != Role.NONE) & ~learned).sum()
        differ = learned & (other.tokens.targets != one.tokens.ids)
        assert set(other.tokens.targets[differ].tolist()) <= numbers
    assert wrong > 20
    assert unlearned > 5


def test_a_set_of_matches_comes_again(folder: Path) -> None:
    """Guards data that have an end: three matches, each of its own length, whose windows come in every epoch."""
    recipe = _of_three(small_recipe(steps=1000))
    tasks = [task for block in range(30) for task in plan(recipe, block)]
    assert len({task.seed for task in tasks}) == 3
    assert len({(task.seed, task.seconds) for task in tasks}) == 3
    assert {task.seconds for task in tasks} == {60, 120}
    counts = Counter((task.seed, one.start_s) for task in tasks for one in task.windows)
    assert len(counts) == epoch_of(recipe) == 29 + 59 + 29
    assert epoch_of(small_recipe()) is None
    (task,) = [task for task in plan(recipe, 0) if task.seed == tasks[0].seed]
    one = task.windows[0]
    making = Making(_layout(folder, recipe), recipe.windows, (4, 8))
    first, again = make_windows(making, replace(task, windows=(one, replace(one, place=one.place + 1))))
    np.testing.assert_array_equal(first.tokens.ids, again.tokens.ids)  # the same names, too


def _of_three(recipe: Recipe) -> Recipe:
    simulator = replace(
        recipe.data.simulator, match_minutes=(1.0, 2.0), windows_per_match=40, own_teams=False, matches=3
    )
    return replace(recipe, data=replace(recipe.data, simulator=simulator))


def test_clips_take_the_place_of_windows(folder: Path) -> None:
    """Guards the annealing stage: each window is a clip of the match, each clip comes before any comes again, and
    its words, pictures and what was said before are those of its seconds.
    """
    recipe = small_recipe(steps=1000)
    rules = ClipRecipe(longest_seconds=30, shortest_seconds=8)
    simulator = replace(recipe.data.simulator, match_minutes=(10.0,), windows_per_match=40, matches=2)
    recipe = replace(
        recipe,
        windows=replace(recipe.windows, clips=rules),
        base_stage=replace(recipe.base_stage, share=0.0, share_after=0.0),
        data=replace(recipe.data, simulator=simulator),
    )
    assert epoch_of(recipe) is None
    first, second = (next(iter(plan(recipe, block))) for block in (0, 1))
    assert [one.clip for one in first.windows] == list(range(40))
    assert [one.clip for one in second.windows] == list(range(40, 80))
    match = Match(first.seed, Split.TRAIN)
    clips = match_clips(words(match, 0, 600), rules)
    assert 10 < len(clips) < 40
    layout = _layout(folder, recipe)
    made = make_windows(Making(layout, recipe.windows, (4, 8)), first)
    decode = layout.prompt._tokenizer._tokenizer.decode
    for index, one in enumerate(made):
        clip = clips[index % len(clips)]
        said = decode(one.tokens.ids[np.isin(one.tokens.roles, (Role.FIRST, Role.WORD))].tolist())
        assert said == "".join(f" {word.text}" for word in words(match, clip.start, clip.stop))
        np.testing.assert_array_equal(one.scenes.ball, match.scenes(clip.start + np.arange(2 * len(clip)) / 2).ball)
    long = replace(recipe.windows, clips=ClipRecipe(longest_seconds=600, shortest_seconds=500))
    with pytest.raises(InputError, match="A match of 10 minutes has no clip"):
        make_windows(Making(layout, long, (4, 8)), first)


@pytest.mark.parametrize("confusion", [0.0, 1.0])
@pytest.mark.parametrize("start", [0, 300])
def test_matches_in_the_published_layout(folder: Path, start: int, confusion: float) -> None:
    """Guards a fair comparison of layouts: the ids of a row of an annotation file, and the right word learned where a
    wrong one was said.
    """
    recipe = small_recipe()
    layout = _layout(folder, recipe)
    published = replace(recipe.windows, seconds=24, layout=WindowLayout.PUBLISHED, confusion=confusion)
    bare = bool(confusion)  # with words in front, another number of them is asked for, and other errors are drawn
    task = MatchTask(5, tuple(WindowTask(place, start, 2.0, Lesson.COMMENTARY, bare) for place in range(8)))
    windows = make_windows(Making(layout, published, (4, 8)), task)
    usual = make_windows(Making(layout, replace(published, layout=WindowLayout.SVLM), (4, 8)), task)
    for one, other in zip(windows, usual, strict=True):
        ours, theirs = ((each.tokens.targets[each.tokens.roles != Role.NONE]) for each in (one, other))
        np.testing.assert_array_equal(ours, theirs)  # the same is learned, from other ids
        assert len(one.tokens) != len(other.tokens)
    if confusion:
        assert any((one.tokens.targets != one.tokens.ids).any() for one in windows)
        return
    said = words(Match(5, Split.TRAIN), 0, start + 24)
    spoken = tuple((word.start_s, word.end_s, word.text) for word in said)
    row = [
        {
            "role": "user",
            "content": [
                {"type": "video", "video": "a.mp4", "video_start": 0.0, "video_end": start + 24.0},
                {"type": "text", "text": "", "previous": Match(5, Split.TRAIN).context},
            ],
        },
        {"role": "assistant", "content": [{"type": "text_stream", "text_stream": spoken}]},
    ]
    record = parse_record(json.dumps(row).encode(), "here", Path())
    shown = [Chunk((np.zeros((112, 224, 3), np.uint8),) * 2, start + one, start + one + 1) for one in range(24)]
    clip = Clip(record, range(start, start + 24), len(said))
    written = WindowTexts(layout, published).tokens(clip, shown, [(1, 4, 8)] * 24, 2.0)
    np.testing.assert_array_equal(windows[0].tokens.ids, written.ids)
    np.testing.assert_array_equal(windows[0].tokens.roles, written.roles)
    np.testing.assert_array_equal(windows[0].tokens.positions, written.positions)
