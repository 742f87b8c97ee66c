"""The public way to make a galaxy: determinism, streams, arguments, pictures."""

import json
import math
import re

import numpy as np
import pytest

from giz.synthetic import GALAXY_TYPES, REJECT_REASONS, SyntheticGalaxy, display_images, make_galaxy, make_reject
from giz.synthetic.neighbours import BESIDE
from tests.conftest import REPOSITORY
from tests.lab.display_figures import colour_figures, grey_figures


def test_the_same_seed_gives_the_same_bytes() -> None:
    one, two = (make_galaxy("Scd", 64.0, 17, size_px=128) for _ in range(2))
    assert one.frames.tobytes() == two.frames.tobytes()
    assert one.parameters == two.parameters


def test_another_seed_gives_another_galaxy() -> None:
    one, two = (make_galaxy("Scd", 64.0, seed, size_px=128) for seed in (17, 18))
    assert one.d25_arcsec != two.d25_arcsec
    assert one.frames.tobytes() != two.frames.tobytes()


def test_leaving_out_the_field_leaves_the_galaxy_and_its_noise_as_they_were() -> None:
    full, clean = make_galaxy("Sbc", 50.0, 3, size_px=128), make_galaxy("Sbc", 50.0, 3, size_px=128, clean=True)
    assert full.noise_free is not None
    assert clean.noise_free is not None
    np.testing.assert_array_equal(full.noise_free, clean.noise_free)
    difference = np.abs(full.frames - clean.frames)[1]
    assert np.median(difference) < 0.3 * np.std(clean.frames[1, :20])
    assert difference.max() > 10 * np.median(difference)


def test_stars_stay_in_their_places_when_the_galaxy_is_tilted() -> None:
    def field(tilt: float) -> np.ndarray:
        with_stars, without = (make_galaxy("Sbc", tilt, 5, size_px=128, clean=clean) for clean in (False, True))
        return (with_stars.frames - without.frames)[1]

    lying, standing = field(20.0), field(80.0)
    brightest = np.unravel_index(lying.argmax(), lying.shape)
    moved = np.unravel_index(standing.argmax(), standing.shape)
    assert np.hypot(brightest[0] - moved[0], brightest[1] - moved[1]) <= 1.5


@pytest.mark.parametrize("size_px", [64, 100, 128, 300])
def test_any_size_gives_frames_of_that_size_on_a_field_of_twice_d25(size_px: int) -> None:
    galaxy = make_galaxy("Sdm", 70.0, 2, size_px=size_px)
    assert galaxy.frames.shape == (3, size_px, size_px)
    assert galaxy.frames.dtype == np.float32
    assert galaxy.pixel_scale_arcsec * size_px == pytest.approx(2.0 * galaxy.d25_arcsec)
    pictures = display_images(galaxy)
    assert set(pictures) == {"g", "r", "i", "gri"}
    assert pictures["r"].shape == (size_px, size_px)
    assert pictures["gri"].shape == (size_px, size_px, 3)


def test_a_galaxy_has_the_same_flux_at_any_size() -> None:
    fluxes = []
    for size_px in (64, 128, 256):
        noise_free = make_galaxy("Sbc", 66.0, 8, size_px=size_px).noise_free
        assert noise_free is not None
        fluxes.append(float(noise_free.sum()))
    np.testing.assert_allclose(fluxes, fluxes[0], rtol=0.04)


@pytest.fixture(scope="module")
def spirals() -> list[SyntheticGalaxy]:
    """Two galaxies of each type, tilted by 50° to 86°."""
    return [make_galaxy(GALAXY_TYPES[seed % 5], 50.0 + 4 * seed, seed, size_px=128) for seed in range(10)]


def test_the_stretch_puts_the_sky_and_the_brightest_pixel_where_its_formula_says(
    spirals: list[SyntheticGalaxy],
) -> None:
    """grey = 255 (1 - asinh(10 x) / asinh(10)): the sky at x = 0.027, the brightest 0.35 % at x >= 1."""
    sky_grey = 255.0 * (1.0 - math.asinh(10 * 0.027) / math.asinh(10))
    for galaxy in spirals:
        pictures = display_images(galaxy)
        sky = np.concatenate([pictures["r"][:32], pictures["r"][-32:]])  # the quarters that the stretch measures
        assert np.median(sky) == pytest.approx(sky_grey, abs=1.0)
        assert pictures["r"][32:96, 32:96].min() == 0
        np.testing.assert_allclose(np.median(pictures["gri"][:30], axis=(0, 1)), galaxy.look.sky_rgb, atol=1.0)


