"""The bank: photos of any shape, textures of any kind, all of ordinary brightness; and how things are drawn from it."""

from dataclasses import replace

import numpy as np
import pytest

from svlm_cli.simulator.footage.footage import EndlessFootage
from svlm_cli.simulator.footage.path import Path
from svlm_cli.simulator.footage.pictures import HEIGHT, WIDTH, PictureBank
from svlm_cli.simulator.footage.render import render
from svlm_cli.simulator.footage.silhouettes import Figure
from svlm_cli.simulator.footage.views import views_of
from tests.simulator.footage.scenery import SKIN, bank, photo, plain, thing


@pytest.mark.parametrize("size", [(90, 160), (1080, 1920), (640, 360), (400, 1500), (3, 2)])
def test_photos_of_any_shape_fill_their_place(size: tuple[int, int]) -> None:
    """Guards cutting and resizing: no rims, and the photo's middle in the middle."""
    left_dark = np.full((*size, 3), 200, np.uint8)
    left_dark[:, : size[1] // 2] = 40
    fitted = PictureBank.make([left_dark], textures=1).pixels[1].astype(int)
    assert fitted.shape == (HEIGHT, WIDTH, 3)
    assert (fitted[:, 0] < fitted[:, -1] - 50).all()
    assert (fitted == fitted[:1]).all()
    bright = fitted[0, :, 0] > fitted[0, [0, -1], 0].mean()
    assert abs(int(bright.sum()) - WIDTH // 2) <= WIDTH // 4


def test_what_is_no_photo_is_refused() -> None:
    """Guards against grey or floating pictures that would be drawn as noise."""
    with pytest.raises(ValueError, match="A photo is uint8"):
        PictureBank.make([np.zeros((40, 40, 3), np.float32)])
    with pytest.raises(ValueError, match="A photo is uint8"):
        PictureBank.make([np.zeros((40, 40), np.uint8)])


def test_all_pictures_are_of_ordinary_brightness() -> None:
    """Guards the log's light: a night photo under normal light would be told as bright as day."""
    photos = [np.full((40, 70, 3), value, np.uint8) for value in (0, 3, 30, 128, 250, 255)]
    pictures = PictureBank.make(photos, seed=3, textures=12)
    means = pictures.pixels.reshape(len(pictures), -1).mean(axis=1)
    assert means[12:].max() < 220
    assert means[12:].min() > 40
    assert ((means > 40) & (means < 220)).all()


def test_textures_come_from_the_seed_and_differ() -> None:
    """Guards seeds, and variety: one texture many times teaches nothing."""
    first, again, other = (PictureBank.make(seed=seed, textures=10).pixels for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any(axis=(1, 2, 3)).all()
    assert len({texture.tobytes() for texture in first[:10]}) == 10
    assert (first[:10].reshape(10, -1).std(axis=1) > 3).all()


def test_a_world_does_not_depend_on_its_bank() -> None:
    """Guards picks: all pictures are shown, photos more often, and none is needed."""
    draws = np.random.default_rng(0).random((2000, 2)).astype(np.float32)
    no = np.zeros(2000, np.bool_)
    with_photos = PictureBank.make([photo(0), photo(1)], textures=3).pick(draws, no, no)
    assert set(with_photos.tolist()) == {0, 1, 2, 3, 4}
    assert (with_photos >= 3).mean() > 0.6
    assert set(PictureBank.make(textures=3).pick(draws, no, no).tolist()) == {0, 1, 2}
    assert PictureBank.make(textures=3).pick(np.ones((1, 2), np.float32), no[:1], no[:1]).tolist() == [2]


def test_a_bare_wall_is_not_behind_a_camera_that_moves() -> None:
    """Guards pans that nobody can see; where all walls are bare, they have to do."""
    draws = np.random.default_rng(0).random((500, 2)).astype(np.float32)
    bare = np.full((50, 80, 3), 120, np.uint8)
    pictures = PictureBank.make([bare, photo(0), bare, photo(1)], textures=8)
    assert pictures.lively[8:12].tolist() == [False, True, False, True]
    yes, no = np.ones(500, np.bool_), np.zeros(500, np.bool_)
    for soft in (no, yes):
        picked = pictures.pick(draws, yes, soft)
        assert pictures.lively[picked].all()
        assert {9 + 12 * soft[0], 11 + 12 * soft[0]} <= set(picked.tolist())
    assert set(pictures.pick(draws, no, no).tolist()) == set(range(12))
    walls = replace(pictures, lively=np.zeros(24, np.bool_))
    assert set(walls.pick(draws, yes, no).tolist()) == set(range(12))
    for shot in EndlessFootage(3).shots(0, 1200):
        if shot.backdrop.plain:
            assert not shot.camera.path.legs
            assert shot.camera.shake is None
            assert shot.camera.follows is None


def test_what_is_out_of_focus_is_the_same_picture_without_its_edges() -> None:
    """Guards backgrounds behind things close by: another picture, or one that is sharp, would teach nothing."""
    pictures = PictureBank.make([photo(0)], textures=1)
    sharp, soft = pictures.pixels[1].astype(float), pictures.pixels[3].astype(float)
    assert abs(sharp.mean() - soft.mean()) < 1
    assert abs(np.diff(soft, axis=1)).max() < abs(np.diff(sharp, axis=1)).max() / 4
    shot = plain()
    drawn = [
        render(views_of(replace(shot, backdrop=replace(shot.backdrop, soft=soft)), np.zeros(1)), bank())[0]
        for soft in (False, True)
    ]
    edges = [abs(np.diff(one.astype(float), axis=1)).max() for one in drawn]
    assert edges[1] < edges[0] / 2


@pytest.mark.parametrize("kind", Figure)
@pytest.mark.parametrize("shadow", [0.0, 0.5])
def test_nothing_of_a_thing_is_cut_off(kind: Figure, shadow: float) -> None:
    """Guards reaches: a body that bends, leans and casts a shadow lies wholly within its own."""
    one = replace(
        thing(Path(0.0, 0.0, float(np.log(0.14))), kind=kind),
        skin=replace(SKIN, shadow=shadow),
        stirs=1.0,
        bends=0.2,
        lean=0.3,
        flaps_hz=1.0,
    )
    scenes = views_of(replace(plain(), things=(one,)), np.asarray([0.4, 1.1, 1.9]))
    everywhere = replace(scenes, reach=np.tile(np.asarray([-0.5, -0.3, 0.5, 0.3], np.float32), (len(scenes.reach), 1)))
    drawn = render(scenes, bank())
    np.testing.assert_array_equal(drawn, render(everywhere, bank()))
    without = render(views_of(plain(), np.asarray([0.4])), bank())
    assert 100 < (drawn[0] != without[0]).any(axis=2).sum() < 126 * 224 / 2
