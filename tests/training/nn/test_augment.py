"""Augmentation keeps the label: similarity transforms only; and the same seeds give the same pictures everywhere."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from giz.training.nn import augment
from giz.training.nn.augment import PLAIN, SYNTHETIC, Augmentation, Augmenter, augmentation_for, draw
from giz.training.nn.batches import BatchPlan, feed, make_sample
from giz.training.nn.data import TrainingData
from giz.training.nn.pixels import pieces
from tests.training.discs import disc, pictures

SIZE_PX = 512


def stack(brightness: np.ndarray) -> torch.Tensor:
    bands = pictures(brightness)
    greys = np.stack([bands[band] for band in "gri"])
    return torch.from_numpy(np.concatenate([greys, bands["gri"].transpose(2, 0, 1)]))


def axial_ratio(picture: np.ndarray, threshold: float) -> float:
    """b/a of the isophote at `threshold` around the peak, from the second moments of what it encloses."""
    parts, _ = ndimage.label(picture > threshold)
    inner = slice(SIZE_PX // 4, 3 * SIZE_PX // 4)
    y, x = np.nonzero(parts == parts[inner, inner].flat[picture[inner, inner].argmax()])
    small, large = np.linalg.eigvalsh(np.cov(np.stack([x, y])))
    return float(np.sqrt(small / large))


@pytest.mark.parametrize("inclination_deg", [50, 75])
def test_the_axial_ratio_comes_through_the_whole_augmentation_within_a_percent(inclination_deg: float) -> None:
    count = 8
    brightness = disc(inclination_deg, 20.0, SIZE_PX)
    pixels = stack(brightness).unsqueeze(0).repeat(count, 1, 1, 1)
    # Corners, noise and stars cover pixels; they move none.
    augmenter = Augmenter(replace(Augmentation(), corner_share=0.0, noise_share=0.0, star_share=0.0))
    changed = augmenter(
        pixels, np.arange(count, dtype=np.uint64), np.arange(count) % 2 == 1, np.ones((count, 4), bool)
    ).numpy()
    ratio = np.cos(np.deg2rad(inclination_deg))
    for number in range(count):
        grey = changed[number, 0] if number % 2 else 1 - changed[number, 0]
        for picture in (grey, changed[number, 4]):
            middle = 0.5 * (picture[200:312, 200:312].max() + np.median(picture))
            assert axial_ratio(picture, middle) == pytest.approx(ratio, rel=0.01)


def test_untouched_pictures_are_exact_quarter_turns_and_mirrors() -> None:
    pixels = torch.randint(0, 256, (16, 6, 32, 32), dtype=torch.uint8)
    how = replace(PLAIN, turns=True)
    changed = Augmenter(how)(pixels, np.arange(16, dtype=np.uint64), np.zeros(16, bool), np.ones((16, 4), bool))
    seen = set()
    for before, after in zip(pixels, changed, strict=True):
        fits = [
            (turns, mirrored)
            for turns in range(4)
            for mirrored in (False, True)
            for turned in [torch.rot90(before, turns, (1, 2))]
            if torch.equal((turned.flip(2) if mirrored else turned).float() / 255, after)
        ]
        assert len(fits) == 1
        seen |= set(fits)
    assert len(seen) > 4


def test_nothing_is_changed_where_nothing_is_asked_for_but_the_inversion_of_greys() -> None:
    pixels = torch.randint(0, 256, (2, 6, 32, 32), dtype=torch.uint8)
    wanted = np.array([[True] * 4, [False, True, False, True]])
    changed = Augmenter(PLAIN)(pixels, np.zeros(2, np.uint64), np.array([False, True]), wanted)
    assert torch.equal(changed[0], pixels[0].float() / 255)
    assert torch.allclose(changed[1, 1], 1 - pixels[1, 1].float() / 255)
    assert torch.equal(changed[1, 3:], pixels[1, 3:].float() / 255)
    assert not changed[1, [0, 2]].any()


def test_a_share_of_pictures_is_only_turned_and_the_others_are_changed_as_ever() -> None:
    seeds = np.arange(400, dtype=np.uint64)
    drawn = draw(replace(SYNTHETIC, plain_share=0.4), seeds)

    def is_as(how: Augmentation) -> np.ndarray:
        pairs = [(getattr(drawn, name.name), getattr(draw(how, seeds), name.name)) for name in fields(drawn)]
        return np.all([(mine == other).reshape(seeds.size, -1).all(axis=1) for mine, other in pairs], axis=0)

    is_plain = is_as(replace(PLAIN, turns=True))
    assert (is_plain ^ is_as(SYNTHETIC)).all()
    assert 0.33 < is_plain.mean() < 0.47


def test_a_picture_depends_on_its_own_seed_alone() -> None:
    pixels = torch.randint(0, 256, (4, 6, 32, 32), dtype=torch.uint8)
    seeds, all_there = np.array([7, 8, 9, 10], np.uint64), np.ones((4, 4), bool)
    augmenter = Augmenter(Augmentation(noise_share=1.0))
    together = augmenter(pixels, seeds, np.zeros(4, bool), all_there)
    alone = augmenter(pixels[2:3], seeds[2:3], np.zeros(1, bool), all_there[:1])
    assert torch.allclose(together[2:3], alone, atol=1e-6)


def test_pictures_changed_together_as_on_a_gpu_are_those_changed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    count = 24
    pixels = torch.from_numpy(rng.integers(0, 256, (count, 6, 32, 32), dtype=np.uint8))
    seeds, inverted = rng.integers(2**63, size=count, dtype=np.uint64), rng.random(count) < 0.5
    wanted = np.array([[True] * 4, [True, False, True, True], [False, True, False, False]])[rng.integers(0, 3, count)]
    augmenter = Augmenter(SYNTHETIC)
    alone = augmenter(pixels, seeds, inverted, wanted)
    monkeypatch.setattr(augment, "pieces", lambda which, one_by_one: pieces(which, one_by_one=False))
    assert torch.equal(augmenter(pixels, seeds, inverted, wanted), alone)


def test_batches_are_the_same_whatever_the_number_of_workers(data: TrainingData) -> None:
    plan = BatchPlan(data, task="both", size=48, seed=5, all_bands=True)
    augmenter = Augmenter(Augmentation())
    alone = list(feed(data, plan, augmenter, start=2, stop=8, workers=0))
    threaded = list(feed(data, plan, augmenter, start=2, stop=8, workers=3))
    for one, other in zip(alone, threaded, strict=True):
        assert torch.equal(one.pictures, other.pictures)
        assert torch.equal(one.inclination_deg, other.inclination_deg)
    later = make_sample(data, plan.batch(7), augmenter)
    assert torch.equal(later.pictures, alone[-1].pictures)


def test_the_light_of_an_added_bulge_is_round_central_and_leaves_what_was_given_as_it_was() -> None:
    greys, colour = torch.full((8, 3, 64, 64), 230), torch.full((8, 3, 64, 64), 10)
    pixels = torch.cat([greys, colour], dim=1).to(torch.uint8)
    before = pixels.clone()
    changed = Augmenter(replace(PLAIN, bulge_share=1.0))(
        pixels, np.arange(8, dtype=np.uint64), np.zeros(8, bool), np.ones((8, 4), bool)
    )
    assert torch.equal(pixels, before)
    added = changed - before.float() / 255
    assert (added[:, 0, 31:33, 31:33] < -0.05).all()
    assert (added[:, 3, 31:33, 31:33] > 0.05).all()
    assert (added[:, :, 0].abs() < 0.01).all()
    for turned in (added.flip(2), added.flip(3), added.transpose(2, 3)):
        assert torch.equal(turned, added)


def test_an_added_halo_is_round_faint_and_reaches_beyond_the_galaxy() -> None:
    pixels = torch.cat([torch.full((8, 3, 64, 64), 230), torch.full((8, 3, 64, 64), 10)], dim=1).to(torch.uint8)
    changed = Augmenter(replace(PLAIN, halo_share=1.0))(
        pixels, np.arange(8, dtype=np.uint64), np.zeros(8, bool), np.ones((8, 4), bool)
    )
    added = (changed - pixels.float() / 255)[:, 0]
    middle, outside = -added[:, 31:33, 31:33].mean((1, 2)), -added[:, 32, 4]
    assert ((middle > 0.02) & (middle < 0.13)).all()
    assert (outside > 0.1 * middle).all()
    for turned in (added.flip(1), added.flip(2), added.transpose(1, 2)):
        assert torch.equal(turned, added)


def test_an_echo_is_faint_and_makes_outskirts_rounder_and_the_bright_disk_hardly() -> None:
    count = 8
    pixels = stack(disc(70, 20.0, SIZE_PX)).unsqueeze(0).repeat(count, 1, 1, 1)
    before = pixels.clone()
    changed = Augmenter(replace(PLAIN, echo_share=1.0))(
        pixels, np.arange(count, dtype=np.uint64), np.zeros(count, bool), np.ones((count, 4), bool)
    )
    assert torch.equal(pixels, before)
    plain = pixels[0].float() / 255
    for number in range(count):
        for was, now in ((1 - plain[0], 1 - changed[number, 0]), (plain[4], changed[number, 4])):
            sky, peak = float(was.median()), float(was.max())
            added = (now - was).numpy()
            assert added.min() > -0.005
            assert 0.05 * (peak - sky) < added.max() < 0.45 * (peak - sky)
            rounder = [
                axial_ratio(now.numpy(), sky + share * (float(now.max()) - sky))
                / axial_ratio(was.numpy(), sky + share * (peak - sky))
                for share in (0.06, 0.7)
            ]
            assert rounder[0] > 1.05
            assert 0.99 < rounder[1] < 1.35
            assert rounder[1] - 1.0 < 0.5 * (rounder[0] - 1.0)


def test_a_picture_gets_a_halo_a_bulge_or_an_echo_by_their_shares() -> None:
    drawn = draw(SYNTHETIC, np.arange(2000, dtype=np.uint64))
    is_there, is_halo, has_echo = drawn.bulge[:, 0] > 0, drawn.bulge[:, 1] > 0.2, drawn.echo[:, 0] > 0
    assert not (is_there & has_echo).any()
    assert has_echo.mean() == pytest.approx(SYNTHETIC.echo_share, abs=0.04)
    assert (is_there & is_halo).mean() == pytest.approx(0.6 * (1 - SYNTHETIC.echo_share), abs=0.04)
    assert (is_there & ~is_halo).mean() == pytest.approx(0.2 * (1 - SYNTHETIC.echo_share), abs=0.04)
    strength, along, across, side = drawn.echo[has_echo].T
    assert (strength >= SYNTHETIC.echo[0]).all()
    assert (strength <= SYNTHETIC.echo[1]).all()
    assert (along > 1.0).all()
    assert (across / along >= SYNTHETIC.echo_rounder[0]).all()
    assert set(side) == {-1.0, 1.0}


def test_round_light_and_echoes_are_added_to_synthetic_galaxies_only() -> None:
    assert augmentation_for("synthetic") == SYNTHETIC
    for origin in ("volunteers", ""):
        drawn = draw(augmentation_for(origin), np.arange(500, dtype=np.uint64))
        assert not drawn.bulge[:, 0].any()
        assert not drawn.echo[:, 0].any()


def test_a_tight_frame_leaves_what_is_inside_and_puts_noisy_sky_around() -> None:
    count = 6
    generator = torch.Generator().manual_seed(3)
    sky = torch.randint(20, 30, (count, 6, 128, 128), dtype=torch.uint8, generator=generator)
    pixels = sky.clone()
    pixels[..., 62:66, 8:120] = 200
    how = replace(PLAIN, frame_share=1.0, frame=(0.5, 0.6))
    wanted = np.ones((count, 4), bool)
    before = Augmenter(PLAIN)(pixels, np.arange(count, dtype=np.uint64), np.zeros(count, bool), wanted)
    after = Augmenter(how)(pixels, np.arange(count, dtype=np.uint64), np.zeros(count, bool), wanted)
    assert torch.equal(before[..., 48:80, 48:80], after[..., 48:80, 48:80])
    assert (before[..., 64, 100:118] > 0.7).all()
    beyond = after[..., 62:66, 104:]
    assert (beyond < 0.2).all()
    assert beyond.mean().item() == pytest.approx(24.5 / 255, abs=0.01)
    assert 0.3 < (beyond.std() / (sky.float() / 255).std()).item() < 2.0


def test_frames_change_nothing_of_what_else_is_drawn() -> None:
    seeds = np.arange(300, dtype=np.uint64)
    without, having = draw(SYNTHETIC, seeds), draw(replace(SYNTHETIC, frame_share=0.5), seeds)
    assert not without.frame[:, 0].any()
    assert np.mean(having.frame[:, 0] > 0) == pytest.approx(0.5, abs=0.1)
    for one in fields(without):
        if one.name != "frame":
            np.testing.assert_array_equal(getattr(without, one.name), getattr(having, one.name))
