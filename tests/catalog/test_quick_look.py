"""SDSS's own colour picture: turned like ours, shown where a band is missing, made anew with its set."""

import io
from urllib.parse import parse_qs

import numpy as np
import pytest
from PIL import Image

from giz.catalog.models import GalaxyImage
from giz.catalog.services.frames import frames_path, quick_look_path
from giz.catalog.storage import display_file_read
from giz.imaging.frameset import read_frame_set
from tests.catalog.fetched import galaxy_at, told
from tests.surveys.servers import GreatCircle, SdssServer
from tests.surveys.sky import shared_sky

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def sky():
    return shared_sky(size_px=256)


@pytest.fixture
def server(sky, serve):
    """SDSS with one frame whose i band holds no data."""
    server = serve(SdssServer([GreatCircle(sky, 3704).frame(3, 90, 700.0, 1100.0)], {(90, "i"): np.nan}))
    galaxy_at(sky)
    return server


def shown(band):
    image = GalaxyImage.objects.get(galaxy__pgc=4, band=band, is_current=True)
    return np.asarray(Image.open(io.BytesIO(display_file_read(image.stem, 128))).convert("RGB"), float)[..., 1]


def likeness(one, other):
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


@pytest.mark.slow
def test_where_a_band_is_missing_the_surveys_own_picture_is_the_colour_picture(server, run_command):
    assert "1 fetched, 0 unchanged, 0 failed; 3 pictures made" in run_command("fetch_images", "--pgc", 4)
    assert set(read_frame_set(frames_path(4)).bands) == {"g", "r"}
    assert set(GalaxyImage.objects.values_list("band", "origin")) == {("g", "sdss"), ("r", "sdss"), ("gri", "sdss")}
    # Our grey is dark where there is light; upside down or mirrored the two would not agree.
    colour, grey = shown("gri"), 255 - shown("r")
    assert likeness(colour, grey) > 0.6
    assert likeness(colour, grey) > max(likeness(colour[::-1], grey), likeness(colour[:, ::-1], grey)) + 0.02
    assert "0 made, 1 unchanged" in run_command("prepare_images", "--pgc", 4)


def test_a_cut_off_picture_is_not_kept_and_the_next_run_gets_a_whole_one(server, run_command):
    half = []

    def cut(handler, parts):
        if parts.path != "/jpeg":
            return False
        _, _, body = server._sdss("/jpeg", parse_qs(parts.query))
        half.append(body[: len(body) // 2])
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(half[-1])))
        handler.end_headers()
        handler.wfile.write(half[-1])
        return True

    server.faults.append(cut)
    assert "1 fetched, 0 unchanged, 0 failed; 2 pictures made" in run_command("fetch_images", "--pgc", 4)
    assert "PGC 4: no quick-look picture: The SkyServer sent no usable picture." in told()
    assert half
    server.faults.clear()
    assert "1 picture made" in run_command("fetch_images", "--pgc", 4)
    assert GalaxyImage.objects.filter(band="gri").count() == 1


def test_a_picture_that_was_damaged_here_is_told_and_fetched_anew(server, run_command):
    run_command("fetch_images", "--pgc", 4)
    good = quick_look_path(4).read_bytes()
    quick_look_path(4).write_bytes(good[:500])
    run_command("prepare_images", "--pgc", 4)
    assert "PGC 4: its quick-look picture is damaged; fetch_images fetches it again" in told()
    run_command("fetch_images", "--pgc", 4)
    assert quick_look_path(4).read_bytes() == good


def test_a_corrected_position_angle_turns_it_anew(sky, server, run_command):
    run_command("fetch_images", "--pgc", 4)
    before = quick_look_path(4).read_bytes()
    galaxy = GalaxyImage.objects.filter(band="gri").get().galaxy
    galaxy.position_angle_deg += 40
    galaxy.save()
    run_command("fetch_images", "--pgc", 4)
    assert quick_look_path(4).read_bytes() != before
    assert likeness(shown("gri"), 255 - shown("r")) > 0.6
