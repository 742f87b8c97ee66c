"""A set on disk: written whole, read back, the same bytes, and pictures the right way up."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from giz.imaging.fits_structure import FitsError
from giz.imaging.frameset import FrameSet, read_frame_set, set_pictures, write_frame_set
from giz.imaging.grid import galaxy_grid
from giz.imaging.mosaic import Mosaic


@pytest.fixture
def frames():
    grid = galaxy_grid(150.0, 2.0, 20.0, 30.0)
    rng = np.random.default_rng(0)
    light = 0.03 * rng.standard_normal((3, 100, 100)).astype(np.float32)
    light[:, 70:80, 20:30] += 5.0
    bands = {band: Mosaic(light[n], (0.0,), 0.0, 0.03) for n, band in enumerate("gri")}
    return FrameSet(grid, bands, "sdss", True, "abc", ("003704-3-0090", "003704-3-0091"))


def test_a_set_comes_back_as_it_was(frames, tmp_path):
    path = tmp_path / "a" / "set.fits"
    write_frame_set(path, frames)
    back = read_frame_set(path)
    assert (back.grid, back.survey, back.is_calibrated, back.request, back.sources) == (
        *(frames.grid, "sdss", True, "abc", frames.sources),
    )
    for band in "gri":
        np.testing.assert_array_equal(back.bands[band].flux, frames.bands[band].flux)
        assert back.bands[band].sky_sigma == 0.03
    assert [path.name for path in path.parent.iterdir()] == ["set.fits"]


def test_the_same_set_gives_the_same_bytes(frames, tmp_path):
    assert write_frame_set(tmp_path / "a.fits", frames) == write_frame_set(tmp_path / "b.fits", frames)


def test_other_programs_find_place_zero_point_and_unit(frames, tmp_path):
    write_frame_set(tmp_path / "a.fits", frames)
    with fits.open(tmp_path / "a.fits") as hdus:
        header = hdus["R"].header
        assert (header["BUNIT"], header["MAGZP"]) == ("nanomaggy", 22.5)
        assert header["NMGY2MJY"] == pytest.approx(0.003631)
        np.testing.assert_allclose(WCS(header).wcs_pix2world([[49.5, 49.5]], 0)[0], [150.0, 2.0], atol=1e-9)


def test_the_request_tells_whether_a_set_is_still_right(frames, tmp_path):
    write_frame_set(tmp_path / "a.fits", frames)
    assert read_frame_set(tmp_path / "a.fits").request == "abc"
    (tmp_path / "cut.fits").write_bytes((tmp_path / "a.fits").read_bytes()[:4000])
    with pytest.raises(FitsError, check=lambda error: error.code == "bad_fits"):
        read_frame_set(tmp_path / "cut.fits")


def test_damaged_and_foreign_files_are_refused(frames, tmp_path):
    fits.PrimaryHDU(np.zeros((5, 5))).writeto(tmp_path / "foreign.fits")
    with pytest.raises(FitsError, check=lambda error: error.code == "bad_fits"):
        read_frame_set(tmp_path / "foreign.fits")
    with pytest.raises(FitsError, match="can't be read"):
        read_frame_set(tmp_path / "none.fits")


def test_pictures_have_their_first_row_on_top(frames):
    pictures = set_pictures(frames)
    assert set(pictures) == {"g", "r", "i", "gri"}
    # The light lies in rows 70 to 80 from the bottom: 20 to 30 from the top.
    assert pictures["r"][25, 25] < 60 < 200 < pictures["r"][75, 25]
    assert pictures["gri"][25, 25].max() > 200


def test_missing_bands_leave_out_their_picture_and_the_colour(frames):
    fewer = FrameSet(frames.grid, {"r": frames.bands["r"]}, "sdss", True, "abc")
    assert set(set_pictures(fewer)) == {"r"}


@pytest.mark.finding("data 16")
def test_a_band_of_one_value_gives_no_picture(frames):
    bands = dict(frames.bands)
    bands["g"] = Mosaic(np.zeros((100, 100), np.float32), (0.0,), 0.0, 0.0)
    assert set(set_pictures(replace(frames, bands=bands))) == {"r", "i"}
