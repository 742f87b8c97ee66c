"""manage.py fetch_images and prepare_images: frames from local servers to pictures, resumable, in clear words."""

import signal
import time
from pathlib import Path

import numpy as np
import pytest
from django.core.management.base import CommandError
from PIL import Image

from giz.catalog.models import Galaxy, GalaxyImage
from giz.catalog.services.frames import frames_path, quick_look_path
from giz.core.models import Job
from giz.imaging.frameset import read_frame_set
from tests.catalog.fetched import galaxy_at, start_command, state, told
from tests.surveys.servers import GreatCircle, HipsServer, NamesServer, SdssServer
from tests.surveys.sky import aperture_flux, shape_of, shared_sky

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def sky():
    return shared_sky(size_px=256)


def all_turns(picture):
    return {
        "as it is": picture,
        "upside down": picture[::-1],
        "mirrored": picture[:, ::-1],
        "turned": picture[::-1, ::-1],
    }


@pytest.mark.slow
def test_sdss_frames_become_a_level_set_and_its_pictures(sky, serve, run_command):
    scan = GreatCircle(sky, 3704)
    serve(SdssServer([scan.frame(3, 90, 1400.0, 1100.0), scan.frame(3, 91, 39.0, 1100.0)], {(91, "g"): 0.05}))
    galaxy_at(sky)
    assert "1 fetched, 0 unchanged, 0 failed; 4 pictures made" in run_command("fetch_images", "--pgc", 4)
    frames = read_frame_set(frames_path(4))
    for band in "gri":
        flux = frames.bands[band].flux
        cx, cy, angle = shape_of(flux, 0.4, sky.d25_arcsec)
        true_cx, true_cy, true_angle = shape_of(sky.truth[band], sky.scale_arcsec, sky.d25_arcsec)
        shrink = sky.scale_arcsec / 0.4
        assert angle == pytest.approx(-true_angle, abs=1.0)
        assert (cx, cy) == pytest.approx((true_cx * shrink, -true_cy * shrink), abs=1.0)
        assert aperture_flux(flux, 0.4, sky.d25_arcsec) == pytest.approx(sky.flux_of_truth(band), rel=0.01)
    assert frames.grid.field_arcsec == pytest.approx(2 * sky.d25_arcsec, abs=0.4)
    images = GalaxyImage.objects.filter(galaxy__pgc=4, is_current=True)
    assert sorted(images.values_list("band", flat=True)) == ["g", "gri", "i", "r"]
    assert set(images.values_list("origin", flat=True)) == {"sdss"}
    # The survey's own picture is turned like ours, and waits beside the frames for a set without a band.
    with Image.open(quick_look_path(4)) as picture:
        green = np.asarray(picture.convert("RGB"), float)[::-1, :, 1]
    flux = frames.bands["r"].flux
    assert green.shape == flux.shape
    likeness = {turn: np.corrcoef(turned.ravel(), flux.ravel())[0, 1] for turn, turned in all_turns(green).items()}
    assert max(likeness, key=likeness.get) == "as it is"
    assert likeness["as it is"] > 0.75  # clipped at its bright end, eight bits deep


def test_without_sdss_own_picture_a_galaxy_is_none_the_worse_and_the_next_run_asks_again(sky, serve, run_command):
    server = serve(SdssServer([GreatCircle(sky, 3704).frame(3, 90, 700.0, 1100.0)]))
    server.faults.append(lambda handler, parts: parts.path == "/jpeg" and (handler.send_error(404) or True))
    galaxy_at(sky)
    assert "1 fetched, 0 unchanged, 0 failed; 4 pictures made" in run_command("fetch_images", "--pgc", 4)
    assert "PGC 4: no quick-look picture: 127.0.0.1 has no such file. [not_found]" in told()
    server.faults.clear()
    assert "0 fetched, 1 unchanged, 0 failed" in run_command("fetch_images", "--pgc", 4)
    assert quick_look_path(4).exists()


def test_the_same_command_again_asks_nobody_and_changes_nothing(sky, serve, settings, run_command):
    server = serve(HipsServer(sky))
    galaxy_at(sky)
    run_command("fetch_images", "--pgc", 4, "--surveys", "hips")
    before, asked = state(settings.SURVEY_FOLDER), len(server.requests)
    assert "0 fetched, 1 unchanged, 0 failed; 0 pictures" in run_command(
        "fetch_images", "--pgc", 4, "--surveys", "hips"
    )
    assert state(settings.SURVEY_FOLDER) == before
    assert len(server.requests) == asked


