"""The section of the claims' page about training: every number and verdict follows from the file, or it is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from svlm_cli.core.errors import InputError
from svlm_cli.core.policy import Mode
from svlm_cli.evals.claims.page import write_page
from svlm_cli.evals.claims.results import read_results
from svlm_cli.evals.claims.rows import Order
from svlm_cli.evals.claims.training import compare_training, differ, training_claim, training_section
from svlm_cli.evals.claims.training_file import TrainingClaims, read_training
from svlm_cli.evals.claims.verdicts import Verdict
from svlm_cli.evals.scores import Count
from tests.evals.claims.rows import flat, result
from tests.evals.claims.trained_models import trained, trained_file

Change = Callable[[dict[str, Any]], Any]


def read(folder: Path, told: Any) -> TrainingClaims:
    (folder / "training.json").write_text(told if isinstance(told, str) else json.dumps(told))
    found = read_training(folder)
    assert found is not None
    return found


def section(folder: Path, told: Any) -> str:
    return "\n\n".join(training_section(read(folder, told)))


def claim(folder: Path, told: Any, name: str) -> str:
    return training_claim(read(folder, told), name, Mode.STREAMING)


def test_a_difference_has_the_same_matches_in_each_draw() -> None:
    """Guards the power of the comparison: two models that differ by the same in every match differ for certain, however
    much the matches differ among themselves.
    """
    random = np.random.default_rng(0)
    ours = np.zeros((8, 3, len(Count)), np.int64)
    ours[..., [Count.EVENTS_TRUE, Count.EVENTS_SAID]] = 20
    theirs = ours.copy()
    theirs[..., Count.EVENTS_HIT] = random.integers(2, 18, size=(8, 1))
    ours[..., Count.EVENTS_HIT] = theirs[..., Count.EVENTS_HIT] + 1
    found = differ(ours, theirs).event_f1
    assert (found.value, found.low, found.high) == pytest.approx((0.05, 0.05, 0.05))
    order = random.permutation(8)
    shuffled = differ(ours, theirs[order]).event_f1
    assert shuffled.low is not None
    assert shuffled.low < 0 < (shuffled.high or 0)


@pytest.mark.parametrize(
    ("right", "ending", "verdict"),
    [
        (2, "[-0.400, -0.400]: lower in event F1, **agrees**.", Verdict.AGREES),
        (6, "[+0.000, +0.000]: no difference found, **not reproduced**.", Verdict.NOT_FOUND),
        (8, "[+0.200, +0.200]: higher in event F1, **the other way round**.", Verdict.OTHER_WAY),
    ],
)
def test_a_claim_in_each_outcome(tmp_path: Path, right: int, ending: str, verdict: Verdict) -> None:
    """Guards against a page that says what the paper says, whatever was measured."""
    told = trained_file(trained("plain", 6), trained("apart", right, "plain", paper=[62.51, 66.18]))
    text = claim(tmp_path, told, "apart")
    assert text.startswith("The paper: 62.51 against 66.18, lower. Here, minus plain: event F1 ")
    assert text.endswith(ending)
    found = compare_training(read(tmp_path, told), "apart", Mode.STREAMING)
    assert found is not None
    assert found.verdict is verdict


def test_what_names_alone_decide(tmp_path: Path) -> None:
    told = trained_file(trained("plain", 6), trained("other", 6, "plain", names=3))
    text = claim(tmp_path, told, "other")
    assert text == ("Minus plain: event F1 +0.000 [+0.000, +0.000], names -0.200 [-0.200, -0.200]: lower in names.")


def test_a_difference_within_that_of_two_runs_is_said_to_be_so(tmp_path: Path) -> None:
    """Guards against a verdict from one run of each, where a second run of the same lies as far away."""
    again = trained("again", 4, "plain", repeat=True)
    told = trained_file(trained("plain", 6), again, trained("near", 5, "plain"), trained("far", 1, "plain"))
    assert claim(tmp_path, told, "near").endswith("lower in event F1, but two runs of the same recipe differ as much.")
    assert claim(tmp_path, told, "far").endswith("lower in event F1.")
    assert claim(tmp_path, told, "again").endswith("lower in event F1.")
    text = flat(section(tmp_path, told))
    assert "again repeat a recipe with other data; event F1 then differs by up to 0.200 in mode streaming." in text
    alone = flat(section(tmp_path, trained_file(trained("plain", 6))))
    assert "other data" not in alone
    assert "Each row is one run, and the intervals do not include the variation between runs." in alone


def test_the_tables_by_hand(tmp_path: Path) -> None:
    """Guards a column that is another's, and a row that is compared with another than it says."""
    right = {"streaming": 6, "window-overlap": 8}
    told = trained_file(
        trained("plain", right),
        trained("apart", {"streaming": 5, "window-overlap": 8}, "plain", steps=500),
        modes=("streaming", "window-overlap"),
    )
    text = section(tmp_path, told)
    lines = [line for line in text.splitlines() if line.startswith(("| plain", "| apart"))]
    assert lines == [
        "| plain | with plain | - | 1,000 | 64 | - | 0123456789abcdef |",
        "| apart | with apart | plain | 500 | 64 | `windows.overlap_seconds = 0` | 0123456789abcdef |",
        "| plain | 0.650 [0.617, 0.683] | 0.500 [0.500, 0.500] | - | - | - |",
        "| apart | 0.550 [0.517, 0.583] | 0.500 [0.500, 0.500] | - | - | - |",
        "| apart | plain | -0.100 [-0.100, -0.100] | +0.000 [+0.000, +0.000] | - | - | - |",
        "| plain | 0.850 [0.817, 0.883] | 0.500 [0.500, 0.500] | - | - | - |",
        "| apart | 0.850 [0.817, 0.883] | 0.500 [0.500, 0.500] | - | - | - |",
        "| apart | plain | +0.000 [+0.000, +0.000] | +0.000 [+0.000, +0.000] | - | - | - |",
    ]
    claims = [line.rpartition(":")[2] for line in text.splitlines() if line.startswith("- **apart.**")]
    assert claims == [" lower in event F1.", " no difference found."]


