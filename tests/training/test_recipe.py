"""Recipes: all of one can be written and read, and what cannot be is named."""

import re
from pathlib import Path

import pytest

from svlm_cli.core.errors import UsageError
from svlm_cli.training.recipe import Recipe, dump, parse, read
from tests.conftest import ROOT
from tests.training.recipes import small_recipe


@pytest.mark.parametrize("recipe", [Recipe(), small_recipe()], ids=["defaults", "small"])
def test_what_is_written_reads_back(recipe: Recipe) -> None:
    """Guards the record of a run: with it the run can be made again."""
    assert parse(dump(recipe), source="recipe.toml") == recipe


WRONG = {
    "unknown": ("[optimisation]\nlr = 1e-3", "unknown key 'optimisation.lr'"),
    "elsewhere": ("batch = 2", r"unknown key 'batch'\. Did you mean 'optimisation.batch'\?"),
    "not a number": ("[optimisation]\nsteps = 1.5", "optimisation.steps must be a whole number, not 1.5"),
    "not a list": ('[optimisation]\nfrozen = "vision"', "optimisation.frozen must be a list"),
    "not a part": (
        '[optimisation]\nfrozen = ["eyes"]',
        r"frozen\[0\] must be one of 'vision', 'tower', 'merger', 'language', 'layers', 'embeddings', not 'eyes'",
    ),
    "too short a list": ("[model.text]\nmrope_section = [1, 2]", "mrope_section must be a list of 3"),
    "all frozen": ('[optimisation]\nfrozen = ["vision", "language"]', "frozen leaves nothing to train"),
    "all frozen, by pieces": (
        '[optimisation]\nfrozen = ["tower", "merger", "language"]',
        "frozen leaves nothing to train",
    ),
    "an adapter from scratch": ("[adapter]\nrank = 8", "adapter needs model.base"),
    "an adapter and frozen": (
        '[adapter]\nrank = 8\n[model]\nbase = "b"\n[optimisation]\nfrozen = ["vision"]',
        "frozen cannot be used with an adapter",
    ),
    "no rank": ("[adapter]\nalpha = 8", r"\[adapter\]: rank is missing"),
    "embeddings adapted": ('[adapter]\nrank = 8\nparts = ["embeddings"]', "parts cannot be embeddings"),
    "bits": ('[adapter]\nrank = 8\nquantize = "nf5"', "adapter.quantize must be one of 'none', 'nf4', not 'nf5'"),
    "moments": ('[optimisation]\nmoments = "4bit"', "optimisation.moments must be one of '32bit', '8bit'"),
    "zero": ("[optimisation]\nbatch = 0", r"\[optimisation\]: batch must be 1 or more, not 0"),
    "share": ("[base_stage]\nshare = 1.5", r"\[base_stage\]: share must be between 0 and 1, not 1.5"),
    "cells of matches": ("[base_stage]\ncell_loss = 0.5", 'base_stage.cell_loss needs world = "footage"'),
    "cells alone": ("[base_stage]\ncell_loss = 0.5\ncell_share = 1.0", "cell_share must be below 1"),
    "cells for nothing": ("[base_stage]\ncell_share = 0.5", "cell_share needs a cell_loss"),
    "overlap": ("[windows]\nseconds = 4\noverlap_seconds = 4", "overlap_seconds must be 0 or more and below seconds"),
    "weights": ("[windows]\nfps = [2, 8]\nfps_weights = [1]", "fps_weights has 1 entries for 2 of fps"),
    "fraction": ("[windows]\nfps = [2.5]", "windows.fps must be whole numbers"),
    "no files": ('[data]\nsource = "annotations"', "annotations.files names no file"),
    "dense files": (
        '[data]\nsource = "annotations"\n[data.annotations]\nfiles = ["a"]\n[base_stage]\nshare = 0.5',
        "base_stage needs a simulator",
    ),
    "short matches": (
        "[data.simulator]\nmatch_minutes = [2.0]\nown_teams = false",
        "windows_per_match is 60, but a match of 2 minutes has 9 windows",
    ),
    "windows that no match has": ("[windows]\nseconds = 90000", "a match of 60 minutes has 0 windows"),
    "policy": ("[policy.vision]\nfps = 0", r"\[policy.vision\]: fps must be above 0"),
    "blind": ("[policy.windows]\nvision_rounds = 0", "the model would see nothing"),
    "streamed, but not streaming": (
        '[windows]\nstreamed = true\n[policy]\nmode = "full"',
        "windows.streamed needs policy.mode streaming, not full",
    ),
    "rounds": ("[policy]\nchunk_seconds = 2", "a window's rounds are seconds"),
    "heads": (
        "[model.text]\nhidden_size = 250",
        r"\[model\]: text.hidden_size is 250, not a multiple of 8\.",
    ),
    "heads of the eyes": (
        "[model.vision]\nnum_heads = 5",
        "vision.hidden_size is 192, not a multiple of 20",
    ),
    "no heads": ("[model.vision]\nnum_heads = 0", r"\[model.vision\]: num_heads must be 1 or more, not 0"),
    "blocks": ("[model.vision]\ndepth = 3", r"vision.fullatt_block_indexes names a block outside 0 to 2"),
    "sections": (
        "[model.text]\nmrope_section = [8, 8, 8]",
        "does not add up to half a head of 64",
    ),
    "quiet matches": ("[windows]\nwords_per_second = 2", "windows.words_per_second needs annotations"),
    "confused files": (
        '[data]\nsource = "annotations"\n[data.annotations]\nfiles = ["a"]\n[windows]\nconfusion = 0.5',
        "windows.confusion needs a simulator",
    ),
    "validation without a file": (
        '[data]\nsource = "annotations"\n[data.annotations]\nfiles = ["a"]\n[validation]\nevery = 5',
        r"validation\.files names no file",
    ),
    "validation on what is learned": (
        '[data]\nsource = "annotations"\nannotations.files = ["a"]\n[validation]\nevery = 5\nfiles = ["a", "b"]',
        r"validation\.files has a file that is learned from: a\.",
    ),
    "files of a simulator": ('[validation]\nevery = 5\nfiles = ["a"]', r"validation\.files needs annotations"),
    "files that nobody uses": ('[validation]\nfiles = ["a"]', r"\[validation\]: every is missing"),
    "matches that are learned": ("[validation]\nevery = 5\nseed = 0", r"validation\.seed is data\.seed \(0\)"),
    "no windows": ("[validation]\nevery = 5\nwindows = 0", r"windows must be 1 or more, not 0"),
    "files weighed": (
        '[data.annotations]\nfiles = ["a", "b"]\nweights = [2]',
        r"\[data.annotations\]: weights has 1 entries for 2 files",
    ),
    "weightless": ('[data.annotations]\nfiles = ["a"]\nweights = [0]', "each of weights must be 1 or more"),
    "all bad": ("[data.annotations]\nbad_share = 2.0", "bad_share must be between 0 and 1"),
    "epochs of matches": ("[optimisation]\nepochs = 1", "optimisation.epochs needs annotations"),
    "rows of matches": ("[windows]\nwhole_rows = true", "windows.whole_rows needs annotations"),
    "described as published": (
        '[windows]\nlayout = "published"\n[base_stage]\nshare_after = 0.1',
        "base_stage cannot be used with the published layout",
    ),
    "a set of fewer than none": ("[data.simulator]\nmatches = -1", "matches must be 0 or more, not -1"),
    "clips of files": (
        '[data]\nsource = "annotations"\n[data.annotations]\nfiles = ["a"]\n[windows.clips]\nlongest_seconds = 64',
        "windows.clips needs a simulator: use svlm data windows --annealing",
    ),
    "clips of no length": (
        "[windows.clips]\nlongest_seconds = 12",
        r"\[windows.clips\]: shortest_seconds must be between 1 and longest_seconds \(12\), not 16",
    ),
    "clips of nothing": ("[windows.clips]\nseen_only = true", r"\[windows.clips\]: longest_seconds is missing"),
    "clips of less than silence": (
        "[windows.clips]\nlongest_seconds = 64\nsilence_seconds = -1",
        "silence_seconds must be 0 or more, not -1",
    ),
    "small matches": ("[windows]\ntotal_pixels = 9", "windows.total_pixels needs annotations"),
    "rows sorted out": (
        "[windows]\nwhole_rows = true\nwords_per_second = 2",
        "words_per_second cannot be used with whole",
    ),
    "published streams": (
        '[windows]\nlayout = "published"\nstreamed = true',
        "streamed cannot be used with the published layout",
    ),
    "published queries": (
        '[windows]\nlayout = "published"\nquery = "every"',
        "query cannot be used with the published",
    ),
    "no TOML": ("[optimisation", "is not valid TOML"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_is_named(name: str) -> None:
    """Guards against hours of training with a setting that was misspelt."""
    text, message = WRONG[name]
    with pytest.raises(UsageError, match=f"(?s)recipe.toml.*{message}"):
        parse(text, source="recipe.toml")


def test_no_message_blames_another_file() -> None:
    """Guards whoever writes a recipe from scratch against looking for a config.json, of which there is none yet."""
    with pytest.raises(UsageError) as error:
        parse("[model.text]\nnum_key_value_heads = 3", source="recipe.toml")
    assert error.value.message.startswith("recipe.toml")
    assert "[model]: text.num_attention_heads is 4, not a multiple of 3." in error.value.message
    assert "config" not in error.value.message + error.value.hint


def test_the_recipes_of_the_pages_are_recipes() -> None:
    """Guards the reader who copies one, and the pages: one promises recipes for machines, which another test counts,
    and validation; the other one from another model, one from scratch, what saves memory, an adapter, a large set,
    windows as streams, questions, and clips.
    """
    assert [recipe.validation.used for recipe in _recipes("training")] == [False] * 5 + [True]
    recipes = _recipes("recipes")
    assert [bool(recipe.model.base) for recipe in recipes] == [True, False, False, True, True, True, True, True]
    assert [recipe.optimisation.checkpointing for recipe in recipes] == [True, False, True] + [False] * 5
    assert [recipe.adapter.used for recipe in recipes] == [False] * 3 + [True] + [False] * 4
    assert [recipe.windows.whole_rows for recipe in recipes] == [False] * 4 + [True] + [False] * 3
    assert [recipe.windows.streamed for recipe in recipes] == [False] * 5 + [True, True, False]
    assert [recipe.windows.clips.used for recipe in recipes] == [False] * 7 + [True]


def _recipes(page: str) -> list[Recipe]:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [parse(block, source=f"docs/{page}.md") for block in blocks]


def test_paths_start_at_the_recipe(tmp_path: Path) -> None:
    """Guards recipes that move with their data; a model's name is no path."""
    path = tmp_path / "recipe.toml"
    path.write_text(
        '[model]\nbase = "qwen2.5-vl-3b"\n[data]\nsource = "annotations"\n[data.annotations]\nfiles = ["a"]\n'
        '[validation]\nevery = 1\nfiles = ["b"]'
    )
    recipe = read(path)
    assert recipe.data.annotations.files == (str(tmp_path / "a"),)
    assert recipe.validation.files == (str(tmp_path / "b"),)
    assert recipe.model.base == "qwen2.5-vl-3b"
    (tmp_path / "qwen2.5-vl-3b").mkdir()
    assert read(path).model.base == str(tmp_path / "qwen2.5-vl-3b")
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path / "gone.toml")