def test_a_corrected_position_angle_makes_a_new_set_and_keeps_the_old_pictures_as_history(sky, serve, run_command):
    serve(HipsServer(sky))
    galaxy = galaxy_at(sky)
    run_command("fetch_images", "--pgc", 4, "--surveys", "hips")
    galaxy.position_angle_deg += 10
    galaxy.save()
    assert "1 fetched" in run_command("fetch_images", "--pgc", 4, "--surveys", "hips")
    assert GalaxyImage.objects.filter(is_current=True).count() == 4
    assert GalaxyImage.objects.filter(is_current=False).count() == 4


def test_what_the_catalogue_lacks_comes_from_hyperleda_and_what_it_has_stays(sky, serve, run_command):
    hours, logd25 = sky.place.ra.deg / 15, np.log10(sky.d25_arcsec / 6)
    row = (4, "NGC 1", hours, sky.place.dec.deg, "Sbc", 4.1, logd25, 0.4, sky.position_angle_deg)
    serve(NamesServer([row, (7, "PGC 7", *row[2:])]))
    serve(HipsServer(sky))
    Galaxy.objects.create(pgc=4, name="mine", d25_arcsec=60.0, extra={"note": "x"})
    with pytest.raises(CommandError, match="Some galaxies have no frames"):
        run_command("fetch_images", "--pgc", "4,7", 9, "--surveys", "hips")
    mine, made = Galaxy.objects.get(pgc=4), Galaxy.objects.get(pgc=7)
    assert (mine.name, mine.d25_arcsec, mine.type_code) == ("mine", 60.0, 4.1)
    assert mine.ra_deg == pytest.approx(sky.place.ra.deg)
    assert mine.extra["note"] == "x"
    assert "ra_deg" in mine.extra["filled_from_hyperleda"]
    assert (made.source, made.d25_arcsec) == ("HyperLEDA", pytest.approx(sky.d25_arcsec))
    assert not Galaxy.objects.filter(pgc=9).exists()
    assert "PGC 9: neither the catalogue nor HyperLEDA knows it" in told()


def test_pictures_are_made_again_from_the_frames_without_network(sky, serve, settings, run_command):
    server = serve(HipsServer(sky))
    galaxy_at(sky)
    run_command("fetch_images", "--pgc", 4, "--surveys", "hips")
    before, asked = state(settings.SURVEY_FOLDER), len(server.requests)
    for path in Path(settings.MEDIA_ROOT).rglob("*.webp"):
        path.unlink()
    assert "1 made, 0 unchanged, 0 failed; 4 pictures" in run_command("prepare_images", "--pgc", 4)
    assert "0 made, 1 unchanged, 0 failed; 0 pictures" in run_command("prepare_images", "--pgc", 4)
    assert state(settings.SURVEY_FOLDER) == before
    assert len(list(Path(settings.MEDIA_ROOT).rglob("*.webp"))) >= 4
    assert len(server.requests) == asked


@pytest.mark.finding("fault F14")
def test_a_server_that_is_down_leaves_the_galaxy_as_it_was_and_says_so(sky, serve, run_command, settings):
    server = serve(HipsServer(sky))
    server.faults.append(lambda handler, _: handler.send_error(500, "secret") or True)
    galaxy_at(sky)
    with pytest.raises(CommandError, match="Run the command again"):
        run_command("fetch_images", "--pgc", 4, "--surveys", "hips")
    assert "Try again later. [survey_down]" in told()
    assert "secret" not in told()
    assert state(settings.SURVEY_FOLDER) == ([], {})
    server.faults.clear()
    assert "1 fetched" in run_command("fetch_images", "--pgc", 4, "--surveys", "hips")


@pytest.mark.finding("ux C17")
def test_a_job_that_fetched_nothing_has_failed(sky, serve, run_command):
    serve(HipsServer(sky, surveys=()))
    galaxy_at(sky)
    with pytest.raises(CommandError):
        run_command("fetch_images", "--pgc", 4, "--surveys", "hips")
    job = Job.objects.get()
    assert (job.state, job.result["fetched"], job.result["failed"]) == ("failed", 0, 1)
    assert job.error == "No galaxy was fetched: not covered."


