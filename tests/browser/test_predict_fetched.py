"""The Predict page brings galaxies from surveys, by number, name and place; local servers stand in for the surveys."""

import re
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, Visitor
from tests.browser.site import Site
from tests.browser.test_accessibility import serious_violations
from tests.browser.test_predict import FETCH_ALL, evaluate
from tests.conftest import TEMPLATE
from tests.surveys.servers import HipsServer, LocalServer, SkyNamesServer, leda_row
from tests.surveys.sky import Sky

TILT_DEG, NEAR_DEG = 68.0, 10.0
PGC = 4321


@pytest.fixture(scope="module")
def sky() -> Sky:
    return Sky(size_px=256, tilt_deg=TILT_DEG)


@pytest.fixture(scope="module")
def surveys(sky: Sky) -> Iterator[list[LocalServer]]:
    started = [HipsServer(sky), SkyNamesServer([leda_row(sky, PGC)], sky)]
    yield started
    for server in started:
        server.close()


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_modify_db_settings: None,
    _built_frontend: None,
    surveys: list[LocalServer],
) -> Iterator[Site]:
    """A site without a galaxy of its own, that knows no survey but those."""
    folder = tmp_path_factory.mktemp("site")
    site = Site(folder, settings.DATABASES["default"], TEMPLATE)
    urls = [f"{name}={url}" for server in surveys for name, url in server.urls.items()]
    site.environment |= {
        "SURVEY_FOLDER": str(folder / "surveys"),
        "SURVEY_ORDER": "hips",
        "SURVEY_URLS": ",".join(urls),
        "SURVEY_LOCAL_HOSTS": ",".join(server.host for server in surveys),
    }
    site.start()
    site.manage("models", "--shipped")
    yield site
    log = site.log()
    site.close()
    assert '"level": "error"' not in log, log[-3000:]


def arrives(site: Site, page: Page, who: str) -> float:
    """The page waits, the job is done as a worker does it, and the galaxy comes by itself; its inclination then."""
    expect(page.get_by_role("status").filter(has_text="A survey is being asked")).to_be_visible()
    site.manage("shell", "-c", FETCH_ALL)  # no worker runs beside these tests
    expect(page.locator(".preview-frame .pic-full")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("heading", name=who)).to_be_visible()
    expect(page.get_by_role("group", name="Band").get_by_role("button")).to_have_count(4)
    shown = evaluate(page)
    return float(shown.rstrip("°"))


def test_a_number_that_is_not_here_comes_from_a_survey_and_is_answered(
    site: Site, visitor: Callable[..., Visitor], surveys: list[LocalServer]
) -> None:
    someone = visitor()
    page = someone.open("/predict")
    page.get_by_label("PGC number or name").fill(f"pgc {PGC}")
    page.keyboard.press("Enter")
    assert arrives(site, page, f"PGC {PGC}") == pytest.approx(TILT_DEG, abs=NEAR_DEG)
    assert page.url == f"{site.address}/predict/pgc/{PGC}"
    expect(page.get_by_text(re.compile(r"^DESI Legacy Surveys · field [\d.]+′$"))).to_be_visible()
    someone.screenshot("predict-fetched-number")
    asked = len(surveys[0].requests)
    # The same link the second time waits for nobody.
    other = visitor(viewport=PHONE).open(f"/predict/pgc/{PGC}")
    expect(other.locator(".preview-frame .pic-full")).to_be_visible()
    assert len(surveys[0].requests) == asked


def test_a_name_is_resolved_and_the_galaxy_comes(
    site: Site, visitor: Callable[..., Visitor], surveys: list[LocalServer]
) -> None:
    someone = visitor(viewport=PHONE, has_touch=True, is_mobile=True)
    page = someone.open("/predict")
    page.get_by_label("PGC number or name").fill("NGC 1")
    page.get_by_role("button", name="Load", exact=True).tap()
    assert arrives(site, page, "NGC 1") == pytest.approx(TILT_DEG, abs=NEAR_DEG)
    assert any(request.startswith("/sesame/") for request in surveys[1].requests)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    someone.screenshot("predict-fetched-name")


def test_a_place_with_a_size_comes_and_its_link_brings_it_again(
    site: Site, visitor: Callable[..., Visitor], sky: Sky
) -> None:
    someone = visitor(color_scheme="dark")
    page = someone.open("/predict")
    page.get_by_text("By position and size").click()
    place = sky.place
    page.get_by_label("Right ascension").fill(place.ra.to_string(unit="hour", sep=" ", precision=3))
    page.get_by_label("Declination").fill(place.dec.to_string(sep=" ", precision=2, alwayssign=True))
    page.get_by_label("Field, arcmin").fill(f"{2 * sky.d25_arcsec / 60:.3f}")
    page.get_by_role("button", name="Load this place").click()
    assert arrives(site, page, "Galaxy at 183.4000°, 21.7000°") == pytest.approx(TILT_DEG, abs=NEAR_DEG)
    assert serious_violations(page) == []
    someone.screenshot("predict-fetched-place")
    page.get_by_text("Link and API call").click()
    page.goto(page.get_by_label("Link to this view", exact=True).input_value())
    expect(page.locator(".preview-frame .pic-full")).to_be_visible()
    expect(page.get_by_role("heading", name="Galaxy at 183.4000°, 21.7000°")).to_be_visible()


def test_a_name_that_nobody_knows_is_said_and_can_be_corrected(site: Site, visitor: Callable[..., Visitor]) -> None:
    page = visitor().open("/predict")
    page.get_by_label("PGC number or name").fill("NGD 1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="A survey is being asked")).to_be_visible()
    site.manage("shell", "-c", FETCH_ALL)
    expect(page.get_by_role("alert")).to_contain_text("NGD 1")
    expect(page.get_by_label("PGC number or name")).to_be_visible()
