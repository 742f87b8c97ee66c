"""Names and catalogues: encoded byte for byte, read strictly, absent values as None."""

import pytest

from giz.surveys.hyperleda import HyperLEDA
from giz.surveys.observatory import DEFAULT_URLS, Observatory, joined_urls
from giz.surveys.sesame import Sesame, checked_name, position_of_text
from giz.surveys.survey import SurveyError

from .servers import LocalServer, NamesServer

LEDA = (50063, "NGC5457", "14.053488", "54.348750", "SABc", "5.9", "2.3785", "0.02", "28.5")


def test_a_name_becomes_a_position(serve, observatory):
    server = serve(NamesServer())
    found = observatory(server).names.resolve("M 101")
    assert (found.ra_deg, found.dec_deg, found.resolver, found.pgc) == (210.80242, 54.34875, "NED", 50063)
    assert server.requests == ["/sesame/-oxI/SNV?M%20101"]


def test_a_name_that_nobody_knows_is_told(serve, observatory):
    with pytest.raises(SurveyError, match="Neither SIMBAD nor NED") as caught:
        observatory(serve(NamesServer())).names.resolve("NGC 0")
    assert caught.value.code == "not_found"


@pytest.mark.finding("abuse A3")
@pytest.mark.parametrize(
    "name", ["M31&of=xml", "M31#", "%0d%0aX: y", "", " ", "a" * 81, "M31\n", "<b>", "M31?x", "ä", "http://a/"]
)
def test_names_that_no_catalogue_uses_are_refused(name):
    with pytest.raises(SurveyError) as caught:
        checked_name(name)
    assert caught.value.code == "bad_name"


@pytest.mark.parametrize(
    "name", ["NGC 5457", "2MASX J12345678+1234567", "UGC 12-34", "ESO 123-G004", "Malin 1", "AM 0644-741"]
)
def test_names_that_catalogues_use_are_taken(name):
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"",
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]><Sesame><Resolver>&b;</Resolver></Sesame>',
        b"<Sesame><Resolver><jradeg>x</jradeg><jdedeg>1</jdedeg></Resolver></Sesame>",
        b"<Sesame><Resolver><jradeg>1</jradeg><jdedeg>91</jdedeg></Resolver></Sesame>",
        b"<Sesame>" * 100_000,
        b'<?xml version="1.0" encoding="foo"?><Sesame><Target><name>x</name></Target></Sesame>',
        b'<?xml version="1.0" encoding="shift_jis"?><Sesame><Target><name>x</name></Target></Sesame>',
    ],
)
def test_strange_answers_of_the_resolver_are_refused(body, serve, observatory):
    server = serve(LocalServer(lambda path, query: (200, {}, body)))
    server.urls = {}
    client = observatory(server).client
    with pytest.raises(SurveyError) as caught:
        Sesame(client, server.url).resolve("M 1")
    assert caught.value.code == "survey_bad_answer"


@pytest.mark.parametrize(
    ("entry", "words"), [("S=Simbad (via url)", "SIMBAD"), ("V=x", "VizieR"), ("secret\u202e", "a resolver")]
)
def test_resolvers_are_called_by_names_of_ours(entry, words, serve, observatory):
    place = "<jradeg>1</jradeg><jdedeg>1</jdedeg>"
    body = f'<Sesame><Target><Resolver name="{entry}">{place}</Resolver></Target></Sesame>'.encode()
    server = serve(LocalServer(lambda path, query: (200, {}, body)))
    server.urls = {}
    assert Sesame(observatory(server).client, server.url).resolve("M 1").resolver == words


def test_hyperleda_becomes_degrees_and_arcsec(serve, observatory):
    facts = observatory(serve(NamesServer([LEDA]))).catalogue.galaxies([50063, 7])
    assert set(facts) == {50063}
    galaxy = facts[50063]
    assert galaxy.ra_deg == pytest.approx(210.80232)
    assert galaxy.d25_arcsec == pytest.approx(6 * 10**2.3785)
    assert galaxy.axial_ratio == pytest.approx(10**-0.02)
    assert (galaxy.position_angle_deg, galaxy.morphological_type, galaxy.type_code) == (28.5, "SABc", 5.9)


