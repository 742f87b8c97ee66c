"""Frames of the three surveys become one set: level major axis, centred, flux kept, 2 x D25 wide."""

import json
from urllib.parse import parse_qs

import numpy as np
import pytest
from astropy.wcs import WCS

from giz.imaging.grid import galaxy_grid
from giz.surveys.assemble import fetch_frame_set
from giz.surveys.survey import SurveyError

from .servers import GreatCircle, HipsServer, LocalServer, PanStarrsServer, SdssServer
from .sky import BANDS, aperture_flux, fits_bytes, shape_of


@pytest.fixture
def grid(sky):
    return galaxy_grid(sky.place.ra.deg, sky.place.dec.deg, sky.d25_arcsec, sky.position_angle_deg)


def sdss_frames(sky):
    """Three frames that share the galaxy: two of one scan, cut through the galaxy, and one of another scan."""
    scan, other = GreatCircle(sky, 3704), GreatCircle(sky, 4263, tilt_deg=-20.0)
    return [
        scan.frame(3, 90, 1400.0, 1100.0, score=0.9),
        scan.frame(3, 91, 1400.0 - 1361.0, 1100.0, score=0.9),
        other.frame(2, 119, 700.0, 60.0, score=0.6),
    ]


def check_truth(sky, grid, frames):
    """What the issue asks of a set, against the light that the frames were made from."""
    assert set(frames.bands) == set(BANDS)
    assert frames.grid.field_arcsec == pytest.approx(2 * sky.d25_arcsec, abs=0.4)
    assert frames.is_calibrated
    for band in BANDS:
        flux = frames.bands[band].flux
        assert np.isfinite(flux).all()
        cx, cy, angle = shape_of(flux, grid.scale_arcsec, sky.d25_arcsec)
        true_cx, true_cy, true_angle = shape_of(sky.truth[band], sky.scale_arcsec, sky.d25_arcsec)
        shrink = sky.scale_arcsec / grid.scale_arcsec
        assert angle == pytest.approx(-true_angle, abs=1.0)
        assert (cx, cy) == pytest.approx((true_cx * shrink, -true_cy * shrink), abs=1.0)
        assert aperture_flux(flux, grid.scale_arcsec, sky.d25_arcsec) == pytest.approx(
            sky.flux_of_truth(band), rel=0.01
        )


@pytest.mark.slow
def test_sdss_frames_with_skies_of_their_own_become_one_set(sky, grid, serve, observatory):
    pedestals = {(90, "g"): 0.02, (91, "g"): -0.03, (119, "r"): 0.05, (91, "i"): 0.04}
    server = serve(SdssServer(sdss_frames(sky), pedestals))
    frames = fetch_frame_set(grid, observatory(server).surveys(["sdss"]))
    check_truth(sky, grid, frames)
    assert frames.survey == "sdss"
    assert len(frames.sources) >= 2
    # The seam between the frames does not show: rows above and below it have the same sky.
    assert max(abs(offset) for offset in frames.bands["g"].sky_offsets) > 0.01


def test_pan_starrs_skycells_of_asinh_counts_become_one_set(sky, grid, serve, observatory):
    frames = fetch_frame_set(grid, observatory(serve(PanStarrsServer(sky))).surveys(["panstarrs"]))
    check_truth(sky, grid, frames)
    assert frames.sources == ("1795.044", "1795.045")


def test_a_hips_comes_on_the_very_grid_and_is_not_resampled_again(sky, grid, serve, observatory):
    server = serve(HipsServer(sky))
    frames = fetch_frame_set(grid, observatory(server).surveys(["hips"]))
    check_truth(sky, grid, frames)
    assert frames.survey == "hips-legacy"
    direct = sky.expose(grid.wcs, (grid.side_px, grid.side_px), "r")
    assert np.abs(frames.bands["r"].flux - direct).max() < 1e-3 * direct.max()


def test_surveys_are_tried_in_order_until_one_covers_the_field(sky, grid, serve, observatory):
    far = GreatCircle(sky, 3704).frame(3, 90, 9000.0, 1100.0)
    servers = serve(SdssServer([far])), serve(PanStarrsServer(sky)), serve(HipsServer(sky))
    frames = fetch_frame_set(grid, observatory(*servers).surveys())
    assert frames.survey == "panstarrs"
    assert servers[2].requests == []


def test_where_no_survey_has_been_it_says_which_were_asked(sky, grid, serve, observatory):
    servers = serve(SdssServer([])), serve(HipsServer(sky, surveys=()))
    with pytest.raises(SurveyError, match=r"asked: SDSS, DESI Legacy Surveys, DSS2; the best sees 0%") as caught:
        fetch_frame_set(grid, observatory(*servers).surveys(["sdss", "hips"]))
    assert caught.value.code == "not_covered"


def test_plates_without_units_are_kept_as_relative_flux(sky, grid, serve, observatory):
    frames = fetch_frame_set(grid, observatory(serve(HipsServer(sky, surveys=("DSS2",)))).surveys(["hips"]))
    assert frames.survey == "hips-dss2"
    assert not frames.is_calibrated


