"""One resampling: flux, place and holes are kept; memory stays small however huge the frame."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS, Sip

from giz.imaging.fits import open_frame
from giz.imaging.grid import galaxy_grid
from giz.imaging.resample import Patch, resample, without_fill
from tests.memory import at_most

from .frames import blob, camera, write

SHAPE = (240, 260)


def onto(path, grid):
    with open_frame(path) as frame:
        return resample(frame, grid)


def centroid(flux):
    y, x = np.indices(flux.shape) - (np.array(flux.shape) - 1)[:, None, None] / 2
    return (flux * x).sum() / flux.sum(), (flux * y).sum() / flux.sum()


@pytest.mark.parametrize("turn_deg", [0.0, 30.0, 90.0, 211.0])
@pytest.mark.parametrize("scale", [0.11, 0.396, 0.5, 1.3])
def test_flux_and_place_are_kept_at_any_turn_and_scale(turn_deg, scale, tmp_path):
    shape = (round(90 / scale), round(95 / scale))
    wcs = camera(shape, scale, turn_deg)
    path = write(tmp_path / "f.fits", blob(wcs, shape, scale_arcsec=scale), wcs, BUNIT="nanomaggy")
    flux = onto(path, galaxy_grid(150.0, 2.0, 25.0, 40.0)).flux
    assert flux.shape == (125, 125)
    assert flux.sum() == pytest.approx(1000.0, rel=2e-3)
    assert centroid(flux) == pytest.approx((0.0, 0.0), abs=0.02)


def test_a_mirrored_camera_gives_the_sky_as_it_is(tmp_path):
    wcs = camera(SHAPE)
    light = blob(wcs, SHAPE) + 0.5 * blob(wcs, SHAPE, ra=150.004)
    plain = onto(write(tmp_path / "a.fits", light, wcs), galaxy_grid(150.0, 2.0, 40.0, 20.0)).flux
    mirrored = wcs.deepcopy()
    mirrored.wcs.cd = wcs.wcs.cd * np.array([[-1, 1], [-1, 1]])
    mirrored.wcs.set()
    path = write(tmp_path / "b.fits", np.ascontiguousarray(light[:, ::-1]), mirrored)
    np.testing.assert_allclose(onto(path, galaxy_grid(150.0, 2.0, 40.0, 20.0)).flux, plain, atol=1e-3)


def test_the_same_grid_is_left_as_it_is(tmp_path):
    grid = galaxy_grid(150.0, 2.0, 40.0, 63.0)
    light = blob(grid.wcs, (200, 200), scale_arcsec=0.4)
    flux = onto(write(tmp_path / "f.fits", light, grid.wcs, BUNIT="nanomaggy"), grid).flux
    np.testing.assert_allclose(flux, light, atol=1e-3 * light.max())


def test_distorted_cameras_are_followed(tmp_path):
    wcs = camera(SHAPE)
    a = np.zeros((3, 3))
    a[2, 0], a[1, 1] = 2e-4, -1e-4
    wcs.wcs.ctype = ["RA---TAN-SIP", "DEC--TAN-SIP"]
    wcs.sip = Sip(a, a.T.copy(), None, None, wcs.wcs.crpix)
    path = tmp_path / "sip.fits"
    fits.PrimaryHDU(blob(wcs, SHAPE, ra=150.008, dec=2.006), wcs.to_header(relax=True)).writeto(path)
    flux = onto(path, galaxy_grid(150.008, 2.006, 25.0, 90.0)).flux
    assert centroid(flux) == pytest.approx((0.0, 0.0), abs=0.1)


def test_galactic_and_swapped_axes_are_understood(tmp_path):
    grid = galaxy_grid(150.0, 2.0, 25.0, 90.0)
    galactic = WCS(naxis=2)
    galactic.wcs.ctype = ["GLON-TAN", "GLAT-TAN"]
    from astropy.coordinates import SkyCoord

    place = SkyCoord(150.0, 2.0, unit="deg").galactic
    galactic.wcs.crval = [place.l.deg, place.b.deg]
    galactic.wcs.crpix = [130.0, 120.0]
    galactic.wcs.cdelt = [-0.5 / 3600, 0.5 / 3600]
    light = np.zeros(SHAPE, np.float32)
    y, x = np.indices(SHAPE)
    light += np.exp(-((x - 129) ** 2 + (y - 119) ** 2) / 72.0)
    assert centroid(onto(write(tmp_path / "g.fits", light, galactic), grid).flux) == pytest.approx((0, 0), abs=0.02)
    swapped = WCS(naxis=2)
    swapped.wcs.ctype = ["DEC--TAN", "RA---TAN"]
    swapped.wcs.crval = [2.0, 150.0]
    swapped.wcs.crpix = [130.0, 120.0]
    swapped.wcs.cdelt = [0.5 / 3600, -0.5 / 3600]
    assert centroid(onto(write(tmp_path / "s.fits", light, swapped), grid).flux) == pytest.approx((0, 0), abs=0.02)


def test_holes_stay_holes_and_do_not_bleed(tmp_path):
    wcs = camera(SHAPE)
    light = np.full(SHAPE, 5.0, np.float32)
    light[100:110, 100:140] = np.nan
    flux = onto(write(tmp_path / "h.fits", light, wcs), galaxy_grid(150.0, 2.0, 40.0, 45.0)).flux
    area = (0.4 / 0.5) ** 2
    assert np.isnan(flux).sum() == pytest.approx(400 / area, rel=0.1)
    np.testing.assert_allclose(flux[np.isfinite(flux)], 5.0 * area, rtol=1e-4)


def test_beyond_the_frame_there_is_no_data(tmp_path):
    wcs = camera(SHAPE)
    grid = galaxy_grid(150.0, 2.0, 120.0, 90.0)
    patch = onto(write(tmp_path / "f.fits", np.ones(SHAPE, np.float32), wcs), grid)
    assert patch.flux.shape == pytest.approx((240 * 0.5 / 0.4, 260 * 0.5 / 0.4), abs=1)
    assert patch.window[0].start == pytest.approx((600 - 300) / 2, abs=1)
    elsewhere = galaxy_grid(151.0, 2.0, 40.0, 90.0)
    assert onto(tmp_path / "f.fits", elsewhere) is None
    assert onto(tmp_path / "f.fits", galaxy_grid(330.0, -2.0, 40.0, 90.0)) is None


def test_frames_without_any_data_give_nothing(tmp_path):
    wcs = camera(SHAPE)
    path = write(tmp_path / "nan.fits", np.full(SHAPE, np.nan, np.float32), wcs)
    assert onto(path, galaxy_grid(150.0, 2.0, 40.0, 0.0)) is None


def test_a_huge_frame_takes_little_memory(tmp_path):
    """12,000 x 12,000 pixels (576 MB, a sparse file), of which a quarter of each side is needed."""
    side = 12_000
    header = fits.PrimaryHDU(np.zeros((1, 1), np.float32), camera((side, side), 0.1).to_header()).header
    header["NAXIS1"], header["NAXIS2"] = side, side
    path = tmp_path / "huge.fits"
    with path.open("wb") as out:
        out.write(header.tostring().encode())
        out.truncate(out.tell() + -(-4 * side * side // 2880) * 2880)
    grid = galaxy_grid(150.0, 2.0, 150.0, 30.0)
    with at_most(120):
        patch = onto(path, grid)
    assert patch.flux.shape == (750, 750)


@pytest.mark.finding("data 16")
@pytest.mark.parametrize("value", [0.0, 7.3, -1e5])
def test_an_even_frame_shows_nothing(value):
    even = np.full((60, 80), value, np.float32)
    assert without_fill(Patch("even", even, 3, 4)) is None
    almost = even * np.random.default_rng(0).uniform(1 - 5e-7, 1 + 5e-7, even.shape).astype(np.float32)
    assert without_fill(Patch("rounded", almost, 3, 4)) is None


@pytest.mark.finding("data 16")
def test_what_was_filled_up_is_left_out_and_light_stays():
    flux = np.random.default_rng(0).normal(5.0, 0.1, (60, 80)).astype(np.float32)
    flux[10:14, 10:14] = 1000.0  # a saturated star
    patch = Patch("whole", flux, 3, 4)
    assert without_fill(patch) is patch
    half = flux.copy()
    half[:, :40] = 0.0
    left = without_fill(Patch("half", half, 3, 4))
    assert (left.first_row, left.first_column, left.flux.shape) == (3, 44, (60, 40))
    np.testing.assert_array_equal(left.flux[:, 1:], half[:, 41:])
    holes = half.copy()
    holes[:, 70:] = np.nan
    assert without_fill(Patch("holes", holes, 3, 4)).flux.shape == (60, 30)
