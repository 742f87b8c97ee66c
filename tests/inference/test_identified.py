"""A galaxy is found by each of its identifiers: over the API, at the original's addresses, by staff and by commands."""

import pytest
from django.core.management.base import CommandError
from django.db import connection

from giz.catalog.formats.identifiers import Identifier
from giz.catalog.management.arguments import chosen_galaxies
from giz.catalog.models import Galaxy, GalaxyIdentifier
from giz.catalog.selectors import galaxy_at_named_place, numbers_named
from giz.core.errors import Refused
from labeling.management.commands.create_campaign import read_targets
from tests.inference.sky import ask, galaxy_with_pictures, ruler

pytestmark = pytest.mark.django_db

OWN = Identifier("ls-dr10", "9011-123456-789").number
NAMES = (
    "ls-dr10:9011-123456-789",
    "LS-DR10: 9011-123456-0789",
    "wallaby:J104059-270456",
    "WALLABY J104059-270456",
    "J104059-270456",
    "desi:39627646021829283",
    "ngc 0891",
    "NGC:891",
)


@pytest.fixture
def galaxy(db):
    """A galaxy without a PGC number, and with what four catalogues call it."""
    galaxy = galaxy_with_pictures(OWN, name="ls-dr10 9011-123456-789", ra_deg=160.2479, dec_deg=-27.0824)
    for name in ("ls-dr10:9011-123456-789", "wallaby:J104059-270456", "desi:39627646021829283", "ngc:891"):
        scheme, value = name.split(":")
        GalaxyIdentifier.objects.create(galaxy=galaxy, scheme=scheme, value=value)
    return galaxy


@pytest.mark.parametrize("name", NAMES)
def test_the_api_finds_it_by_each_identifier(client, network, galaxy, name):
    for answer in (
        ask(client, "sources/", {"name": name}),
        client.get(f"/api/v1/predict/name/{name}/"),
    ):
        assert answer.status_code in (200, 201), answer.json()
        assert answer.json()["galaxy"]["pgc"] == OWN


def test_its_own_number_is_an_address(client, network, galaxy):
    assert ask(client, "sources/", {"pgc": OWN}).json()["galaxy"]["pgc"] == OWN
    for path in (f"/api/v1/predict/pgc/{OWN}/", f"/api/pgc/{OWN}", f"/predict/pgc/{OWN}"):
        assert client.get(path).status_code == 200


def test_what_no_galaxy_here_is_called_is_not_asked_of_anybody_else(client, network, galaxy):
    for body in ({"name": "ls-dr10:1-2-3"}, {"pgc": OWN + 1}, {"pgc": 10**12}):
        answer = ask(client, "sources/", body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_galaxy_of_ours_without_a_size_is_not_asked_of_hyperleda(client, network, galaxy, settings):
    from giz.inference.models import Source
    from giz.inference.services.fetching import source_fetch

    Galaxy.objects.filter(pk=galaxy.pk).update(d25_arcsec=None)
    galaxy.images.all().delete()
    source = Source.objects.get(pk=ask(client, "sources/", {"pgc": OWN}).json()["id"])
    failed = source_fetch(source)
    assert (failed.state, failed.error_code) == ("failed", "no_size")


@pytest.mark.parametrize("name", NAMES)
def test_staff_find_it_by_each_identifier(admin_client, galaxy, name):
    Galaxy.objects.create(pgc=5, name="another")
    page = admin_client.get("/staff/catalog/galaxy/", {"q": name})
    assert page.status_code == 200
    assert [found.pgc for found in page.context["cl"].queryset] == [OWN]


@pytest.mark.parametrize("name", NAMES)
def test_commands_find_it_by_each_identifier(galaxy, name):
    chosen = chosen_galaxies(list, pgc=None, ids=[name], list_file=None, missing=False)
    assert chosen == [OWN]


def test_lists_and_campaigns_take_identifiers(galaxy, tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("# ours\nls-dr10:9011-123456-789\nwallaby:J104059-270456 desi:39627646021829283\n4258\n")
    chosen = chosen_galaxies(list, pgc=None, ids=None, list_file=str(path), missing=False)
    assert set(chosen) == {OWN, 4258}
    standard_set = ruler()
    assert read_targets(["ls-dr10:9011-123456-789"], standard_set).galaxy_ids == [galaxy.pk]
    assert read_targets([str(path)], standard_set).galaxy_ids == [galaxy.pk]
    path.write_text("ls-dr10:1-2-3\n")
    with pytest.raises(Refused):
        chosen_galaxies(list, pgc=None, ids=None, list_file=str(path), missing=False)
    with pytest.raises(CommandError):
        chosen_galaxies(list, pgc=None, ids=["desi:1"], list_file=None, missing=False)
    with pytest.raises(Refused):
        read_targets([str(path)], standard_set)


@pytest.mark.parametrize(
    ("name", "is_found"),
    [
        ("SDSS J104059.5-270456.6", True),
        ("J104059-270450", True),
        ("J104059.0-270456", False),
        ("J104159-270456", False),
        ("J294059-270456", False),
        ("J104059-970456", False),
    ],
)
def test_a_name_with_a_position_finds_what_lies_there(galaxy, name, is_found):
    Galaxy.objects.create(pgc=5, ra_deg=160.2479, dec_deg=-27.07)
    Galaxy.objects.create(pgc=6, ra_deg=160.2479, dec_deg=None)
    found = galaxy_at_named_place(name)
    assert (found == galaxy) is is_found
    assert found is None or is_found


def test_looking_for_a_place_reads_no_whole_catalogue(galaxy):
    Galaxy.objects.bulk_create(Galaxy(pgc=n, ra_deg=n % 360, dec_deg=n / 100 - 60) for n in range(1, 12_000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalog_galaxy, catalog_galaxyidentifier")
    near = Galaxy.objects.filter(is_synthetic=False, dec_deg__range=(-27.086, -27.078), ra_deg__isnull=False)
    assert "galaxy_by_declination" in near.explain()
    assert numbers_named("39627646021829283") == [OWN]