def test_the_page_with_and_without_it(tmp_path: Path) -> None:
    """Guards the page of today, to the byte, and the rows against a file that is none."""
    rows = {"streaming": result("streaming", [6] * 5)}
    assert read_training(tmp_path) is None
    without = write_page(rows, "claims", [], None, None)
    assert "## Training" not in without
    page = write_page(rows, "claims", [], None, read(tmp_path, trained_file(trained("plain", 6))))
    assert page.startswith(without)
    assert page.removeprefix(without).startswith("\n## Training\n\n")
    assert "All models in this section start from a model that sees. Each commented on 6 matches of 2 minutes" in flat(
        page
    )
    assert "with seeds from 7, at" in flat(page)
    assert read_results(tmp_path) == {}


def test_names_break_no_section(tmp_path: Path) -> None:
    """Guards the page against names and titles, which may be anything."""
    odd = "a|b`c\n```\n<script>\x1b[2J"
    told = trained_file(trained("plain", 6), trained(odd, 6, "plain", title=odd, recipe=[odd], model_files=odd))
    told["place"] |= {"base": odd, "hardware": odd, "svlm": odd, "dtype": odd, "command": odd}
    text = section(tmp_path, told)
    assert not any(sign in text for sign in ("<script>", "\x1b", "a|b", "b`c"))
    assert text.count("```") == 2
    assert len([line for line in text.splitlines() if line.startswith("|")]) == 4 + 4 + 3


def _row(**changes: Any) -> Change:
    return lambda told: told["models"][1].update(changes)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda told: told.pop("modes"),
        lambda told: told.update(modes=[]),
        lambda told: told.update(modes=["sideways"]),
        lambda told: told.update(models=[]),
        lambda told: told["place"].pop("base"),
        lambda told: told["place"].update(matches=5),
        lambda told: told["place"].update(seconds=600),
        lambda told: told["models"][1].pop("repeat"),
        _row(against="nobody"),
        _row(name="plain"),
        _row(paper=[1.0]),
        _row(steps="many"),
        _row(steps=0),
        _row(by_minute={}),
        lambda told: told["models"].reverse(),
    ],
)
def test_what_is_not_whole_is_refused(tmp_path: Path, spoil: Change) -> None:
    """Guards against half a section, and against models that told other matches than all."""
    told = trained_file(trained("plain", 6), trained("apart", 5, "plain"))
    read(tmp_path, told)
    spoil(told)
    with pytest.raises(InputError, match="is not a report on models that were trained in different ways"):
        read(tmp_path, told)
    with pytest.raises(InputError, match="is not a report on models"):
        read(tmp_path, "{")


def test_two_silent_models_prove_nothing(tmp_path: Path) -> None:
    told = trained_file(trained("plain", 0), trained("other", 0, "plain", paper=[1.0, 2.0]))
    for model in told["models"]:
        model["by_minute"] = {"streaming": (np.array(model["by_minute"]["streaming"]) * 0).tolist()}
    found = compare_training(read(tmp_path, told), "other", Mode.STREAMING)
    assert found is not None
    assert (found.here, found.verdict) == (Order.LEVEL, Verdict.NOTHING_RIGHT)