def test_what_hyperleda_leaves_blank_is_none(serve, observatory):
    server = serve(NamesServer([(12, "PGC000012", "0.1", "-6.4", "", "", "", "", "")]))
    galaxy = observatory(server).catalogue.galaxies([12])[12]
    assert (galaxy.d25_arcsec, galaxy.axial_ratio, galaxy.position_angle_deg, galaxy.type_code) == (
        None,
        None,
        None,
        None,
    )


def test_many_galaxies_are_asked_a_hundred_at_a_time(serve, observatory):
    server = serve(NamesServer([LEDA]))
    observatory(server).catalogue.galaxies(list(range(1, 251)))
    assert len(server.requests) == 3


def test_control_characters_in_texts_of_hyperleda_are_dropped(serve, observatory):
    row = (12, "NGC\x00 12\x1b[31m\u202e", "0.1", "-6.4", "S\x00b\x7f", "", "", "", "")
    galaxy = observatory(serve(NamesServer([row]))).catalogue.galaxies([12])[12]
    assert (galaxy.name, galaxy.morphological_type) == ("NGC 12[31m", "Sb")


LEDA_HEADER = b"pgc|objname|al2000|de2000|type|t|logd25|logr25|pa\n"


@pytest.mark.parametrize(
    "body",
    [
        b"<html>no</html>",
        b"pgc|objname\n1|x",
        LEDA_HEADER + b"1|x",
        LEDA_HEADER + b"1|x|25|0|||||",
        LEDA_HEADER + b"1e9|x|2|0|||||",
    ],
)
def test_strange_tables_are_refused(body, serve, observatory):
    server = serve(LocalServer(lambda path, query: (200, {}, body)))
    server.urls = {}
    with pytest.raises(SurveyError) as caught:
        HyperLEDA(observatory(server).client, server.url).galaxies([1])
    assert caught.value.code == "survey_bad_answer"


def test_addresses_of_the_settings_take_the_place_of_the_usual_ones():
    urls = joined_urls(["sdss=http://mirror.example/frames"])
    assert urls == DEFAULT_URLS | {"sdss": "http://mirror.example/frames"}
    for word in ("sdss", "sloan=http://x", "sdss=ftp://x"):
        with pytest.raises(ValueError, match="SURVEY_URLS holds"):
            joined_urls([word])


def test_an_unknown_survey_is_told_with_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match="choose from sdss, panstarrs, hips"):
        Observatory(tmp_path, DEFAULT_URLS).surveys(["sloan"])


PLACES = {
    "184.74 47.30": (184.74, 47.3),
    "184.74, +47.30": (184.74, 47.3),
    "184,74 47,30": (184.74, 47.3),
    "RA 184.74 Dec −47.30": (184.74, -47.3),
    "12 18 57.5 +47 18 14": (184.739583, 47.303889),
    "12:18:57.5 -00:18:14": (184.739583, -0.303889),
    "12h18m57.5s +47d18m14s": (184.739583, 47.303889),
    "12h18m57.5s+47°18′14″": (184.739583, 47.303889),
    "12 18 +47 18": (184.5, 47.3),
    "12 18 57.5 47 18 14": (184.739583, 47.303889),
}


@pytest.mark.finding("data 12")
@pytest.mark.parametrize(("text", "place"), PLACES.items(), ids=PLACES.keys())
def test_a_place_that_is_typed_is_read(text, place):
    """The same table as in frontend/src/features/predict/rules/rules.test.ts."""
    assert position_of_text(text) == pytest.approx(place, abs=1e-6)


@pytest.mark.finding("data 12")
@pytest.mark.parametrize(
    "name", ["NGC 4321", "3C 273", "M 31", "M 31 32", "2MASX J0955", "1 2 3", "UGC 12-3", "Arp 220", "39600", "", "-"]
)
def test_a_name_is_no_place(name):
    assert position_of_text(name) is None


@pytest.mark.finding("data 12")
@pytest.mark.parametrize("text", ["400 10", "12 61 00 +10 00 00", "10 -91", "25h00m00s +10d00m00s", "-10 5"])
def test_a_place_that_is_not_on_the_sky_is_told(text):
    with pytest.raises(SurveyError) as refused:
        position_of_text(text)
    assert refused.value.code == "bad_place"
