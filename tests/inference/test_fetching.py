"""Galaxies that the catalogue has no pictures of: 202, a job, frames from local servers; failures in words."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from giz.catalog.models import Galaxy
from giz.core.errors import Refused
from giz.core.jobs import job_cancel, job_claim, run_job, sweep_dead_jobs
from giz.core.models import Job
from giz.core.requester import Requester
from giz.inference.models import Source
from giz.inference.services.queries import GalaxyQuery
from giz.inference.services.sources import source_open
from giz.inference.storage import picture_path, sources_folder
from giz.surveys.client import Manners
from giz.surveys.hyperleda import HyperLEDA
from giz.surveys.observatory import Observatory
from tests.inference.sky import ask, galaxy_with_pictures
from tests.surveys.servers import HipsServer, LocalServer, SkyNamesServer, leda_row
from tests.surveys.serving import serving
from tests.surveys.sky import shared_sky

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def sky():
    return shared_sky(size_px=256)


@pytest.fixture
def serve(settings, tmp_path, monkeypatch):
    """Start servers and point the settings at them and nowhere else; no pauses, little patience."""
    quick = Manners(interval_s=0.0, silence_s=60.0, backoff_s=0.01, give_up_s=3.0)
    make = Observatory.__init__
    monkeypatch.setattr(Observatory, "__init__", lambda self, *a, **kw: make(self, *a, **{**kw, "manners": quick}))
    settings.SURVEY_ORDER = ["hips"]
    nobody = "http://127.0.0.1:9/nobody"
    with serving(settings, tmp_path / "surveys", monkeypatch) as start:
        settings.SURVEY_URLS = [f"{name}={nobody}" for name in ("hips", "hyperleda", "sesame", "sdss", "skyserver")]
        settings.SURVEY_LOCAL_HOSTS = ["127.0.0.1:9"]
        yield start


def fetched(answer):
    """Do the job that the answer promised; the source as it is then."""
    assert answer.status_code == 202, answer.content
    assert answer.headers["Retry-After"] == "2"
    source = Source.objects.get(pk=answer.json()["id"])
    run_job(Job.objects.get(pk=source.job_id))
    return source


def test_a_place_on_the_sky_is_fetched_by_a_job_and_then_answered(client, network, serve, sky):
    serve(HipsServer(sky))
    wish = {"ra_deg": sky.place.ra.deg, "dec_deg": sky.place.dec.deg, "size_arcmin": 2 * sky.d25_arcsec / 60}
    first = ask(client, "sources/", wish)
    assert (first.json()["state"], first.json()["pictures"]) == ("fetching", {})
    assert ask(client, "sources/", wish).json()["id"] == first.json()["id"]
    early = ask(client, f"sources/{first.json()['id']}/evaluate/")
    assert (early.status_code, early.json()["code"]) == (409, "not_ready")
    fetched(first)
    ready = client.get(first.headers["Location"]).json()
    assert (ready["state"], ready["bands"]) == ("ready", ["g", "r", "i", "gri"])
    assert (ready["galaxy"]["survey"], ready["galaxy"]["survey_title"]) == ("hips-legacy", "DESI Legacy Surveys")
    picture = client.get(ready["pictures"]["gri"])
    assert b"".join(picture.streaming_content).startswith(b"\x89PNG")
    said = ask(client, f"sources/{ready['id']}/evaluate/").json()
    # North is up and east left: the position angle runs from up to the left, so against the clock.
    away_deg = (said["ellipse"]["angle_deg"] - (90 - sky.position_angle_deg) + 90) % 180 - 90
    assert abs(away_deg) < 5
    assert said["inclination_deg"] is not None
    assert not Galaxy.objects.exists()  # a stranger's wish adds nothing to the catalogue


def test_a_number_that_the_catalogue_does_not_have_is_looked_up_and_answered_the_second_time(
    client, network, serve, sky
):
    serve(HipsServer(sky))
    serve(SkyNamesServer([leda_row(sky)], sky))
    fetched(client.get("/api/v1/predict/pgc/1/"))
    said = client.get("/api/v1/predict/pgc/1/").json()
    assert (said["galaxy"]["pgc"], said["galaxy"]["name"]) == (1, "NGC0001")
    assert abs(said["ellipse"]["angle_deg"]) < 5  # turned by the position angle: the major axis lies level
    pending = client.get("/api/pgc/2")
    assert (pending.status_code, pending.json()["status"]) == (202, "pending")
    assert client.get("/api/pgc/1").json()["galaxy"]["objname"] == "NGC0001"


def test_a_name_is_resolved_to_a_place_then_to_the_galaxy_with_a_size(client, network, serve, sky):
    serve(HipsServer(sky))
    names = serve(SkyNamesServer([leda_row(sky, 7)], sky))
    source = fetched(ask(client, "sources/", {"name": "NGC 1"}))
    source.refresh_from_db()
    assert (source.state, source.pgc, source.name) == ("ready", 7, "NGC 1")
    assert "/sesame/-oxI/SNV?NGC%201" in names.requests


@pytest.mark.finding("data 12")
def test_the_catalogue_is_asked_by_name_before_anybody_else(client, network, serve, sky):
    """A galaxy that was imported without pictures, under a name that nobody else knows."""
    serve(HipsServer(sky))
    place = {"ra_deg": sky.place.ra.deg, "dec_deg": sky.place.dec.deg, "d25_arcsec": sky.d25_arcsec}
    Galaxy.objects.create(pgc=700_001, name="Our Good One", position_angle_deg=sky.position_angle_deg, **place)
    source = fetched(ask(client, "sources/", {"name": "our  goodone"}))
    source.refresh_from_db()
    assert (source.state, source.pgc, source.name) == ("ready", 700_001, "Our Good One")


@pytest.mark.finding("data 12")
def test_a_name_of_the_catalogue_without_a_size_is_asked_of_hyperleda_by_its_number(client, network, serve, sky):
    serve(HipsServer(sky))
    serve(SkyNamesServer([leda_row(sky, 7)], sky))
    Galaxy.objects.create(pgc=7, name="Our Bad One")
    source = fetched(ask(client, "sources/", {"name": "Our Bad One"}))
    source.refresh_from_db()
    assert (source.state, source.pgc) == ("ready", 7)


@pytest.mark.finding("ux C17")
def test_a_job_that_got_nothing_has_failed_and_says_what_was_wanted(client, network, serve, sky):
    serve(HipsServer(sky))
    serve(SkyNamesServer([], sky))
    source = fetched(ask(client, "sources/", {"name": "Nobody 4321"}))
    source.refresh_from_db()
    job = Job.objects.get()
    assert (job.state, job.error) == ("failed", source.error_detail)
    assert job.message == "Nobody 4321"
    assert job.result["why"] == "not_found"


@pytest.mark.finding("review 4.3", "security S9")
def test_a_large_galaxy_is_fetched_for_strangers_only_where_that_costs_little(client, network, serve, sky, settings):
    serve(HipsServer(sky))
    row = leda_row(sky, 1, log_d25="2.2")  # 16 arcmin, a field of 32
    serve(SkyNamesServer([row], sky))
    source = fetched(ask(client, "sources/", {"pgc": 1}))
    source.refresh_from_db()
    assert (source.state, source.survey) == ("ready", "hips-legacy")
    assert 0 < source.byte_count <= 6 * 1024 * 1024
    Source.objects.all().delete()
    settings.SURVEY_ORDER = ["sdss"]
    source = fetched(ask(client, "sources/", {"pgc": 1}))
    source.refresh_from_db()
    assert source.error_code == "field_too_large"
    assert client.get("/api/v1/predict/pgc/1/").status_code == 400


def test_a_name_that_turns_out_to_be_in_the_catalogue_gets_its_pictures(client, network, serve, sky):
    galaxy_with_pictures(7, name="UGC 12")
    serve(SkyNamesServer([leda_row(sky, 7)], sky))
    source = fetched(ask(client, "sources/", {"name": "NGC 1"}))
    body = client.get(f"/api/v1/predict/sources/{source.pk}/").json()
    assert (body["state"], body["galaxy"]["name"]) == ("ready", "UGC 12")
    assert body["pictures"]["gri"].startswith("/media/")


@pytest.mark.parametrize(
    ("path", "code", "status"),
    [
        ("pgc/5/", "not_found", 404),
        ("name/Nobody/", "not_found", 404),
        ("pgc/3/", "no_size", 404),
    ],
)
def test_what_is_not_there_is_said_with_its_reason(client, network, serve, sky, path, code, status):
    serve(HipsServer(sky))
    serve(SkyNamesServer([leda_row(sky, 3, log_d25="")], sky))
    source = fetched(client.get(f"/api/v1/predict/{path}"))
    failed = client.get(f"/api/v1/predict/sources/{source.pk}/").json()
    assert (failed["state"], failed["code"]) == ("failed", code)
    answer = client.get(f"/api/v1/predict/{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_field_that_no_survey_covers_and_servers_that_are_down(client, network, serve, sky):
    serve(HipsServer(sky, surveys=()))
    place = {"ra_deg": 10.0, "dec_deg": 10.0, "size_arcmin": 1.0}
    assert fetched(ask(client, "sources/", place)).pk
    assert Source.objects.get().error_code == "not_covered"
    source = fetched(ask(client, "sources/", {"pgc": 12}))
    source.refresh_from_db()
    assert (source.state, source.error_code) == ("failed", "survey_down")
    answer = ask(client, f"sources/{source.pk}/evaluate/")
    assert (answer.status_code, answer.json()["code"]) == (503, "survey_down")


@pytest.mark.finding("abuse A1", "abuse A3")
def test_a_name_can_not_make_the_site_ask_anybody_else(client, network, serve, sky):
    listener = LocalServer()
    try:
        names = serve(SkyNamesServer([], sky))
        for name in (f"{listener.url}/", "http://169.254.169.254/latest/", f"x@{listener.host}"):
            answer = ask(client, "sources/", {"name": name})
            if answer.status_code == 202:
                fetched(answer)
            else:
                assert (answer.status_code, answer.json()["code"]) == (400, "bad_name")
        assert listener.requests == []
        asked = "/sesame/-oxI/SNV?"
        assert all(path.startswith(asked) and "/" not in path.removeprefix(asked) for path in names.requests)
    finally:
        listener.close()


def test_too_many_fetches_at_once_are_put_off(client, network, serve, monkeypatch):
    monkeypatch.setattr("giz.inference.services.sources.MOST_FETCHES", 2)
    for pgc in (21, 22):
        assert ask(client, "sources/", {"pgc": pgc}).status_code == 202
    answer = ask(client, "sources/", {"pgc": 23})
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert ask(client, "sources/", {"pgc": 21}).status_code == 202


def worker_dies(job):
    """Its worker claims the job, is killed, and the lease runs out; the ids that the sweeper wakes."""
    assert job_claim(job.pk) is not None
    Job.objects.filter(pk=job.pk).update(lease_until=Now() - timedelta(seconds=1))
    return sweep_dead_jobs()


def asked_for(source, **ago):
    Source.objects.filter(pk=source.pk).update(created_at=Now() - timedelta(**ago))


def opened(client, pgc):
    answer = ask(client, "sources/", {"pgc": pgc})
    assert answer.status_code == 202
    return Source.objects.select_related("job").get(pk=answer.json()["id"])


def test_a_fetch_whose_worker_dies_is_done_by_another(client, network, serve, sky):
    serve(HipsServer(sky))
    serve(SkyNamesServer([leda_row(sky)], sky))
    source = opened(client, 1)
    pictures = picture_path(source.pk, "g")
    pictures.parent.mkdir(parents=True)
    pictures.write_bytes(b"\x89PNG half a pic")  # it was killed while it wrote
    assert worker_dies(source.job) == [str(source.job.pk)]
    address = f"/api/v1/predict/sources/{source.pk}/"
    assert client.get(address).json()["state"] == "fetching"
    assert opened(client, 1) == source
    assert run_job(source.job).attempt == 2
    assert client.get(address).json()["state"] == "ready"
    assert ask(client, f"sources/{source.pk}/evaluate/").status_code == 200


def test_a_fetch_whose_workers_all_died_has_failed_and_keeps_nobody_waiting(client, network, serve, monkeypatch):
    monkeypatch.setattr("giz.inference.services.sources.MOST_FETCHES", 1)
    source = opened(client, 1)
    woken = [worker_dies(source.job) for _ in range(3)]
    assert woken == [[str(source.job.pk)], [str(source.job.pk)], []]
    assert opened(client, 2).state == "fetching"  # the lost one takes no place
    said = client.get(f"/api/v1/predict/sources/{source.pk}/").json()
    assert (said["state"], said["code"]) == ("failed", "fetch_failed")
    for answer in (client.get("/api/v1/predict/pgc/1/"), client.get("/api/pgc/1")):
        assert (answer.status_code, answer.json()["code"]) == (503, "fetch_failed")
        assert answer.headers["Retry-After"] == "30"
    # After its rest it is tried anew.
    asked_for(source, seconds=31)
    Source.objects.filter(pgc=2).delete()
    assert client.get("/api/pgc/1").status_code == 202
    again = opened(client, 1)
    assert again != source
    assert again.job.state == "queued"


@pytest.mark.parametrize("end", [lambda job: job_cancel(job.pk), lambda job: job.delete()], ids=["cancelled", "gone"])
def test_a_fetch_whose_job_is_cancelled_or_gone_has_failed(client, network, serve, end):
    source = opened(client, 1)
    asked_for(source, minutes=5)
    address = f"/api/v1/predict/sources/{source.pk}/"
    assert client.get(address).json()["state"] == "fetching"
    end(source.job)
    said = client.get(address).json()
    assert (said["state"], said["code"]) == ("failed", "fetch_failed")
    assert opened(client, 1) != source


def test_a_source_that_was_opened_just_now_gets_its_job_from_whoever_asks_next(client, network, serve):
    source = source_open(query=GalaxyQuery(pgc=1), requester=Requester("one"))
    assert client.get(f"/api/v1/predict/sources/{source.pk}/").json()["state"] == "fetching"
    assert opened(client, 1) == source
    assert opened(client, 1).job.state == "queued"


def test_an_error_of_ours_is_told_at_once_and_tried_again_by_nobody(client, network, serve, sky):
    serve(HipsServer(sky))
    serve(SkyNamesServer([leda_row(sky)], sky))
    source = opened(client, 1)
    folder = sources_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file where the folder of pictures should be")
    with pytest.raises(Refused) as refused:
        run_job(source.job)
    assert refused.value.code == "fetch_failed"
    source.job.refresh_from_db()
    assert (source.job.state, source.job.attempt) == ("failed", 1)
    assert "Traceback" in source.job.log.get().text
    assert client.get("/api/v1/predict/pgc/1/").json()["code"] == "fetch_failed"


def test_hyperleda_is_asked_for_a_box_also_at_the_pole_and_at_hour_zero():
    asked = []

    class Recorded:
        def parsed(self, _url, parameters, parse, **_kwargs):
            asked.append(parameters["sql"])
            head = "pgc|objname|al2000|de2000|type|t|logd25|logr25|pa\n"
            rows = "1|A|0.0001|0.0|S|3|1.0|0.1|10\n2|B|23.9999|0.0|S|3|1.0|0.1|10\n3|C|0.0|0.01|S|3|1.0|0.1|10\n"
            return parse(head + rows)

    leda = HyperLEDA(Recorded(), "http://x")
    assert [facts.pgc for facts in leda.around(0.0, 0.0, 60.0)] == [1, 2, 3]
    assert [facts.pgc for facts in leda.around(0.0, 0.0, 20.0)] == [1, 2]
    assert "al2000" not in asked[0]
    assert leda.around(0.0, 89.99, 60.0) == []
    leda.around(180.0, 10.0, 60.0)
    assert "al2000 between 11.998" in asked[-1]
