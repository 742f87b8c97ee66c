"""A galaxy's pictures change all at once, and those that it lacks are found: --missing of both commands."""

import shutil
import signal
import time
from pathlib import Path

import pytest
from django.db import connection

from giz.catalog.models import Galaxy, GalaxyImage
from giz.catalog.services.frames import frames_path
from giz.core.models import Job
from tests.catalog.fetched import galaxy_at, start_command, told
from tests.surveys.servers import HipsServer
from tests.surveys.sky import shared_sky

pytestmark = pytest.mark.django_db(transaction=True)
ALL_THERE = "Every galaxy of the catalogue has a picture."


@pytest.fixture(scope="module")
def sky():
    return shared_sky(size_px=128)


@pytest.fixture
def fetched(sky, serve, run_command):
    """Fetched galaxies, and the server that they come from."""

    def fetch(*numbers, surveys=("DESI-Legacy-Surveys",)):
        server = serve(HipsServer(sky, surveys))
        for pgc in numbers:
            galaxy_at(sky, pgc, d25_arcsec=20.0 + pgc)
        run_command("fetch_images", "--pgc", *numbers, "--surveys", "hips")
        return server

    return fetch


def shown(pgc=4):
    return set(GalaxyImage.objects.filter(galaxy__pgc=pgc, is_current=True).values_list("band", flat=True))


@pytest.fixture
def sleepy_r_band():
    """The database falls asleep when a picture in r is written; yields how to ask which of its processes sleep."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_sleep(300); RETURN NEW; END $$;"
            "CREATE TRIGGER nap BEFORE INSERT ON catalog_galaxyimage FOR EACH ROW WHEN (NEW.band = 'r') "
            "EXECUTE FUNCTION nap()"
        )

    def sleeping():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
            )
            return [pid for (pid,) in cursor.fetchall()]

    def wake():
        with connection.cursor() as cursor:
            for pid in sleeping():
                cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
            cursor.execute("DROP FUNCTION IF EXISTS nap CASCADE")

    yield sleeping, wake
    wake()


def test_killed_between_two_bands_it_has_none_and_the_same_command_makes_all(
    sky, serve, settings, run_command, sleepy_r_band
):
    sleeping, wake = sleepy_r_band
    serve(HipsServer(sky))
    galaxy_at(sky)
    process = start_command(settings, "fetch_images", "--missing", "--surveys", "hips")
    deadline = time.monotonic() + 120
    while not sleeping():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    wake()
    assert shown() == set()
    Job.objects.update(lease_until="2000-01-01T00:00:00Z")  # as if a minute had gone by
    assert "4 pictures made" in run_command("fetch_images", "--missing", "--surveys", "hips")
    assert shown() == {"g", "r", "i", "gri"}


@pytest.mark.parametrize("command", ["fetch_images", "prepare_images"])
@pytest.mark.parametrize("band", ["i", "gri"])
def test_a_band_that_the_frames_give_is_missed_and_made_without_asking_anybody(fetched, run_command, command, band):
    server = fetched(4, 12)
    GalaxyImage.objects.filter(galaxy__pgc=4, band=band).delete()
    server.requests.clear()
    surveys = ["--surveys", "hips"] if command == "fetch_images" else []
    assert "0 unchanged, 0 failed; 1 picture made" in run_command(command, "--missing", *surveys)
    assert shown() == {"g", "r", "i", "gri"}
    assert server.requests == []
    assert ALL_THERE in run_command(command, "--missing")


def test_a_band_that_no_frames_give_is_not_missed(fetched, run_command, serve, pictures):
    fetched(7, surveys=("DSS2",))
    assert shown(7) == {"g", "r", "i"}
    for path in [*pictures.glob("pgc4_*gri.jpg"), *pictures.glob("pgc12_*")]:
        path.unlink()
    run_command("import_images", pictures)
    assert shown(4) == {"g", "r", "i"}
    assert ALL_THERE in run_command("fetch_images", "--missing")
    assert ALL_THERE in run_command("prepare_images", "--missing")


def test_where_the_set_is_damaged_the_missing_band_is_fetched_anew(fetched, run_command):
    fetched(4)
    GalaxyImage.objects.filter(band="i").delete()
    frames_path(4).write_bytes(frames_path(4).read_bytes()[:700])
    assert "1 fetched" in run_command("fetch_images", "--missing", "--surveys", "hips")
    assert shown() == {"g", "r", "i", "gri"}


def test_lost_display_files_are_found_and_made_from_the_frames(fetched, run_command, settings, pictures):
    fetched(4, 7)
    for path in [*pictures.glob("pgc4_*"), *pictures.glob("pgc12_*gri*")]:
        path.unlink()
    run_command("import_images", pictures)
    one = GalaxyImage.objects.get(galaxy__pgc=7, band="r")
    lost = Path(settings.MEDIA_ROOT) / f"{one.stem}-{one.sizes_px[0]}.webp"
    lost.unlink()
    assert "Galaxies: 1 made, 0 unchanged, 0 failed; 1 picture made." in run_command("prepare_images", "--missing")
    assert lost.exists()
    assert ALL_THERE in run_command("prepare_images", "--missing")
    # Of PGC 12 there are no frames: its pictures came from files, and import_images brings them again.
    shutil.rmtree(settings.MEDIA_ROOT)
    assert "Galaxies: 2 made, 0 unchanged, 0 failed; 8 pictures made." in run_command("prepare_images", "--missing")
    assert ALL_THERE in run_command("prepare_images", "--missing")


def test_new_frames_without_colour_leave_no_colour_picture_at_the_old_angle(fetched, run_command, pictures):
    server = fetched(4)
    for path in [*pictures.glob("pgc4_*_[gri].png"), *pictures.glob("pgc12_*")]:
        path.unlink()
    Galaxy.objects.update(position_angle_deg=77.0)
    server._surveys = ("DSS2",)
    run_command("fetch_images", "--pgc", 4, "--surveys", "hips")
    assert shown() == {"g", "r", "i"}
    old = GalaxyImage.objects.get(band="gri")
    assert (old.origin, old.is_current) == ("hips-legacy", False)
    assert "PGC 4: these frames give no picture in gri; the picture from the earlier frames is now history" in told()

    # A picture that people brought is theirs: frames take nothing away from it.
    run_command("import_images", pictures)
    Galaxy.objects.update(position_angle_deg=60.0)
    run_command("fetch_images", "--pgc", 4, "--surveys", "hips")
    assert shown() == {"g", "r", "i", "gri"}
    assert GalaxyImage.objects.get(band="gri", is_current=True).source_name.endswith(".jpg")
