"""Uploaded bytes to square pictures: by content, in every format that is said, within bounds."""

import gzip
import io
import struct
import tracemalloc

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from giz.imaging import upload
from giz.imaging.decode import PictureError, decode_picture
from giz.imaging.decoder import PICTURE_SECONDS, upload_decode
from giz.imaging.fits import FitsError
from giz.imaging.greys import asinh_grey
from giz.imaging.upload import MOST_SIDE_PX
from giz.inference.requests import band_of_name
from tests.conftest import shared_folder
from tests.inference.sky import encoded, spiral


def read_upload(data, band=None, may_be_webp=False):
    return upload_decode(data, band=band, may_be_webp=may_be_webp, seconds=PICTURE_SECONDS, is_patient=True)


def fits_bytes(flux, **cards):
    header = fits.Header()
    for name, value in cards.items():
        header[name] = value
    out = io.BytesIO()
    fits.PrimaryHDU(flux.astype(np.float32), header).writeto(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "band"),
    [
        ("pgc4_d25x2_rot_g.png", "g"),
        ("pgc4_d25x2_rot_gri.sdss.jpg", "gri"),
        ("M31.R.fits", "r"),
        ("i.webp", "i"),
        ("galaxy.png", None),
        ("../../g", None),
        ("spring.png", None),
        ("_g.png" + "x" * 5000, None),
        ("", None),
    ],
)
def test_a_name_is_asked_for_its_band_and_nothing_else(name, band):
    assert band_of_name(name) == band


@pytest.mark.parametrize(("form", "options"), [("PNG", {}), ("JPEG", {"quality": 95}), ("WEBP", {"lossless": True})])
def test_pictures_of_every_format_are_read_and_looked_at_for_colour(form, options):
    made = spiral()
    band, colour = read_upload(encoded(made["gri"], form, **options), may_be_webp=True)
    assert (band, colour.shape) == ("gri", (160, 160, 3))
    band, grey = read_upload(encoded(made["g"], form, **options), may_be_webp=True)
    assert (band, grey.shape) == ("r", (160, 160))
    np.testing.assert_allclose(grey.astype(int), made["g"], atol=12)
    assert read_upload(encoded(made["gri"], form, **options), band="i", may_be_webp=True)[1].ndim == 2


def test_large_and_oblong_pictures_become_square_and_small_enough():
    wide = np.tile(np.arange(256, dtype=np.uint8), (1500, 8))[:, :2000]
    band, pixels = read_upload(encoded(wide))
    assert (band, pixels.shape) == ("r", (MOST_SIDE_PX, MOST_SIDE_PX))


def test_fits_images_with_and_without_sky_become_greys_right_side_up():
    flux = np.random.default_rng(0).normal(5, 0.1, (100, 120))
    flux[80:, :] += 3  # north is up: row 0 of a FITS image is at the bottom
    sky = WCS(naxis=2)
    sky.wcs.ctype, sky.wcs.cdelt, sky.wcs.crpix = ["RA---TAN", "DEC--TAN"], [-1e-4, 1e-4], [60, 50]
    for cards in ({"FILTER": "r"}, {"FILTER": "r", **dict(sky.to_header())}):
        band, pixels = read_upload(fits_bytes(flux, **cards))
        assert (band, pixels.shape) == ("r", (120, 120))
        assert pixels[15:25].mean() < pixels[80:].mean() - 20
    assert read_upload(fits_bytes(flux), band="i")[0] == "i"
    expected = asinh_grey(flux[::-1].astype(np.float32))
    np.testing.assert_array_equal(read_upload(fits_bytes(flux))[1][10:110], expected)


