"""FITS files of any make are read; damaged, lying and wrong ones are refused in clear words (A12)."""

import bz2
import gzip
import lzma

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from giz.imaging.fits import FitsError, open_frame
from giz.imaging.fits_structure import UPLOAD, check_file
from tests.hostile import SKY, as_file, bombs_of_coordinates
from tests.hostile import fits as fits_file
from tests.memory import at_most

from .frames import blob, camera, write

SHAPE = (120, 160)


@pytest.fixture
def plain(tmp_path):
    wcs = camera(SHAPE)
    return write(tmp_path / "plain.fits", blob(wcs, SHAPE), wcs, BUNIT="nanomaggy")


def whole(path, **options):
    with open_frame(path, **options) as frame:
        return frame.section(slice(None), slice(None))


def refusal(path, **options):
    with pytest.raises(FitsError) as caught:
        whole(path, **options)
    return caught.value


def test_a_plain_frame_is_described_and_read(plain):
    with open_frame(plain) as frame:
        assert frame.shape == SHAPE
        assert frame.pixel_scale_arcsec == pytest.approx(0.5)
        assert (frame.nmgy_per_unit, frame.zero_point_mag) == (1.0, 22.5)
        assert frame.section(slice(10, 20), slice(5, 9)).shape == (10, 4)
    assert whole(plain).sum() == pytest.approx(1000, rel=1e-3)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gzip", "bzip2", "xz"])
def test_packed_frames_are_read_whatever_their_name(pack, plain, tmp_path):
    packed = tmp_path / "frame.fits"
    packed.write_bytes(pack(plain.read_bytes()))
    np.testing.assert_array_equal(whole(packed), whole(plain))


def test_tile_compressed_extensions_are_read(plain, tmp_path):
    wcs = camera(SHAPE)
    path = write(tmp_path / "tiles.fits", blob(wcs, SHAPE), wcs, compressed=True, BUNIT="nanomaggy")
    np.testing.assert_allclose(whole(path), whole(plain), atol=1e-4)


def test_the_first_image_with_sky_coordinates_is_taken(plain, tmp_path):
    wcs = camera(SHAPE)
    before = [fits.PrimaryHDU(), fits.ImageHDU(np.zeros((4, 4))), fits.BinTableHDU.from_columns([])]
    path = write(tmp_path / "many.fits", blob(wcs, SHAPE), wcs, first=before, EXTNAME="SCI")
    np.testing.assert_array_equal(whole(path), whole(plain))
    np.testing.assert_array_equal(whole(path, extension="SCI"), whole(plain))
    assert "no extension 'ERR'" in refusal(path, extension="ERR").detail


def test_further_axes_of_length_one_are_no_hindrance(plain, tmp_path):
    wcs = camera(SHAPE)
    path = write(tmp_path / "cube.fits", blob(wcs, SHAPE)[None, None], wcs)
    np.testing.assert_array_equal(whole(path), whole(plain))
    deep = write(tmp_path / "deep.fits", np.zeros((3, *SHAPE), np.float32), wcs)
    assert "3 axes" in refusal(deep).detail


def test_scaled_integers_and_blanks_become_flux_and_nan(tmp_path):
    wcs = camera(SHAPE)
    stored = np.full(SHAPE, 100, np.int16)
    stored[3, 4] = -32768
    path = write(tmp_path / "int.fits", stored, wcs, BUNIT="nanomaggy")
    with fits.open(path, mode="update", do_not_scale_image_data=True) as hdus:
        hdus[0].header.update(BSCALE=0.5, BZERO=10.0, BLANK=-32768)
    values = whole(path)
    assert values[0, 0] == 60.0
    assert np.isnan(values[3, 4])
    assert np.isnan(values).sum() == 1


def test_infinities_are_no_data(tmp_path):
    wcs = camera(SHAPE)
    data = np.ones(SHAPE, np.float32)
    data[0, :3] = np.inf, -np.inf, np.nan
    assert np.isnan(whole(write(tmp_path / "inf.fits", data, wcs))).sum() == 3


@pytest.mark.parametrize(
    ("cards", "factor"),
    [
        ({"BUNIT": "nanomaggy"}, 1.0),
        ({"BUNIT": "nanomaggies/pixel"}, 1.0),
        ({"BUNIT": "Jy"}, 1 / 3.631e-6),
        ({"BUNIT": "mJy/pix"}, 1e-3 / 3.631e-6),
        ({"BUNIT": "uJy"}, 1e-6 / 3.631e-6),
        ({"BUNIT": "MJy/sr"}, 1e6 / 3.631e-6 * 0.25 / 206264.806**2),
        ({"BUNIT": "counts", "MAGZP": 25.0}, 0.1),
        ({"MAGZP": 22.5}, 1.0),
    ],
)
def test_units_of_flux_become_nanomaggies(cards, factor, tmp_path):
    wcs = camera(SHAPE)
    path = write(tmp_path / "unit.fits", np.full(SHAPE, 2.0, np.float32), wcs, **cards)
    assert whole(path)[0, 0] == pytest.approx(2.0 * factor, rel=1e-5)


