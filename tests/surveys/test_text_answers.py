"""Tables and names come as text: what is no table is never kept, and "nothing found" only for a day."""

import json
import time
from functools import partial

import pytest

from giz.imaging.grid import galaxy_grid
from giz.surveys.survey import SurveyError

from .servers import GreatCircle, LocalServer, NamesServer, PanStarrsServer, SdssServer, SkyNamesServer, leda_row

LEDA = (50063, "NGC5457", "14.053488", "54.348750", "SABc", "5.9", "2.3785", "0.02", "28.5")
DAY_S = 86_400.0
# A page that is well-formed XML, too.
PAGE = b"<html><body><p>The database is being maintained.</p></body></html>"


def page_at(path):
    """A fault: the page of HTML, with status 200, in the place of the table under this path."""

    def fault(handler, parts):
        if not parts.path.startswith(path):
            return False
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(PAGE)))
        handler.end_headers()
        handler.wfile.write(PAGE)
        return True

    return fault


@pytest.fixture
def grid(sky):
    return galaxy_grid(sky.place.ra.deg, sky.place.dec.deg, sky.d25_arcsec, sky.position_angle_deg)


def sdss_plan(observatory, grid):
    return observatory.sdss._candidates(grid)


def panstarrs_plan(observatory, grid):
    return observatory.surveys(["panstarrs"])[0]._skycells(grid)


def leda_numbers(observatory, _grid):
    return observatory.catalogue.galaxies([50063])


def leda_around(observatory, grid):
    return observatory.catalogue.around(grid.ra_deg, grid.dec_deg, 60.0)


def sesame(observatory, _grid):
    return observatory.names.resolve("M 101")


def sdss_server(sky):
    return SdssServer([GreatCircle(sky, 3704).frame(3, 90, 700.0, 1100.0)])


SERVICES = {
    "SkyServer": (sdss_server, "/sql", sdss_plan),
    "Pan-STARRS": (PanStarrsServer, "/files", panstarrs_plan),
    "HyperLEDA by number": (lambda _: NamesServer([LEDA]), "/leda", leda_numbers),
    "HyperLEDA by place": (lambda sky: SkyNamesServer([leda_row(sky)], sky), "/leda", leda_around),
    "Sesame": (lambda _: NamesServer(), "/sesame", sesame),
}


@pytest.mark.parametrize(("make", "path", "ask"), SERVICES.values(), ids=SERVICES)
def test_a_page_of_html_in_the_place_of_a_table_is_not_kept(make, path, ask, sky, grid, serve, observatory):
    server = serve(make(sky))
    server.faults.append(page_at(path))
    with pytest.raises(SurveyError) as caught:
        ask(observatory(server), grid)
    assert caught.value.code == "survey_bad_answer"
    assert len(server.requests) == 4, "it is tried again before it is told"
    server.faults.clear()
    assert ask(observatory(server), grid)


@pytest.mark.parametrize(("make", "path", "ask"), SERVICES.values(), ids=SERVICES)
def test_a_bad_answer_that_was_kept_by_an_older_version_is_asked_for_again(
    make, path, ask, sky, grid, serve, observatory
):
    server = serve(make(sky))
    asking = observatory(server)
    ask(asking, grid)
    asked = len(server.requests)
    place = asking.client.cache.folder / "page"
    for entry in (asking.client.cache.folder / "index").rglob("*.json"):
        place.write_bytes(PAGE)
        asking.client.cache.store(json.loads(entry.read_text())["url"], place)
    assert ask(asking, grid)
    assert len(server.requests) == 2 * asked


def grow_older(cache, seconds):
    for entry in (cache.folder / "index").rglob("*.json"):
        kept = json.loads(entry.read_text())
        entry.write_text(json.dumps(kept | {"fetched_at": time.time() - seconds}))


def unknown_name(observatory):
    with pytest.raises(SurveyError) as caught:
        observatory.names.resolve("NGC 0")
    assert caught.value.code == "not_found"


def panstarrs_without_rows():
    return LocalServer(lambda path, query: (200, {}, b"projcell subcell filter filename\n"))


def far_place(ask, observatory):
    assert not ask(observatory, galaxy_grid(10.0, 10.0, 60.0, 0.0))


def one_of_two(observatory):
    assert set(observatory.catalogue.galaxies([7, 50063])) == {50063}


def nobody_around(observatory):
    assert observatory.catalogue.around(10.0, 10.0, 60.0) == []


def empty_leda():
    return LocalServer(lambda path, query: (200, {}, b"# HyperLEDA\n# end\n"))


NOTHING = {
    "SkyServer": (lambda: SdssServer([]), partial(far_place, sdss_plan)),
    "Pan-STARRS": (panstarrs_without_rows, partial(far_place, panstarrs_plan)),
    "HyperLEDA by number": (lambda: NamesServer([LEDA]), one_of_two),
    "HyperLEDA by place": (empty_leda, nobody_around),
    "Sesame": (NamesServer, unknown_name),
}


@pytest.mark.parametrize(("make", "ask"), NOTHING.values(), ids=NOTHING)
def test_nothing_found_is_kept_for_a_day(make, ask, serve, observatory):
    server = serve(make())
    if not hasattr(server, "urls"):
        server.urls = {"panstarrs-files": f"{server.url}/files", "hyperleda": f"{server.url}/leda"}
    asking = observatory(server)
    ask(asking)
    asked = len(server.requests)
    grow_older(asking.client.cache, 0.9 * DAY_S)
    ask(asking)
    assert len(server.requests) == asked
    grow_older(asking.client.cache, 1.1 * DAY_S)
    ask(asking)
    assert len(server.requests) == 2 * asked


def test_what_was_found_is_kept_for_weeks(serve, observatory):
    server = serve(NamesServer([LEDA]))
    asking = observatory(server)
    for age_s in (0.0, 20 * DAY_S):
        grow_older(asking.client.cache, age_s)
        assert leda_numbers(asking, None)
        assert sesame(asking, None)
    assert len(server.requests) == 2
