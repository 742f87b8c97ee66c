"""My galaxies in a browser: what was settled since the last visit, my eye, and no violation that axe knows."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.site import Site
from tests.browser.test_accessibility import look, serious_violations

ANN = "ann@example.org"
PAGES = ["/accounts/data/", "/accounts/email/"]


@pytest.fixture(scope="module")
def settled(demo: Site, browser: Any) -> Site:
    """The demo sky, every galaxy judged by Ann and two others."""
    ann = Visitor(browser.new_context(), demo)
    ann.sign_up(ANN, then="/me")
    ann.page.get_by_role("heading", name="My galaxies").wait_for()
    expect(ann.page.get_by_test_id("my-eye")).to_have_count(0)
    ann.context.close()
    usual = demo.environment
    demo.environment = {**usual, "DATABASE_URL": usual["DATABASE_OWNER_URL"]}
    demo.manage("shell", "-c", f"from tests.browser.settled_sky import make; make('{ANN}')")
    demo.environment = usual
    return demo


@look
def test_somebody_returns_to_settled_galaxies(
    settled: Site, visitor: Callable[..., Visitor], look: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    settled.manage("shell", "-c", "from giz.accounts.models import User; User.objects.update(preferences={})")
    ann = visitor(**look)
    ann.log_in(ANN, then="/predict")
    page = ann.page
    page.get_by_role("link", name="settled").click()
    news = page.get_by_test_id("settled")
    news.get_by_role("heading", name="of your galaxies are settled").wait_for()
    assert news.get_by_role("listitem").count() == 3
    assert "you " in news.get_by_role("listitem").first.inner_text()
    eye = page.get_by_test_id("my-eye")
    expect(eye).to_contain_text("too edge-on")
    assert eye.get_by_role("img").count() == 2
    expect(page.locator(".vote-card .outcome").first).to_contain_text("all ")
    page.wait_for_load_state("networkidle")
    violations = serious_violations(page)
    ann.screenshot(request.node.name)
    ann.open("/me")
    page.get_by_test_id("my-eye").wait_for()
    expect(page.get_by_test_id("settled")).to_have_count(0)
    for number, path in enumerate(PAGES):
        ann.open(path)
        page.wait_for_load_state("networkidle")
        violations += serious_violations(page)
        ann.screenshot(f"{request.node.name}-{number}")
    assert violations == []