def test_when_no_server_answers_for_galaxy_after_galaxy_the_rest_is_left_for_later(sky, serve, run_command):
    server = serve(HipsServer(sky))
    server.faults.append(lambda handler, _: handler.send_error(503) or True)
    for pgc in range(1, 31):
        galaxy_at(sky, pgc, d25_arcsec=30.0 + pgc)
    with pytest.raises(CommandError, match="Stopped after 5 galaxies in a row"):
        run_command("fetch_images", "--missing", "--surveys", "hips")
    assert Job.objects.get().state == Job.State.FAILED
    # The breaker spares a server in trouble.
    assert len(server.requests) < 40


def test_damaged_frames_are_told_and_nothing_half_is_kept(sky, serve, settings, run_command):
    server = serve(HipsServer(sky))
    body = b"SIMPLE  =                    T".ljust(80) + b"END".ljust(2800)

    def damaged(handler, _parts):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        return True

    server.faults.append(damaged)
    galaxy_at(sky)
    with pytest.raises(CommandError):
        run_command("fetch_images", "--pgc", 4, "--surveys", "hips")
    assert "[survey_bad_answer]" in told()
    assert state(settings.SURVEY_FOLDER) == ([], {})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pgc", "4x"], "--pgc: pgc is '4x', must be a whole number above 0"),
        (["--pgc", "90000001"], "kept for synthetic galaxies"),
        (["--pgc", "4", "--surveys", "sloan"], "Unknown survey 'sloan'; choose from sdss, panstarrs, hips"),
        (["--list", "numbres.txt"], "No such file"),
        ([], "one of the arguments --pgc --id --list --missing --campaign --name is required"),
    ],
)
def test_typing_errors_are_answered_with_a_sentence(arguments, words, run_command):
    with pytest.raises(CommandError) as caught:
        run_command("fetch_images", *arguments)
    assert words in str(caught.value)


def test_a_list_may_hold_remarks_and_a_wrong_line_is_named(tmp_path, run_command):
    file = tmp_path / "numbers.txt"
    file.write_text("# mine\nPGC 4\n12 # the edge-on\nfive\n")
    with pytest.raises(CommandError, match=r"numbers\.txt, line 4: pgc is 'five'"):
        run_command("prepare_images", "--list", file)


def test_frames_that_are_not_there_are_told(sky, serve, run_command):
    galaxy_at(sky)
    with pytest.raises(CommandError):
        run_command("prepare_images", "--pgc", 4)
    assert "PGC 4: its frames are not here; fetch_images fetches them" in told()


@pytest.mark.finding("fault F18")
@pytest.mark.slow
def test_killed_half_way_and_started_again_it_ends_the_same_and_fetches_nothing_twice(
    sky, serve, settings, run_command, tmp_path
):
    server = serve(HipsServer(sky))
    for pgc in range(1, 9):
        galaxy_at(sky, pgc, d25_arcsec=20.0 + pgc)
    run_command("fetch_images", "--missing", "--surveys", "hips")
    expected = state(settings.SURVEY_FOLDER)
    GalaxyImage.objects.all().delete()
    Job.objects.all().delete()
    settings.SURVEY_FOLDER, settings.MEDIA_ROOT = tmp_path / "again", tmp_path / "media again"
    server.requests.clear()
    server.whole.clear()

    process = start_command(settings, "fetch_images", "--missing", "--surveys", "hips")
    deadline = time.monotonic() + 120
    while GalaxyImage.objects.count() < 8:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert GalaxyImage.objects.count() < 32
    in_flight = len(server.requests) - sum(server.whole.values())
    Job.objects.update(lease_until="2000-01-01T00:00:00Z")  # as if a minute had gone by

    run_command("fetch_images", "--missing", "--surveys", "hips")
    assert state(settings.SURVEY_FOLDER) == expected
    twice = [path for path in set(server.requests) if server.requests.count(path) > 1]
    # What was on its way when the process died may be asked again, and nothing else.
    assert len(twice) <= max(in_flight, 2)
    assert len(set(server.requests)) == 24
