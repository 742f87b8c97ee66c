"""What HyperLEDA says of galaxies is kept as it comes; its silence is told as such; both can be cancelled."""

import re

import pytest
from django.core.management.base import CommandError

from giz.catalog.jobs import images_fetch_job
from giz.catalog.models import Galaxy
from giz.core import jobs
from giz.core.jobs import job_cancel, run_job
from giz.core.models import Job
from tests.catalog.fetched import galaxy_at, told
from tests.refusals import refuses
from tests.surveys.servers import HipsServer, NamesServer
from tests.surveys.sky import shared_sky

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def sky():
    return shared_sky(size_px=128)


def row(pgc):
    """A galaxy without a size: known, and fetched by nobody."""
    return (pgc, f"PGC{pgc}", "0.1", "-6.4", "", "", "", "", "")


def asked_for(parts, pgc):
    numbers = re.search(r"pgc%20in%20%28(.*?)%29|pgc\+in\+%28(.*?)%29", parts.query)
    return numbers is not None and str(pgc) in re.split("%2C", numbers[1] or numbers[2])


def busy(handler, _parts):
    handler.send_error(503)
    return True


def test_a_silent_hyperleda_is_not_told_as_one_that_does_not_know(sky, serve, run_command):
    serve(NamesServer()).faults.append(busy)
    serve(HipsServer(sky))
    galaxy_at(sky, 4, d25_arcsec=20.0)
    Galaxy.objects.create(pgc=6, ra_deg=1.0, dec_deg=1.0)
    with pytest.raises(CommandError, match=r"\(2 without HyperLEDA's answer\)"):
        run_command("fetch_images", "--pgc", 4, 5, 6, "--surveys", "hips")
    silent = "and HyperLEDA did not answer: 127.0.0.1 is busy (HTTP 503). Try again later. [survey_down]"
    assert f"PGC 5: it is not in the catalogue, {silent}" in told()
    assert f"PGC 6: no D25 in the catalogue, {silent}" in told()
    assert "knows it" not in told()
    assert Job.objects.get().result["why"] == {"without HyperLEDA's answer": 2}
    assert Job.objects.get().result["fetched"] == 1


def test_galaxies_for_which_hyperleda_is_silent_do_not_end_the_run_for_those_that_need_it_not(sky, serve, run_command):
    serve(NamesServer()).faults.append(busy)
    serve(HipsServer(sky))
    galaxy_at(sky, 40, d25_arcsec=20.0)
    with pytest.raises(CommandError, match=r"\(9 without HyperLEDA's answer\)"):
        run_command("fetch_images", "--pgc", *range(4, 13), 40, "--surveys", "hips")
    assert Job.objects.get().result["fetched"] == 1


def test_a_page_of_html_from_hyperleda_is_no_silence(sky, serve, run_command):
    names = serve(NamesServer())
    names._answer = lambda path, query: (200, {}, b"<html>secret</html>")
    serve(HipsServer(sky))
    galaxy_at(sky, 4, d25_arcsec=20.0)
    with pytest.raises(CommandError, match=r"\(1 damaged\)"):
        run_command("fetch_images", "--pgc", 4, 5, "--surveys", "hips")
    assert "PGC 5: it is not in the catalogue, and HyperLEDA gave no answer that can be used: " in told()
    assert "secret" not in told()


def test_a_disk_that_takes_no_answers_is_not_blamed_on_hyperleda(sky, serve, run_command, settings):
    serve(NamesServer())
    galaxy_at(sky, 4)
    settings.SURVEY_FOLDER.mkdir()
    (settings.SURVEY_FOLDER / "cache").write_text("a file in the place of the folder")
    with refuses("cache_unwritable"):
        run_command("fetch_images", "--pgc", 4, 5, "--surveys", "hips")
    assert "HyperLEDA" not in told()


def test_facts_of_the_galaxies_that_did_come_are_kept(sky, serve, run_command):
    names = serve(NamesServer([row(pgc) for pgc in range(1, 251)]))
    names.faults.append(lambda handler, parts: asked_for(parts, 150) and busy(handler, parts))
    serve(HipsServer(sky))
    with pytest.raises(CommandError):
        run_command("fetch_images", "--pgc", *range(1, 251), "--surveys", "hips")
    assert set(Galaxy.objects.values_list("pgc", flat=True)) == {*range(1, 101), *range(201, 251)}
    assert "No answer from HyperLEDA for 100 galaxies: 127.0.0.1 is busy (HTTP 503). [survey_down]" in told()


def test_pictures_of_a_galaxy_that_is_not_there_are_not_blamed_on_hyperleda(run_command):
    with pytest.raises(CommandError, match="1 not known"):
        run_command("prepare_images", "--pgc", 5)
    assert "PGC 5: it is not in the catalogue; fetch_images can get it from HyperLEDA" in told()


@pytest.mark.parametrize(
    ("numbers", "names", "at", "asked"),
    [
        (range(1, 251), [], "asking HyperLEDA: 100 of 250 galaxies", 1),
        ([], ["M 101", "NGC 1", "NGC 2"], "looking up names: 2 of 3", 2),
    ],
)
def test_asking_for_facts_is_told_and_can_be_cancelled(numbers, names, at, asked, serve, monkeypatch):
    monkeypatch.setattr(jobs, "PROGRESS_SECONDS", 0.0)
    server = serve(NamesServer([row(pgc) for pgc in range(1, 251)]))
    job = images_fetch_job(list(numbers), ["hips"], names=names)

    def on_progress(_done, _total, message):
        if message == at:
            job_cancel(job.id)

    assert run_job(job, on_progress=on_progress).state == Job.State.CANCELLED
    assert len(server.requests) == asked
