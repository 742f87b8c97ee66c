"""What stays of strangers' requests, for how long, and what they are never told."""

import uuid
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from giz.core.jobs import job_create
from giz.core.models import Job, JobLogLine
from giz.core.tasks import tidy_up
from giz.inference.models import Prediction, Source
from giz.inference.services import predictions
from giz.inference.services.predictions import PredictedValues, prediction_row, predictions_store
from giz.inference.services.runtime import runtime
from giz.inference.tasks import sweep_predictions
from tests.inference.sky import ask, encoded, galaxy_with_pictures, named, ruler, spiral, upload

pytestmark = [pytest.mark.django_db, pytest.mark.finding("review 4.3")]


@pytest.mark.parametrize(
    "view",
    [{"angle_deg": 1}, {"zoom": 1.001}, {"shift": [0.001, 0]}, {"is_inverted": True}],
    ids=["turned", "magnified", "moved", "inverted"],
)
def test_a_view_of_one_s_own_leaves_no_row(client, network, view):
    galaxy_with_pictures()
    source = ask(client, "sources/", {"pgc": 4258}).json()["id"]
    said = ask(client, f"sources/{source}/evaluate/", view)
    assert (said.status_code, said.json()["id"]) == (200, None)
    assert said.json()["inclination_deg"] is not None
    assert not Prediction.objects.exists()


def test_the_usual_view_is_one_row_however_it_is_written(client, network):
    galaxy_with_pictures()
    source = ask(client, "sources/", {"pgc": 4258}).json()["id"]
    views = [{}, {"angle_deg": 360}, {"angle_deg": -360}, {"angle_deg": -0.0}, {"shift": [-0.0, 0]}, {"zoom": 1}]
    ids = {ask(client, f"sources/{source}/evaluate/", view).json()["id"] for view in views}
    assert len(ids) == 1
    assert Prediction.objects.count() == 1


def row_of(network, number, origin, days=0.0, view=None):
    row = Prediction.objects.create(
        key=f"{origin}-{number}-{uuid.uuid4()}",
        model=network,
        origin=origin,
        view=view or predictions.PLAIN_VIEW.as_json(),
    )
    Prediction.objects.filter(pk=row.pk).update(created_at=Now() - timedelta(days=days))
    return row


def test_what_strangers_left_is_forgotten_and_what_the_site_asked_stays(network, monkeypatch):
    stays = [row_of(network, 1, "bulk", 900), row_of(network, 1, "catalogue", 900)]
    stays += [row_of(network, 1, "upload", 6), row_of(network, 1, "sky", 29)]
    row_of(network, 2, "upload", 8)
    row_of(network, 2, "sky", 31)
    turned = {**predictions.PLAIN_VIEW.as_json(), "zoom": 1.5}
    row_of(network, 3, "catalogue", 40, turned)  # of a version that kept them
    assert sweep_predictions() == 3
    assert set(Prediction.objects.all()) == set(stays)
    monkeypatch.setattr(predictions, "MOST_OF_STRANGERS", 5)
    for number in range(10):
        row_of(network, number, "upload")
    assert sweep_predictions() == 7
    assert Prediction.objects.filter(origin__in=("upload", "sky")).count() == 5
    assert Prediction.objects.filter(origin__in=("bulk", "catalogue")).count() == 2


def test_what_visitors_asked_for_first_becomes_the_site_s_own_when_it_asks(network):
    galaxy = galaxy_with_pictures()
    values = PredictedValues(60.0)
    values = {"values": values, "shown": {}, "pgc": galaxy.pgc}
    loaded = runtime.networks()[0]
    for origin in ("catalogue", "bulk", "catalogue"):
        predictions_store([prediction_row(network=loaded, origin=origin, galaxy_id=galaxy.pk, **values)])
    assert Prediction.objects.get().origin == "bulk"


# --- galaxies whose inclination is known ---------------------------------------------------------------------------


@pytest.fixture
def measuring(network):
    """A campaign with a golden galaxy (PGC 11), a calibration galaxy (12) and ordinary ones (13 open, 14 done)."""
    from labeling.models import Target
    from labeling.services.campaigns import campaign_create, campaign_open, targets_add

    places = {11: 10.0, 12: 20.0, 13: 30.0, 14: 40.0}
    galaxies = {pgc: galaxy_with_pictures(pgc, name=f"NGC {pgc}", ra_deg=ra) for pgc, ra in places.items()}
    campaign = campaign_create(name="virgo", title="Virgo", standard_set=ruler())
    targets_add(campaign=campaign, galaxy_ids=[galaxy.pk for galaxy in galaxies.values()])
    campaign_open(campaign=campaign)
    targets = Target.objects.filter(campaign=campaign)
    targets.filter(galaxy__pgc=11).update(purpose="golden", known_deg=61.25)
    targets.filter(galaxy__pgc=12).update(purpose="calibration")
    targets.filter(galaxy__pgc=14).update(state="retired")
    return campaign


