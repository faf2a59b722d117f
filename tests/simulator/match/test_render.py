"""Pictures: the same from numpy and torch, and showing what the scene says."""

import numpy as np
import pytest
import torch

from svlm_cli.simulator.match.match import HEIGHT, WIDTH, Match, Scenes
from svlm_cli.simulator.match.pitch import STRIP_HEIGHT
from svlm_cli.simulator.match.render import PALETTE, draw, render
from svlm_cli.simulator.match.teams import KITS


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return Scenes.join([Match(seed).scenes(np.arange(0, 120, 0.5)) for seed in range(4)])


def test_numpy_and_torch_draw_the_same_pixels(scenes: Scenes) -> None:
    """Guards training on pictures that the video file does not have."""
    assert scenes.scoreboard.any()
    pictures = render(scenes)
    assert pictures.shape == (len(scenes), HEIGHT, WIDTH, 3)
    assert pictures.dtype == np.uint8
    drawn = draw(torch, scenes, device="cpu")
    assert drawn.dtype == torch.uint8
    np.testing.assert_array_equal(drawn.numpy(), pictures)


def test_pictures_do_not_depend_on_their_neighbours(scenes: Scenes) -> None:
    """Guards batches: each picture is drawn from its own moment alone."""
    together = render(Match(0).scenes([1.0, 200.0, 300.5]))
    for moment, time_s in enumerate((1.0, 200.0, 300.5)):
        np.testing.assert_array_equal(together[moment], render(Match(0).scenes([time_s]))[0])


def test_discs_and_ball_are_where_the_scene_says(scenes: Scenes) -> None:
    """Guards the centre, the order of x and y, and each kit's colour."""
    pictures = render(scenes)
    moments = np.arange(len(scenes))
    assert (pictures[moments, scenes.ball[:, 1], scenes.ball[:, 0]] == 255).all()
    for player in (3, 7):  # the last of each team: drawn over all others but the ball
        others = np.concatenate([scenes.players[:, player + 1 :], scenes.ball[:, None]], axis=1)
        free = (np.linalg.norm(others - scenes.players[:, player, None], axis=2) > 7).all(axis=1)
        x, y = scenes.players[free, player].T
        kits = np.asarray([PALETTE[KITS[kit]] for kit in scenes.kits[free, player // 4]])
        np.testing.assert_array_equal(pictures[moments[free], y, x], kits)


def test_the_strip_shows_the_score_and_nothing_else(scenes: Scenes) -> None:
    """Guards the scoreboard: it differs for each score, and is quite empty while it is hidden."""
    strips = render(scenes)[:, : STRIP_HEIGHT - 1]
    hidden = strips[~scenes.scoreboard]
    assert (hidden == hidden[0, 0, 0]).all()
    boards: dict[bytes, set[tuple[int, ...]]] = {}
    for strip, score, kits in zip(strips, scenes.score, scenes.kits, strict=True):
        boards.setdefault(strip.tobytes(), set()).add((*score.tolist(), *kits.tolist()))
    assert max(len(scores) for strip, scores in boards.items() if strip != hidden[0].tobytes()) == 1


def test_every_digit_looks_different() -> None:
    """Guards the glyphs against a slip of the pen."""
    one = Match(0).scenes([0.0])
    scores = np.asarray([(home, away) for home in range(10) for away in range(10)], np.int32)
    many = Scenes(
        players=one.players.repeat(len(scores), axis=0),
        ball=one.ball.repeat(len(scores), axis=0),
        kits=one.kits.repeat(len(scores), axis=0),
        score=scores,
        scoreboard=np.ones(len(scores), np.bool_),
    )
    assert len({picture.tobytes() for picture in render(many)}) == len(scores)
