"""The recipes that docs/training.md has for three kinds of machine, and the memory that it says they take."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from svlm_cli.training.forecast import forecast
from svlm_cli.training.log import to_nobody
from svlm_cli.training.recipe import parse
from tests.clips import run_ffmpeg
from tests.training.recipes import annotation_line

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "training.md"
RECIPES: Final = [  # machine, GPUs, GB of each, and the place among the machine's recipes
    ("one GPU of 24 GB", 1, 24, 0),
    ("one GPU of 24 GB", 1, 24, 1),
    ("one H100", 1, 80, 0),
    ("one H100", 1, 80, 1),
    ("eight H100s", 8, 80, 0),
]
SECONDS: Final = 60


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Annotations as the page assumes them: 720p, three words a second."""
    folder = tmp_path_factory.mktemp("machines")
    run_ffmpeg("-f", "lavfi", "-i", f"testsrc2=size=1280x720:rate=4:duration={SECONDS}", folder / "video.mp4")
    path = folder / "train.jsonl"
    path.write_text(annotation_line("video.mp4", SECONDS) + "\n", encoding="utf-8")
    return path


def _recipes(page: str, machine: str) -> list[str]:
    section = re.search(rf"^### {machine}\n(.*?)^##", page, re.MULTILINE | re.DOTALL | re.IGNORECASE)
    assert section is not None
    return re.findall(r"^```toml\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)


def _told(page: str) -> dict[str, list[float]]:
    """What the table says, in GB: a row without a machine belongs to the one above."""
    told, machine = dict[str, list[float]](), ""
    for name, gb in re.findall(r"^\| (?:\[(.*?)\].*?)?\|.* ([\d.]+) GB \|$", page, re.MULTILINE):
        machine = name or machine
        told.setdefault(machine, []).append(float(gb))
    return told


@pytest.mark.extra
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("machine", "gpus", "room_gb", "place"), RECIPES, ids=[f"{one[0]}, {one[3]}" for one in RECIPES]
)
def test_a_recipe_for_a_machine_fits_it(records: Path, machine: str, gpus: int, room_gb: int, place: int) -> None:
    """Guards the reader who begins a run of days on what the page says."""
    page = PAGE.read_text(encoding="utf-8")
    told = _told(page)[machine]
    assert len(told) == len(_recipes(page, machine)) == sum(one[0] == machine for one in RECIPES)
    recipe = parse(_recipes(page, machine)[place], source=str(PAGE))
    annotations = replace(recipe.data.annotations, files=(str(records),))
    recipe = replace(recipe, data=replace(recipe.data, workers=2, annotations=annotations))
    found = forecast(recipe, gpus=gpus, say=to_nobody)
    assert found.budget.total / 1e9 == pytest.approx(told[place], rel=0.05)  # windows differ in their texts
    assert told[place] < 0.95 * room_gb, "a longer window takes more"
