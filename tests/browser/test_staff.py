"""Staff at work in a real browser: the dashboard that keeps itself fresh, a campaign made and steered, doors closed."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import PHONE, WIDE, Visitor
from tests.browser.site import Site
from tests.browser.test_accessibility import serious_violations

MAKE_ROWS = """
from tests.dashboard.sky import make_galaxy, make_job, make_set
make_set("ruler")
for pgc in range(100, 105): make_galaxy(pgc)
make_job(kind="import_images", message="picture 40", lines=3)
"""
ADMIN_PAGES = [
    "/staff/labeling/campaign/",
    "/staff/labeling/campaign/add/",
    "/staff/core/job/",
    "/staff/accounts/user/",
    "/staff/standards/standardset/",
    "/staff/core/auditevent/",
]


@pytest.fixture(scope="module")
def password(site: Site) -> str:
    site.manage("shell", "-c", MAKE_ROWS)
    return site.staff_password()


@pytest.fixture
def staff(site: Site, visitor: Callable[..., Visitor], password: str) -> Callable[..., Visitor]:
    def make(**options: Any) -> Visitor:
        someone = visitor(**options)
        someone.log_in("staff@localhost", password=password, then="/staff/dashboard/")
        return someone

    return make


def test_a_job_moves_on_the_page_without_a_reload(site: Site, staff: Callable[..., Visitor]) -> None:
    page = staff().page
    job = page.locator("article.job", has_text="Import images")
    assert "40 of 100" in job.inner_text()
    job.get_by_text("Log", exact=True).click()
    site.manage("shell", "-c", "from giz.core.models import Job; Job.objects.update(progress_done=77)")
    job.get_by_text("77 of 100").wait_for()
    assert job.locator("details").evaluate("element => element.open")


def test_figures_that_are_old_say_so(site: Site, staff: Callable[..., Visitor]) -> None:
    someone = staff()
    someone.context.set_offline(True)
    someone.page.get_by_text("Last updated before").wait_for()
    someone.context.set_offline(False)
    someone.page.get_by_text("Last updated before").wait_for(state="hidden")
    someone.problems = [problem for problem in someone.problems if "ERR_INTERNET_DISCONNECTED" not in problem]


def test_a_campaign_is_made_and_steered_with_buttons(site: Site, staff: Callable[..., Visitor]) -> None:
    someone = staff()
    page = someone.page
    page.get_by_role("link", name="New campaign").click()
    page.locator("#id_name").fill("first-light")
    page.locator("#id_title").fill("First light")
    page.locator("#id_standard_set").select_option(label="ruler v1")
    page.get_by_role("button", name="Save and continue").click()
    for button, words in (
        ("Add all galaxies with pictures", "Targets added: 5 galaxies."),
        ("Open", "is open"),
        ("Pause", "is paused"),
        ("Open", "is open"),
        ("Close", "is closed"),
    ):
        page.get_by_role("button", name=button, exact=True).click()
        page.get_by_text(words).first.wait_for()
    assert site.query("SELECT state FROM labeling_campaign WHERE name = 'first-light'") == [("closed",)]
    page.goto(f"{site.address}/staff/dashboard/")
    assert "0 of 5" in page.get_by_role("table").inner_text()


def test_a_job_is_cancelled_with_its_button(site: Site, staff: Callable[..., Visitor]) -> None:
    page = staff().page
    page.get_by_role("link", name="Import images").click()
    page.get_by_role("button", name="Cancel this job").click()
    page.get_by_text("The job will be cancelled").wait_for()
    assert site.query("SELECT cancel_requested FROM core_job") == [(True,)]


def test_a_volunteer_finds_nothing_below_staff(site: Site, visitor: Callable[..., Visitor]) -> None:
    someone = visitor()
    someone.sign_up("nosy@example.org", then="/accounts/email/")
    for address in ("/staff/", "/staff/dashboard/", "/staff/core/job/"):
        someone.open(address)
        someone.page.locator("[data-code=not_found]").wait_for()


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_admins_pages_pass_axe_and_fit_the_screen(
    staff: Callable[..., Visitor], viewport: dict[str, int], scheme: str
) -> None:
    someone = staff(viewport=viewport, color_scheme=scheme)
    violations = []
    for address in ("/staff/dashboard/", "/staff/dashboard/jobs/", *ADMIN_PAGES):
        page = someone.open(address)
        page.wait_for_load_state("networkidle")
        violations += serious_violations(page)
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide <= 0, address
    assert violations == []
