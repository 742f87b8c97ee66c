"""Predictions on the staff pages: a quiet list, read-only, the same cost however long; uploads are on none."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from giz.inference.models import Prediction, Source
from tests.inference.sky import ask, galaxy_with_pictures

pytestmark = pytest.mark.django_db
LIST = "/staff/inference/prediction/"


def evaluated(client, pgc=4258, zooms=(1.0,)):
    galaxy_with_pictures(pgc)
    source = ask(client, "sources/", {"pgc": pgc}).json()["id"]
    for zoom in zooms:
        assert ask(client, f"sources/{source}/evaluate/", {"zoom": zoom}).status_code == 200


def test_staff_look_at_predictions_and_change_none(client, bob_client, network):
    evaluated(client)
    row = Prediction.objects.get()
    page = bob_client.get(LIST + "?q=4258").content.decode()
    assert "NGC4258" in page
    assert f"{row.inclination_deg:.1f}° ± {row.sigma_deg:.1f}°" in page
    assert bob_client.get(f"{LIST}{row.pk}/change/").status_code == 200
    for place in ("add/", f"{row.pk}/delete/"):
        assert bob_client.post(LIST + place, {"post": "yes"}).status_code == 403
    assert bob_client.post(f"{LIST}{row.pk}/change/", {"reason": "face_on", "_save": "1"}).status_code == 403
    assert Prediction.objects.filter(pk=row.pk, reason=row.reason).exists()


def test_a_longer_list_costs_no_more(client, bob_client, network):
    def queries():
        with CaptureQueriesContext(connection) as seen:
            assert bob_client.get(LIST).status_code == 200
        return len(seen)

    evaluated(client)
    queries()
    few = queries()
    for pgc in (4259, 4260, 4261, 4262):
        evaluated(client, pgc)
    assert Prediction.objects.count() == 5
    assert queries() == few <= 12


def test_volunteers_see_none_of_it_and_no_page_lists_the_keys_of_uploads(client, alice_client, network):
    assert alice_client.get(LIST).status_code in (302, 403)
    assert not admin.site.is_registered(Source)