GALAXIES = (11, 12, 13, 14)


@pytest.mark.finding("security S13", "abuse A28")
def test_the_network_answers_about_no_galaxy_of_a_campaign_that_measures_its_people(client, network, measuring):
    galaxy_with_pictures(4258)
    for path in (
        "/api/v1/predict/pgc/{}/",
        "/api/v1/predict/name/NGC {}/",
        "/api/v1/predict/name/ngc{}/",
        "/api/v1/predict/name/PGC {}/",
        "/api/pgc/{}",
        "/api/objname/NGC {}",
    ):
        answers = [client.get(path.format(pgc)) for pgc in GALAXIES]
        assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(409, "being_judged")}
        # Golden, calibrating, open or done: one answer, and nothing in it by which to tell them.
        assert len({answer.content for answer in answers}) == 1
        for word in (b"golden", b"calibration", b"61.25", b"inclination_deg"):
            assert word not in answers[0].content
    places = [{"ra_deg": ra, "dec_deg": 47.3, "size_arcmin": 2.0} for ra in (10.0, 20.0, 30.004, 40.0)]
    for wish in [{"pgc": pgc} for pgc in GALAXIES] + places:
        answer = ask(client, "sources/", wish)
        assert (answer.status_code, answer.json()["code"]) == (409, "being_judged")
    assert ask(client, "sources/", {"ra_deg": 10.1, "dec_deg": 47.3, "size_arcmin": 2.0}).status_code == 202
    assert client.get("/api/v1/predict/pgc/4258/").status_code == 200
    assert {one["pgc"] for one in client.get("/api/v1/predict/examples/").json()}.isdisjoint(GALAXIES)


@pytest.mark.finding("security S13")
def test_a_source_of_before_tells_nothing_either_and_after_the_campaign_all_are_answered(client, network):
    from labeling.models import Target
    from labeling.services.campaigns import campaign_close, campaign_create, campaign_open, targets_add

    galaxy = galaxy_with_pictures(11)
    campaign = campaign_create(name="virgo", standard_set=ruler())
    targets_add(campaign=campaign, galaxy_ids=[galaxy.pk])
    campaign_open(campaign=campaign)
    source = ask(client, "sources/", {"pgc": 11}).json()["id"]
    assert ask(client, f"sources/{source}/evaluate/").status_code == 200, "nobody is measured in this campaign yet"
    Target.objects.update(purpose="golden", known_deg=61.25)
    for answer in (
        ask(client, f"sources/{source}/evaluate/"),
        client.get(f"/api/v1/predict/sources/{source}/"),
        client.get(f"/api/v1/predict/sources/{source}/comparison/"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "being_judged")
    campaign_close(campaign=campaign)
    assert ask(client, f"sources/{source}/evaluate/").status_code == 200


# --- jobs ----------------------------------------------------------------------------------------------------------


def test_jobs_that_visitors_cause_are_forgotten_sooner(network):
    for number, (kind, days) in enumerate([("fetch_source", 4), ("fetch_source", 1), ("predict", 89), ("predict", 91)]):
        job = job_create(kind=kind, params={"number": number})
        job.log.create(text="a line")
        ended = Now() - timedelta(days=days)
        Job.objects.filter(pk=job.pk).update(state="failed", finished_at=ended, created_at=ended)
    waiting = job_create(kind="fetch_source", params={"number": 9})
    Job.objects.filter(pk=waiting.pk).update(created_at=Now() - timedelta(days=400))
    training = job_create(kind="train", params={})
    Job.objects.filter(pk=training.pk).update(state="done", finished_at=Now() - timedelta(days=400))
    tidy_up()
    assert sorted(Job.objects.values_list("kind", flat=True)) == ["fetch_source", "fetch_source", "predict", "train"]
    assert JobLogLine.objects.count() == 2


def test_sessions_that_are_over_are_cleared(alice_client):
    from django.contrib.sessions.models import Session

    Session.objects.create(session_key="old", session_data="", expire_date=timezone.now() - timedelta(days=1))
    tidy_up()
    assert Session.objects.count() == 1
    assert alice_client.get("/api/v1/me/").status_code == 200


def test_limits_know_no_address(client, network):
    client.post("/api/v1/predict/sources/", {"pgc": 1000}, "application/json", REMOTE_ADDR="198.51.100.77")
    source = Source.objects.get()
    assert len(source.asked_by) == len(source.asked_from) == 24
    assert "198.51.100" not in f"{source.asked_by}{source.asked_from}"
    assert upload(client, "file/", file=named(encoded(spiral()["r"]))).status_code == 200
    assert Source.objects.count() == 1