def test_counts_without_a_zero_point_stay_relative(tmp_path):
    wcs = camera(SHAPE)
    path = write(tmp_path / "adu.fits", np.full(SHAPE, 7.0, np.float32), wcs, BUNIT="ADU")
    with open_frame(path) as frame:
        assert (frame.nmgy_per_unit, frame.zero_point_mag) == (None, None)
        assert frame.section(slice(0, 1), slice(0, 1))[0, 0] == 7.0


@pytest.mark.parametrize("unit", ["mag", "mag/arcsec2", "K", "km/s", "Jy/beam"])
def test_units_that_are_no_flux_are_refused_with_the_unit_and_what_is_wanted(unit, tmp_path):
    wcs = camera(SHAPE)
    error = refusal(write(tmp_path / "bad.fits", np.ones(SHAPE, np.float32), wcs, BUNIT=unit))
    assert error.code == "bad_unit"
    assert unit in error.detail
    assert "nanomaggies" in error.detail


def test_zero_points_that_cannot_be_are_refused(tmp_path):
    path = write(tmp_path / "zp.fits", np.ones(SHAPE, np.float32), camera(SHAPE), MAGZP=-99.0)
    assert refusal(path).code == "bad_unit"


def test_images_without_sky_coordinates_are_refused(tmp_path):
    spectrum = WCS(naxis=2)
    spectrum.wcs.ctype = ["WAVE", "LINEAR"]
    for wcs in (None, spectrum):
        assert "sky coordinates" in refusal(write(tmp_path / "x.fits", np.ones(SHAPE, np.float32), wcs)).detail


def header_only(path, **cards):
    """A header that promises more than the file holds."""
    header = fits.Header([("SIMPLE", True), ("BITPIX", -32), ("NAXIS", 2), ("NAXIS1", 100), ("NAXIS2", 100)])
    header.update(camera(SHAPE).to_header())
    header.update(cards)
    path.write_bytes(header.tostring().encode())
    return path


@pytest.mark.parametrize(
    "cards",
    [
        {"NAXIS1": 1_000_000, "NAXIS2": 1_000_000},
        {"NAXIS1": 2_000_000_000, "NAXIS2": 2_000_000_000},
        {"BITPIX": 12},
        {"BITPIX": 64, "NAXIS1": 10_000, "NAXIS2": 10_000},
        {"NAXIS1": -5},
        {"NAXIS": 999},
        {"PCOUNT": 10**15},
        {"GCOUNT": 10**15},
    ],
    ids=str,
)
def test_headers_that_promise_what_is_not_there_cost_nothing(cards, tmp_path):
    with at_most(50):
        error = refusal(header_only(tmp_path / "lie.fits", **cards))
    assert error.code == "bad_fits"


def test_a_file_that_does_hold_more_pixels_than_are_read_is_refused_without_reading_them(tmp_path):
    path = header_only(tmp_path / "huge.fits", NAXIS1=30_000, NAXIS2=30_000)
    with path.open("r+b") as file:
        file.truncate(2880 * 2 + 4 * 30_000**2 + 2880)  # a sparse file
    with at_most(50):
        assert refusal(path).code == "fits_too_large"


def test_a_header_without_end_is_refused(tmp_path):
    card = b"COMMENT " + b"x" * 72
    path = tmp_path / "endless.fits"
    path.write_bytes(b"SIMPLE  =                    T".ljust(80) + card * 72_000)
    assert "without end" in refusal(path).detail


def test_bombs_are_stopped_while_they_unpack(tmp_path):
    path = tmp_path / "bomb.fits.gz"
    with gzip.open(path, "wb", compresslevel=9) as out:
        out.write(b"SIMPLE  =                    T".ljust(80))
        for _ in range(120):
            out.write(bytes(1_000_000))
    with at_most(50):
        error = refusal(path)
    assert error.code == "fits_too_large"
    assert "unpacks to more than 32,000,000" in error.detail


