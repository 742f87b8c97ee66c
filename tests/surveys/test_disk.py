"""A frame that can't be used is forgotten; one that our own disk has no room to unpack stays."""

import resource
import tempfile
from contextlib import contextmanager

import pytest

from giz.imaging.decoder import decoder_stop
from giz.imaging.grid import galaxy_grid
from giz.surveys.assemble import fetch_frame_set
from giz.surveys.survey import SurveyError

from .servers import GreatCircle, PanStarrsServer, SdssServer


@pytest.fixture
def grid(sky):
    return galaxy_grid(sky.place.ra.deg, sky.place.dec.deg, sky.d25_arcsec, sky.position_angle_deg)


@pytest.fixture
def server(sky, serve):
    return serve(SdssServer([GreatCircle(sky, 3704).frame(3, 90, 700.0, 1100.0)]))


@contextmanager
def no_room(_monkeypatch):
    """Files may grow to 4 MB: enough for packed frames, too little for what is in them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, hard))
    decoder_stop()  # the next one inherits the limit
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        decoder_stop()


@contextmanager
def no_temporary_folder(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", "/nowhere/at/all")
        yield


@pytest.mark.parametrize(("trouble", "words"), [(no_room, "File too large"), (no_temporary_folder, "No such file")])
def test_without_room_to_unpack_the_survey_is_not_blamed_and_its_frames_stay(
    trouble, words, grid, server, observatory, monkeypatch
):
    surveys = observatory(server).surveys(["sdss"])
    with trouble(monkeypatch), pytest.raises(SurveyError) as caught:
        fetch_frame_set(grid, surveys)
    assert (caught.value.code, caught.value.is_retryable) == ("cache_unwritable", False)
    assert words in caught.value.detail
    assert len(server.requests) == 4, "the table and three frames"
    assert set(fetch_frame_set(grid, surveys).bands) == {"g", "r", "i"}
    assert len(server.requests) == 4


def test_a_frame_that_is_cut_off_inside_is_forgotten_and_asked_for_again(grid, server, observatory):
    surveys = observatory(server).surveys(["sdss"])
    frame = server.frames[0]
    whole = frame.data("g", 0.0)
    server._made[frame.path("g")] = whole[: len(whole) // 2]
    with pytest.raises(SurveyError, match="band g: its file is damaged or cut off") as caught:
        fetch_frame_set(grid, surveys)
    assert caught.value.code == "survey_bad_answer"
    server._made[frame.path("g")] = whole
    assert set(fetch_frame_set(grid, surveys).bands) == {"g", "r", "i"}


def test_a_stack_without_a_usable_exposure_time_is_forgotten_and_asked_for_again(sky, grid, serve, observatory):
    server = serve(PanStarrsServer(sky))
    surveys = observatory(server).surveys(["panstarrs"])
    server.EXPTIME = PanStarrsServer.EXPTIME | {"g": 1e8}
    with pytest.raises(SurveyError, match="without a usable exposure time"):
        fetch_frame_set(grid, surveys)
    server.EXPTIME = PanStarrsServer.EXPTIME
    assert set(fetch_frame_set(grid, surveys).bands) == {"g", "r", "i"}
