"""Practice: a stranger judges five galaxies, sees the truth after each, and an account keeps them."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, PHONE, Visitor
from tests.browser.play import judge, wait_for_galaxy
from tests.browser.site import Site
from tests.browser.test_accessibility import look, serious_violations

FIVE = 5


def middle(_step: str, slots: int) -> int:
    return slots // 2


def tap_through(page: Page) -> None:
    """Judge one galaxy by touch alone."""
    for label in ("It belongs here", "That's my answer"):
        wait_for_galaxy(page)
        expect(page.locator("button.go")).to_contain_text(label)
        page.locator("button.go").tap()


def test_a_stranger_on_a_phone_judges_five_and_signing_up_keeps_them(
    demo: Site, visitor: Callable[..., Visitor]
) -> None:
    someone = visitor(viewport=PHONE, has_touch=True, is_mobile=True)
    page = someone.open("/")
    page.get_by_role("link", name="Try one now").tap()
    for number in range(FIVE):
        tap_through(page)
        verdict = page.get_by_test_id("practice-verdict")
        expect(verdict).to_contain_text(re.compile(r"You\s*\d\d(\.5)?°"))
        expect(verdict).to_contain_text(re.compile(r"True\s*\d\d\.\d°"))
        expect(page.locator(".own-picture path")).to_have_count(2)
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        page.get_by_role("button", name="Next galaxy" if number < FIVE - 1 else "See your result").tap()
    expect(page.get_by_test_id("practice-sum").locator("li")).to_have_count(FIVE)
    page.get_by_role("link", name="Keep it").tap()
    page.get_by_label("E-mail").fill("practised@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").tap()
    page.wait_for_url("**/label/demo")
    wait_for_galaxy(page)
    someone.open("/me")
    expect(page.get_by_test_id("practised")).to_contain_text("You practised on 5 galaxies")
    expect(page.get_by_text("You have not judged a galaxy yet.")).to_be_visible()


def test_practice_works_by_keyboard_alone_and_with_cookies_refused(demo: Site, visitor: Callable[..., Visitor]) -> None:
    someone = visitor()
    someone.context.route(
        re.compile("/api/v1/practice/"),
        lambda route: route.continue_(headers={**route.request.headers, "cookie": ""}),
    )
    page = someone.open("/practice/daily")
    for _ in range(FIVE):
        judge(page, middle)
        expect(page.get_by_test_id("practice-verdict")).to_contain_text(re.compile(r"True\s*\d\d\.\d°"))
        expect(page.get_by_role("heading", level=1)).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name=re.compile("Next galaxy|See your result"))).to_be_focused()
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    with page.expect_download() as found:
        page.get_by_role("button", name="Download the picture").click()
    assert found.value.suggested_filename == "galaxies.png"
    page.get_by_role("button", name="Five more").click()
    wait_for_galaxy(page)


@look
def test_the_pages_of_practice_are_accessible(
    demo: Site, visitor: Callable[..., Visitor], look: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    someone = visitor(**look)
    page = someone.open("/practice")
    found = []
    for number in range(FIVE):
        judge(page, middle)
        expect(page.get_by_test_id("practice-verdict")).to_contain_text(re.compile(r"True\s*\d\d\.\d°"))
        if number == 0:
            found += serious_violations(page)
            someone.screenshot(f"{request.node.name}-verdict")
        page.get_by_role("button", name=re.compile("Next galaxy|See your result")).click()
    expect(page.get_by_test_id("practice-sum")).to_be_visible()
    found += serious_violations(page)
    someone.screenshot(f"{request.node.name}-sum")
    assert found == []