def test_tiles_too_large_to_open_are_refused(tmp_path):
    wcs = camera(SHAPE)
    path = write(tmp_path / "tiles.fits", blob(wcs, SHAPE), wcs, compressed=True)
    data = path.read_bytes()
    for key in (b"ZNAXIS1", b"ZTILE1  "):
        start = data.index(key)
        card = key[:8].ljust(8) + b"=" + b"19000".rjust(21)
        data = data[:start] + card.ljust(80) + data[start + 80 :]
    start = data.index(b"ZTILE2  ")
    data = data[:start] + (b"ZTILE2  =" + b"19000".rjust(21)).ljust(80) + data[start + 80 :]
    path.write_bytes(data)
    assert refusal(path).code in ("fits_too_large", "bad_fits")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_files_that_are_cut_off_are_refused(share, plain):
    data = plain.read_bytes()
    plain.write_bytes(data[: int(share * len(data))])
    assert refusal(plain).code == "bad_fits"


def test_packed_files_that_are_cut_off_are_refused(plain, tmp_path):
    for number, pack in enumerate((gzip.compress, bz2.compress, lzma.compress)):
        packed = tmp_path / f"{number}.fits"
        packed.write_bytes(pack(plain.read_bytes())[:-200])
        assert "damaged or cut off" in refusal(packed).detail


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"SIMPLE", b"\x1f\x8b", b"BZh9", gzip.compress(b"hello", mtime=0), b"\0" * 9000]
)
def test_what_is_no_fits_file_is_refused(content, tmp_path):
    path = tmp_path / "x.fits"
    path.write_bytes(content)
    assert refusal(path).code == "bad_fits"


@pytest.mark.parametrize(("scale", "zero"), [(1e38, 0.0), (1.0, 1e38)])
def test_scales_that_make_no_flux_are_refused(scale, zero, tmp_path):
    path = write(tmp_path / "scale.fits", np.full(SHAPE, 3, np.int16), camera(SHAPE))
    with fits.open(path, mode="update", do_not_scale_image_data=True) as hdus:
        hdus[0].header.update(BSCALE=scale, BZERO=zero)
    assert "can't be a flux" in refusal(path).detail


def test_a_singular_matrix_is_refused(tmp_path):
    wcs = camera(SHAPE)
    header = wcs.to_header()
    path = write(tmp_path / "flat.fits", np.ones(SHAPE, np.float32), wcs)
    with fits.open(path, mode="update") as hdus:
        for key in list(header):
            if key.startswith("PC"):
                hdus[0].header[key] = 0.0
    assert refusal(path).code == "bad_fits"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_anywhere_gives_pixels_or_a_clear_refusal(plain, data):
    original = plain.read_bytes()
    damaged = bytearray(original)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, 5759))] = data.draw(st.integers(0, 255))
    target = plain.with_name("damaged.fits")
    target.write_bytes(bytes(damaged))
    try:
        values = whole(target)
    except FitsError:
        return
    assert values.dtype == np.float32


def test_asinh_counts_of_pan_starrs_become_linear(tmp_path):
    wcs, counts = camera(SHAPE), 500.0
    stored = np.full(SHAPE, 1.0857362048 * np.arcsinh((counts - 12.0) / (2 * 50.0)), np.float32)
    path = write(tmp_path / "ps.fits", stored, wcs, BSOFTEN=50.0, BOFFSET=12.0)
    value = whole(path, has_own_unit=True)[0, 0]
    assert value == pytest.approx(counts, rel=1e-4)


def test_big_endian_and_double_precision_are_read_alike(tmp_path):
    wcs = camera(SHAPE)
    values = [whole(write(tmp_path / f"{kind}.fits", blob(wcs, SHAPE).astype(kind), wcs)) for kind in (">f4", "<f8")]
    np.testing.assert_allclose(values[0], values[1])
    assert values[0].dtype == values[1].dtype == np.float32


def images(path, *parts):
    """A file of images, each (values, name, header): the first is the primary one."""
    hdus = [
        (fits.ImageHDU if number else fits.PrimaryHDU)(np.full(shape, value, np.float32), header)
        for number, (value, shape, name, header) in enumerate(parts)
    ]
    for hdu, (_value, _shape, name, _header) in zip(hdus, parts, strict=True):
        if name:
            hdu.header["EXTNAME"] = name
    fits.HDUList(hdus).writeto(path)
    return path