def test_along_the_major_axis_greys_and_colours_are_like_those_of_real_galaxies(spirals: list[SyntheticGalaxy]) -> None:
    """The median of ours lies within the middle 68 % of 23 real galaxies, as the table of imaging.md gives them."""
    text = (REPOSITORY / "docs/reference/imaging.md").read_text()
    # Colour ends at R25: beyond it only the glow of the sky is left, which is drawn.
    radii = {"greys": ("0", "0.25", "0.5", "0.75", "1", "1.3"), "colour": ("0", "0.25", "0.5", "0.75", "1")}
    for kind, band, measure in (("greys", "r", grey_figures), ("colour", "gri", colour_figures)):
        ours = [measure(display_images(galaxy)[band]) for galaxy in spirals]
        for radius in radii[kind]:
            figure = f"at {radius} R25"
            row = re.search(rf"^\| {kind} \| {re.escape(figure)} \| \d+ \((\d+) to (\d+)\) \|", text, re.MULTILINE)
            assert row is not None, figure
            assert int(row[1]) <= np.median([one[figure] for one in ours]) <= int(row[2]), (kind, figure)


def test_a_disturbed_galaxy_keeps_its_truth_and_its_other_components() -> None:
    calm = make_galaxy("Sbc", 60.0, 4, size_px=128)
    tidal = make_galaxy("Sbc", 60.0, 4, size_px=128, disturbed=True)
    assert tidal.inclination_deg == 60.0
    assert tidal.reject_reason is None
    assert 0.1 <= abs(tidal.parameters["tide"]["twist_rad"]) <= 0.4
    assert calm.noise_free is not None
    assert tidal.noise_free is not None
    change = np.abs(calm.noise_free - tidal.noise_free).sum() / calm.noise_free.sum()
    assert 0.01 < change < 0.8
    assert tidal.noise_free.sum() == pytest.approx(calm.noise_free.sum(), rel=0.15)


def test_everything_drawn_is_kept_as_json() -> None:
    galaxy = make_galaxy("SBb", 81, 12, size_px=64)
    kept = json.loads(json.dumps(galaxy.parameters))
    assert kept["inclination_deg"] == 81.0
    assert kept["bar_length_h"] > 0.0
    assert galaxy.d25_arcsec == kept["d25_arcsec"]


def test_an_unknown_type_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"Unknown galaxy type 'Sc'; choose one of Sab, Sbc, SBb, Scd, Sdm\."):
        make_galaxy("Sc", 50.0, 1)


@pytest.mark.parametrize("tilt", [-0.1, 90.1, float("nan"), float("inf"), "60", None])
def test_an_inclination_outside_0_to_90_is_refused(tilt: object) -> None:
    with pytest.raises(ValueError, match=r"from 0 \(face-on\) to 90 \(edge-on\); got"):
        make_galaxy("Sbc", tilt, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("size_px", [63, 1025, 0, -5, 128.5, "128"])
def test_a_size_outside_64_to_1024_is_refused(size_px: object) -> None:
    with pytest.raises(ValueError, match="size_px must be"):
        make_galaxy("Sbc", 50.0, 1, size_px=size_px)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [-1, 1.5, None])
def test_a_seed_that_is_no_whole_number_is_refused(seed: object) -> None:
    with pytest.raises(ValueError, match="seed must be a whole number >= 0; got"):
        make_galaxy("Sbc", 50.0, seed)  # type: ignore[arg-type]


def test_an_unknown_reason_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="Unknown reject reason 'ugly'; choose one of " + ", ".join(REJECT_REASONS)):
        make_reject("ugly", 1)


@pytest.mark.parametrize("beside", BESIDE)
def test_what_lies_beside_adds_light_and_leaves_the_truth(beside: str) -> None:
    alone = make_galaxy("Sbc", 60.0, 4, size_px=128, clean=True)
    seen = make_galaxy("Sbc", 60.0, 4, size_px=128, clean=True, beside=beside)
    assert seen.inclination_deg == 60.0
    assert seen.frames.sum() > alone.frames.sum()
    assert beside in seen.parameters
    with pytest.raises(ValueError, match="star, companion"):
        make_galaxy("Sbc", 60.0, 4, beside="comet")