def test_a_large_fits_image_is_read_in_strips():
    flux = np.random.default_rng(0).normal(5, 0.1, (4096, 4096)).astype(np.float32)
    data = fits_bytes(flux)
    del flux
    tracemalloc.start()
    _band, pixels = read_upload(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert pixels.shape == (1024, 1024)
    assert peak < 100e6


def webp(chunk, body):
    return b"RIFF" + struct.pack("<I", 40) + b"WEBP" + chunk + struct.pack("<I", len(body)) + body.ljust(30, b"\0")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (webp(b"VP8X", b"\0\0\0\0" + b"\xff\x3f\0" * 2), "image_too_large"),
        (webp(b"VP8L", b"\x2f" + struct.pack("<I", 16383 | 16383 << 14)), "image_too_large"),
        (webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 16383, 16383)), "image_too_large"),
        (webp(b"VP8X", b"\x02\0\0\0" + b"\x7f\0\0" * 2), "unsupported_type"),
        (webp(b"ABCD", b"\0"), "bad_picture"),
        (b"RIFF\0\0\0\0WEBP", "bad_picture"),
    ],
)
def test_a_webp_is_judged_by_its_first_bytes(data, code):
    with pytest.raises(PictureError) as refused:
        decode_picture(data, "colour", takes_webp=True)
    assert refused.value.code == code
    with pytest.raises(PictureError) as refused:
        decode_picture(data, "colour")
    assert refused.value.code == "unsupported_type"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (fits_bytes(np.full((64, 64), np.nan)), "bad_fits"),
        (fits_bytes(np.full((64, 64), 1e35)), "bad_fits"),
        (fits_bytes(np.zeros((64, 64)))[:4000], "bad_fits"),
        (gzip.compress(fits_bytes(np.zeros((64, 64))), mtime=0), "bad_fits"),
        (fits_bytes(np.zeros((40, 400))), "bad_aspect"),
        (fits_bytes(np.zeros((8, 8))), "image_too_small"),
        (fits_bytes(np.zeros((3, 40, 40))), "bad_fits"),
    ],
)
def test_fits_files_that_can_not_be_used_are_refused(data, code):
    with pytest.raises((FitsError, PictureError)) as refused:
        read_upload(data)
    assert refused.value.code == code


@pytest.mark.finding("security S4")
@pytest.mark.parametrize("band", [None, "r", "gri"])
def test_a_picture_is_decoded_once(band, monkeypatch):
    loads = []
    real = upload.load_picture
    monkeypatch.setattr(upload, "load_picture", lambda *args, **options: loads.append(1) or real(*args, **options))
    upload.square_of_upload(io.BytesIO(encoded(spiral()["r"])), band=band, may_be_webp=False, name="")
    assert loads == [1]


@pytest.mark.finding("data 7", "data 13", "data 15", "data 16")
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("01-ps1-asinh-no-wcs.fits", None),
        ("08-grey16-max2047.png", None),
        ("08-grey16-max4095.png", None),
        ("22-dq-first.fits", None),
        ("22-weight-first.fits", None),
        ("22-table-only.fits", "bad_fits"),
        ("26-mag-no-wcs.fits", "bad_unit"),
        ("26-mag-with-wcs.fits", "bad_unit"),
        ("28-all-zero.fits", "blank_picture"),
    ],
)
def test_files_that_were_read_wrongly_before_are_read_or_refused(name, code):
    path = shared_folder() / "cases" / "data" / name
    if not path.exists():
        pytest.skip("the cases (../shared/cases) are not beside this repository")
    if code is None:
        pixels = read_upload(path.read_bytes())[1]
        assert np.ptp(pixels) > 150, "a galaxy, neither a card of one grey nor nearly black"
    else:
        with pytest.raises((FitsError, PictureError)) as refused:
            read_upload(path.read_bytes())
        assert refused.value.code == code


@pytest.mark.finding("data 7")
def test_asinh_counts_of_a_survey_look_alike_with_and_without_sky_coordinates():
    folder = shared_folder() / "cases" / "data"
    if not folder.is_dir():
        pytest.skip("the cases (../shared/cases) are not beside this repository")
    with_sky, without = (
        read_upload((folder / f"01-ps1-asinh-{kind}-wcs.fits").read_bytes())[1] for kind in ("with", "no")
    )
    np.testing.assert_array_equal(with_sky, without)
    grey = read_upload((folder / "08-grey8.png").read_bytes())[1].astype(float)
    grey *= 255 / grey.max()
    for most in (2047, 4095):
        low = read_upload((folder / f"08-grey16-max{most}.png").read_bytes())[1]
        assert np.abs(low - grey).max() <= 2