SMALL = (48, 48)
SKY_CARDS = camera(SHAPE).to_header()
CHOICES = {
    "a mask first": [(1, SHAPE, "DQ", None), (2, SHAPE, "SCI", SKY_CARDS)],
    "a mask with sky coordinates first": [(1, SHAPE, "DQ", SKY_CARDS), (2, SHAPE, "SCI", SKY_CARDS)],
    "a weight first": [(1, SHAPE, "WHT", None), (2, SHAPE, "", None)],
    "an error first": [(1, SHAPE, "ERR_1", None), (2, SHAPE, "SCI_1", None)],
    "a variance of another program": [(1, SHAPE, "var_poisson", None), (2, SHAPE, "image", None)],
    "an inverse variance by its kind": [(1, SHAPE, "", fits.Header([("IMTYPE", "invvar")])), (2, SHAPE, "", None)],
    "a preview first": [(1, SMALL, "", None), (2, SHAPE, "", None)],
    "a preview called so": [(1, (300, 300), "THUMBNAIL", None), (2, SHAPE, "", None)],
    "a larger image without sky coordinates": [(1, (300, 300), "", None), (2, SHAPE, "", SKY_CARDS)],
    "a larger image that is not SCI": [(1, (300, 300), "MODEL", None), (2, SHAPE, "SCI", None)],
    "two alike": [(2, SHAPE, "", None), (1, SHAPE, "", None)],
}


@pytest.mark.finding("data 7")
@pytest.mark.parametrize("parts", CHOICES.values(), ids=CHOICES)
def test_the_image_of_the_sky_is_found_among_others(parts, tmp_path):
    path = images(tmp_path / "many.fits", *parts)
    assert whole(path, needs_sky=False).max() == 2.0
    if any(header is SKY_CARDS for *_rest, header in parts):
        assert whole(path).max() == 2.0


@pytest.mark.finding("data 7")
def test_what_holds_no_image_is_told_so(tmp_path):
    table = fits.BinTableHDU.from_columns([fits.Column("x", "E", array=np.ones(5))])
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(tmp_path / "table.fits")
    assert "holds no image." in refusal(tmp_path / "table.fits", needs_sky=False).detail
    mask = images(tmp_path / "mask.fits", (1, SHAPE, "MASK", None))
    assert "only masks" in refusal(mask, needs_sky=False).detail
    cube = write(tmp_path / "cube.fits", np.ones((3, *SHAPE), np.float32))
    assert "3 axes" in refusal(cube, needs_sky=False).detail


@pytest.mark.finding("data 7")
@pytest.mark.parametrize("unit", ["mag", "mag/arcsec2", "K", "km/s", "Jy/beam"])
def test_units_are_looked_at_without_sky_coordinates_too(unit, tmp_path):
    path = write(tmp_path / "mag.fits", np.ones(SHAPE, np.float32), BUNIT=unit)
    assert refusal(path, needs_sky=False).code == "bad_unit"


@pytest.mark.finding("data 7")
def test_asinh_counts_become_linear_without_sky_coordinates_too(tmp_path):
    stored = np.full(SHAPE, 1.0857362048 * np.arcsinh(500.0 / (2 * 50.0)), np.float32)
    path = write(tmp_path / "ps.fits", stored, BSOFTEN=50.0, BOFFSET=0.0)
    assert whole(path, needs_sky=False)[0, 0] == pytest.approx(500.0, rel=1e-4)


@pytest.mark.finding("security S1", "security S2", "abuse A12")
@pytest.mark.parametrize("data", bombs_of_coordinates().values(), ids=bombs_of_coordinates())
def test_coordinates_beyond_reason_are_refused_before_any_library_sees_them(data):
    with pytest.raises(FitsError) as caught:
        check_file(as_file(data), "x.fits")
    assert caught.value.code == "bad_fits"


def test_coordinates_that_surveys_do_write_are_within_the_limits():
    most = {"WCSAXES": 4, "CTYPE3": "STOKES", "A_ORDER": 9, "B_ORDER": 9, "A_9_0": 1e-9, "PV1_39": 0.0, "PC4_4": 1.0}
    check_file(as_file(fits_file(b"HIERARCH ESO ADA POSANG = 1.5", **{**SKY, **most})), "x.fits")
    # Columns of a table may have any number.
    table = fits.BinTableHDU.from_columns([fits.Column(f"c{number}", "E", array=[1.0]) for number in range(20)])
    table.header["CTYPE19"] = "no axis"
    out = as_file(b"")
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(out)
    check_file(out, "x.fits")


@pytest.mark.finding("security S2", "abuse A12")
def test_an_upload_has_a_short_header():
    for count, is_taken in ((1300, True), (1500, False), (5000, False)):
        data = as_file(fits_file(*[b"COMMENT x"] * count))
        if is_taken:
            check_file(data, "x.fits", UPLOAD)
        else:
            with pytest.raises(FitsError):
                check_file(data, "x.fits", UPLOAD)
        check_file(data, "x.fits")