def test_a_survey_that_is_down_is_not_passed_over_in_silence(sky, grid, serve, observatory):
    down = serve(SdssServer([]))
    down.faults.append(lambda handler, _parts: handler.send_error(503) or True)
    with pytest.raises(SurveyError, match=r"is busy \(HTTP 503\)") as caught:
        fetch_frame_set(grid, observatory(down, serve(PanStarrsServer(sky))).surveys(["sdss", "panstarrs"]))
    assert caught.value.code == "survey_down"
    assert caught.value.is_retryable


def test_pictures_that_fail_do_not_keep_frames_of_the_same_host_from_being_fetched(sky, grid, serve, observatory):
    server = serve(SdssServer([GreatCircle(sky, 3704).frame(3, 90, 700.0, 1100.0)]))
    server.faults.append(lambda handler, parts: parts.path == "/jpeg" and (handler.send_error(500) or True))
    sdss = observatory(server).sdss
    for _ in range(3):
        with pytest.raises(SurveyError, match="HTTP 500"):
            sdss.quick_look(grid)
    with pytest.raises(SurveyError, match="no request is sent"):
        sdss.quick_look(grid)
    assert len(list(sdss.exposures(grid))) == 1


SDSS_HEADER = "run,rerun,camcol,field,score,a,b,c,d,e,f,node,incl"
PS_HEADER = "projcell subcell filter filename"
STRANGE_TABLES = {
    "a field beyond what is read": ("sdss", f"{SDSS_HEADER}\n{'1' * 140_000},301,3,90,0.9,1,1,1,1,1,1,1,1"),
    "a column's name beyond what is read": ("sdss", "r" * 140_000),
    "an open quote": ("sdss", f'{SDSS_HEADER}\n"' + "secret\n" * 20_000),
    "a run that is none": ("sdss", f"{SDSS_HEADER}\n1e300,301,3,90,0.9,1,1,1,1,1,1,1,1"),
    "a run that is no number": ("sdss", f"{SDSS_HEADER}\nnan,301,3,90,0.9,1,1,1,1,1,1,1,1"),
    "nothing but blanks": ("sdss", "\n \n"),
    "a skycell of foreign digits": ("panstarrs", f"{PS_HEADER}\n١٧٩٥ 044 g /a/b.fits"),
    "a skycell in words": ("panstarrs", f"{PS_HEADER}\n1795 secret g /a/b.fits"),
    "a file of foreign letters": ("panstarrs", f"{PS_HEADER}\n1795 044 g /ä/b.fits"),
}


@pytest.mark.parametrize(("survey", "body"), STRANGE_TABLES.values(), ids=STRANGE_TABLES)
def test_strange_tables_of_frames_are_refused_in_words(survey, body, grid, serve, observatory):
    server = serve(LocalServer(lambda path, query: (200, {}, body.encode())))
    server.urls = {"skyserver": f"{server.url}/sql", "panstarrs-files": f"{server.url}/files"}
    with pytest.raises(SurveyError) as caught:
        fetch_frame_set(grid, observatory(server).surveys([survey]))
    assert caught.value.code == "survey_bad_answer"
    assert "secret" not in caught.value.detail


def test_a_unit_that_is_none_is_told_without_the_words_of_the_survey(grid, serve, observatory):
    body = fits_bytes(np.ones((grid.side_px, grid.side_px), np.float32), grid.wcs, BUNIT="secret")
    server = serve(LocalServer(lambda path, query: (200, {}, body)))
    server.urls = {"hips": server.url}
    with pytest.raises(SurveyError, match="legacy, band g: it states no flux that can be used") as caught:
        fetch_frame_set(grid, observatory(server).surveys(["hips"]))
    assert caught.value.code == "survey_bad_answer"
    assert "secret" not in caught.value.detail


def filling(value, share=1.0):
    """A fault of hips2fits: this share of every image, from the left, holds one value."""

    def fault(handler, parts):
        query = parse_qs(parts.query)
        if "DESI" not in query["hips"][0]:
            return False
        header = json.loads(query["wcs"][0])
        shape = header["NAXIS2"], header["NAXIS1"]
        flux = np.random.default_rng(0).normal(1.0, 0.1, shape).astype(np.float32)
        flux[:, : round(share * shape[1])] = value
        body = fits_bytes(flux, WCS(header), BUNIT="nanomaggy")
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        return True

    return fault


@pytest.mark.finding("data 16")
@pytest.mark.parametrize(
    ("value", "share"), [(0.0, 1.0), (1000.0, 1.0), (0.0, 0.5)], ids=["zeros", "even", "half of zeros"]
)
def test_frames_without_light_are_no_frames_and_the_next_survey_is_asked(value, share, sky, grid, serve, observatory):
    server = serve(HipsServer(sky, surveys=("DSS2",)))
    server.faults.append(filling(value, share))
    frames = fetch_frame_set(grid, observatory(server).surveys(["hips"]))
    assert frames.survey == "hips-dss2"
    assert all(frames.bands[band].sky_sigma > 0 for band in BANDS)


@pytest.mark.finding("data 16")
def test_where_every_survey_sends_blank_frames_the_field_is_not_covered(sky, grid, serve, observatory):
    server = serve(HipsServer(sky, surveys=()))
    server.faults.append(filling(0.0))
    with pytest.raises(SurveyError) as caught:
        fetch_frame_set(grid, observatory(server).surveys(["hips"]))
    assert caught.value.code == "not_covered"
