"""Staff pages of the sky in a real browser: fetching, new standards; by keyboard, small, for axe."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Visitor
from tests.browser.site import Site
from tests.browser.test_accessibility import look, serious_violations

FETCH, CANDIDATES = "/staff/catalog/galaxy/fetch/", "/staff/standards/standardset/ruler/candidates/"
GALAXIES = "/staff/catalog/galaxy/"


@pytest.fixture(scope="module")
def password(site: Site) -> str:
    site.manage("shell", "-c", "from tests.browser.staff_sky import make; make()")
    return site.staff_password()


@pytest.fixture
def staff(visitor: Callable[..., Visitor], password: str) -> Callable[..., Visitor]:
    def make(**options: Any) -> Visitor:
        someone = visitor(**options)
        someone.log_in("staff@localhost", password=password, then="/staff/dashboard/")
        return someone

    return make


def test_standards_are_accepted_refused_taken_back_and_published_from_the_keyboard(
    site: Site, staff: Callable[..., Visitor]
) -> None:
    page = staff().open(CANDIDATES)
    page.locator(".candidate").first.wait_for()
    first = page.evaluate("document.activeElement.dataset.pgc")
    assert first
    page.keyboard.press("a")
    page.get_by_text("accepted. Press U to undo.").wait_for()
    second = page.evaluate("document.activeElement.dataset.pgc")
    assert second != first
    page.keyboard.press("x")
    page.get_by_text("refused. Press U to undo.").wait_for()
    assert decisions(site) == {int(first): "accepted", int(second): "refused"}
    page.keyboard.press("u")
    page.get_by_text("is open again.").wait_for()
    assert decisions(site) == {int(first): "accepted"}
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.dataset.pgc") == second
    page.get_by_role("button", name="Publish with 1 new").press("Enter")
    page.get_by_text("Published ruler v2").wait_for()
    known = "SELECT galaxy.pgc FROM standards_standard JOIN catalog_galaxy galaxy ON galaxy.id = galaxy_id"
    rows = site.query(f"{known} JOIN standards_standardset s ON s.id = standard_set_id WHERE s.version = 2")
    assert len(rows) == 11
    assert (int(first),) in rows


def decisions(site: Site) -> dict[int, str]:
    rows = site.query("SELECT g.pgc, p.decision FROM standards_proposal p JOIN catalog_galaxy g ON g.id = p.galaxy_id")
    return dict(rows)


def test_galaxies_are_named_and_fetched_from_the_keyboard_and_a_typing_error_stays_in_the_field(
    site: Site, staff: Callable[..., Visitor]
) -> None:
    page = staff().open(FETCH)
    page.wait_for_function("document.activeElement.id === 'id_galaxies'")  # from the start, without a click
    page.keyboard.type("PGC 4\nM31&of=xml")
    page.get_by_role("button", name="Fetch", exact=True).press("Enter")
    alert = page.get_by_role("alert")
    alert.get_by_text("Line 2: 'M31&of=xml'").wait_for()
    field = page.get_by_label("Galaxies", exact=True)
    assert field.input_value() == "PGC 4\nM31&of=xml"
    assert field.get_attribute("aria-invalid") == "true"
    field.fill("PGC 4\nNGC 3521")
    page.get_by_label("Pan-STARRS").press("Space")
    page.get_by_role("button", name="Fetch", exact=True).press("Enter")
    page.get_by_text("The galaxies are being fetched").wait_for()
    made = site.query("SELECT params FROM core_job WHERE kind = 'fetch_images'")
    assert made == [({"numbers": [4], "names": ["NGC 3521"], "surveys": ["sdss", "hips"]},)]


def settled(page: Page) -> None:
    page.wait_for_load_state("networkidle")


@look
def test_the_pages_of_the_sky_pass_axe_and_fit_the_screen(
    staff: Callable[..., Visitor], look: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    someone = staff(**look)
    violations = []
    for name, address in {"galaxies": GALAXIES, "fetch": FETCH, "candidates": CANDIDATES}.items():
        page = someone.open(address)
        settled(page)
        someone.screenshot(f"sky-{name}-{request.node.callspec.id}")
        violations += serious_violations(page)
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide <= 0, address
    assert violations == []
