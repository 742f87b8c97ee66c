"""Galaxies to try: of an open campaign where there is one, spread over it, and never without a picture."""

import pytest
from django.test import Client

from giz.catalog.models import Galaxy
from labeling.services.campaigns import campaign_create, campaign_open, targets_add
from tests.inference.sky import galaxy_with_pictures, ruler

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/predict/examples/"


def test_an_empty_site_has_none(client: Client) -> None:
    assert client.get(ADDRESS).json() == []


def test_galaxies_without_a_colour_picture_are_left_out(client: Client) -> None:
    galaxy_with_pictures(4258)
    galaxy_with_pictures(4321, bands=("g", "r"), name="NGC4321")
    Galaxy.objects.create(pgc=99)
    (example,) = client.get(ADDRESS).json()
    assert (example["pgc"], example["name"]) == (4258, "NGC4258")
    assert client.get(example["picture_url"]).headers["Content-Type"] == "image/webp"


def test_galaxies_of_an_open_campaign_come_first_spread_over_it_in_a_fixed_number_of_questions(
    client: Client, django_assert_num_queries
) -> None:
    galaxies = [galaxy_with_pictures(pgc, bands=("gri",), name=f"PGC {pgc}") for pgc in range(1001, 1015)]
    campaign = campaign_create(name="spirals", standard_set=ruler())
    targets_add(campaign=campaign, galaxy_ids=[galaxy.pk for galaxy in galaxies])
    campaign_open(campaign=campaign)
    with django_assert_num_queries(3):
        found = client.get(ADDRESS).json()
    assert [example["pgc"] for example in found] == [1001, 1003, 1005, 1007, 1009, 1011]
