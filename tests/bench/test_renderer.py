"""`svlm bench renderer`: that it draws what it counts. How fast a machine is, no test judges."""

import json
from types import SimpleNamespace

import pytest
import torch

from svlm_cli.bench import renderer
from svlm_cli.simulator.match.match import HEIGHT, WIDTH, Scenes
from svlm_cli.simulator.match.render import draw
from tests.conftest import Svlm


def test_a_batch_is_as_varied_as_one_of_training() -> None:
    """Guards against timing one picture again and again, or pictures on which no score is ever drawn."""
    shown = renderer.scenes(1024)
    assert len(shown) == 1024
    assert shown.scoreboard.any()
    assert not shown.scoreboard.all()
    assert len({players.tobytes() for players in shown.players}) > 900
    assert len({tuple(kits) for kits in shown.kits.tolist()}) > 5


@pytest.mark.parametrize("count", [1, 15, 17])
def test_batches_of_any_size(count: int) -> None:
    """Guards the batch that does not divide by the matches, and the one with fewer moments than matches."""
    assert len(renderer.scenes(count)) == count


def test_every_batch_is_drawn_on_the_device_and_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the quotient: pictures of one batch over the time of one batch, the first ones left out."""
    drawn: list[tuple[int, ...]] = []
    clock = iter(range(1000))

    def seen(xp: object, scenes: Scenes, *, device: torch.device) -> None:
        drawn.append(tuple(draw(xp, scenes, device=device).shape))

    monkeypatch.setattr(renderer, "draw", seen)
    monkeypatch.setattr(renderer, "time", SimpleNamespace(perf_counter=lambda: float(next(clock)) ** 2))
    result = renderer.measure(torch.device("cpu"), batch=20, batches=3)
    assert drawn == [(20, HEIGHT, WIDTH, 3)] * 6
    assert result == renderer.Drawing("cpu", 20, 3, 17.0, 20 / 17)  # of 13, 17 and 21 s; 1, 5 and 9 s do not count


def test_the_command_prints_one_document_if_asked(svlm_inside: Svlm) -> None:
    done = svlm_inside("bench", "renderer", "--device", "cpu", "--batch", "32", "--batches", "2", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    (result,) = report["results"]
    assert (report["bench"], result["device"], result["batch"], result["batches"]) == ("renderer", "cpu", 32, 2)
    assert (report["setting"]["width"], report["setting"]["height"]) == (WIDTH, HEIGHT)
    assert result["frames_per_s"] == pytest.approx(32 / result["batch_s_median"])
