"""The experiment on footage: its recipes are what `svlm train` takes, and its models fit into the package."""

from dataclasses import replace
from pathlib import Path

import pytest

from svlm_cli.networks.family import Vocabulary
from svlm_cli.training.recipe import dump, parse
from tests.experiments.footage import MODELS, STAGES, Options, main, recipe_of

MOST_PARAMETERS = 6_700_000


def _options(runs: Path) -> Options:
    return Options(runs, None, (600, 60), workers=0, scale=1.0, matches=2, minutes=1.0)


@pytest.mark.parametrize("model", MODELS)
def test_recipes_can_be_read_and_follow_each_other(model: str, tmp_path: Path) -> None:
    """Guards a run that would end after the first stage, on a machine that is lent for minutes."""
    see, speak = (recipe_of(model, stage, _options(tmp_path)) for stage in STAGES)
    for recipe in (see, speak):
        assert parse(dump(recipe), source="recipe.toml") == recipe
    assert speak.model.base == str(tmp_path / model / "see")
    assert (see.optimisation.steps, speak.optimisation.steps) == (600, 60)
    assert see.policy == speak.policy
    assert see.windows.streamed
    assert speak.windows.streamed
    assert recipe_of(model, "see", replace(_options(tmp_path), start=tmp_path / "before")).model.base.endswith("before")


@pytest.mark.parametrize("model", MODELS)
def test_models_fit_into_the_package(model: str, tmp_path: Path) -> None:
    """Guards minutes of training of what cannot be shipped."""
    sizes = recipe_of(model, "see", _options(tmp_path)).model
    text, vision = sizes.text, sizes.vision
    wide, head = text.hidden_size, text.hidden_size // text.num_attention_heads
    attention = 2 * wide * wide + 2 * wide * head * text.num_key_value_heads
    language = text.num_hidden_layers * (attention + 3 * wide * text.intermediate_size) + sizes.vocabulary * wide
    sees = vision.hidden_size
    tower = vision.depth * (4 * sees**2 + 3 * sees * vision.intermediate_size) + 2 * 3 * 14**2 * sees
    merger = (4 * sees) ** 2 + 4 * sees * wide
    assert 5_000_000 < language + tower + merger < MOST_PARAMETERS
    sizes.family(Vocabulary(sizes.vocabulary, *range(6)))  # which refuses sizes that do not go together


@pytest.mark.extra
@pytest.mark.timeout(300)
def test_all_of_it_runs_and_goes_on_where_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Guards the way from a recipe to a score; a second call trains nothing again."""
    call = [str(tmp_path), "--scale", "0.001", "--workers", "0", "--matches", "1", "--minutes", "1"]
    assert main(call) == 0
    told = capsys.readouterr().out
    assert all(f"even {stage}: " in told for stage in STAGES)
    assert 'even F1: {"all": ' in told
    log = (tmp_path / "even" / "log.txt").read_bytes()
    assert main(call) == 0
    assert (tmp_path / "even" / "log.txt").read_bytes() == log
