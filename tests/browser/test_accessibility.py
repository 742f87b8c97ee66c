"""axe on every page, in the light and the dark theme: no serious or critical violation."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import PHONE, REPOSITORY, WIDE, Visitor
from tests.browser.play import wait_for_galaxy
from tests.browser.site import Site

AXE = REPOSITORY / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
LOOKS: list[dict[str, Any]] = [
    {"viewport": WIDE, "color_scheme": "dark"},
    {"viewport": WIDE, "color_scheme": "light"},
    {"viewport": PHONE, "color_scheme": "dark"},
    {"viewport": PHONE, "color_scheme": "light"},
]
STRANGERS_PAGES = [
    "/",
    "/label/demo",
    "/no-such-page",
    "/about",
    "/contact",
    "/privacy",
    "/guide",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
]
VOLUNTEERS_PAGES = ["/", "/me", "/accounts/email/", "/accounts/password/change/", "/accounts/logout/", "/accounts/2fa/"]
STAFF_PAGES = ["/staff/dashboard/", "/staff/dashboard/jobs/"]
look = pytest.mark.parametrize("look", LOOKS, ids=["wide-dark", "wide-light", "phone-dark", "phone-light"])


def serious_violations(page: Page) -> list[str]:
    """What axe finds, one line a rule with the elements it means."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert found["passes"], "axe checked nothing"
    return [
        f"{page.url} {rule['id']}: {rule['help']} — {[node['target'] for node in rule['nodes']][:4]}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
    ]


def _check_all(someone: Visitor, addresses: list[str], name: str) -> None:
    violations = []
    for number, address in enumerate(addresses):
        page = someone.open(address)
        page.wait_for_load_state("networkidle")
        someone.screenshot(f"{name}-{number}")
        violations += serious_violations(page)
    assert violations == []


@look
def test_pages_of_strangers(
    demo: Site, visitor: Callable[..., Visitor], look: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    _check_all(visitor(**look), STRANGERS_PAGES, request.node.name)


@look
def test_pages_of_volunteers_and_every_state_of_the_comparison(
    demo: Site, visitor: Callable[..., Visitor], look: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    someone = visitor(takes_tour=True, **look)
    someone.sign_up(f"axe-{request.node.callspec.id}@example.org", then="/label/demo")
    page = someone.page
    wait_for_galaxy(page)
    violations = serious_violations(page)
    someone.screenshot(f"{request.node.name}-step-a")
    page.keyboard.press("Enter")
    wait_for_galaxy(page)
    violations += serious_violations(page)
    someone.screenshot(f"{request.node.name}-step-b")
    for key in ("x", "e", "b", "?", "l"):
        page.keyboard.press(key)
        page.get_by_role("dialog").wait_for()
        violations += serious_violations(page)
        someone.screenshot(f"{request.node.name}-dialog-{'help' if key == '?' else key}")
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="hidden")
    page.keyboard.press("4")
    wait_for_galaxy(page)
    page.keyboard.press("Enter")
    assert violations == []
    _check_all(someone, VOLUNTEERS_PAGES, request.node.name)


@look
def test_pages_of_staff(
    demo: Site, visitor: Callable[..., Visitor], look: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    someone = visitor(**look)
    someone.log_in("staff@localhost", password=demo.staff_password(), then="/staff/dashboard/")
    _check_all(someone, STAFF_PAGES, request.node.name)
