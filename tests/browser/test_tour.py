"""The tour of the first galaxy: in the comparison page itself, for who has no votes; it covers and blocks nothing."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PHONE, Visitor
from tests.browser.play import wait_for_galaxy
from tests.browser.site import Site

PAGE = "/label/demo"


def tour_of(page: Page) -> Locator:
    return page.get_by_role("group", name="Tour of the first galaxy")


def mark(page: Page) -> str | None:
    return page.locator(".compare").get_attribute("data-tour")


def expect_mark(page: Page, name: str) -> None:
    expect(page.locator(f'.compare[data-tour="{name}"]')).to_have_count(1)


@pytest.mark.parametrize("is_phone", [False, True], ids=["wide", "phone"])
def test_a_newcomer_is_led_through_the_first_galaxy_by_what_they_do(
    demo: Site, visitor: Callable[..., Visitor], is_phone: bool
) -> None:
    someone = visitor(takes_tour=True, viewport=PHONE) if is_phone else visitor(takes_tour=True)
    someone.sign_up(f"newcomer{int(is_phone)}@giz.example", then=PAGE)
    page = someone.page
    wait_for_galaxy(page)
    expect_mark(page, "target")
    for following in ("neighbours", "move"):
        tour_of(page).get_by_role("button", name="Next").click()
        expect_mark(page, following)
    someone.screenshot(f"tour-{'phone' if is_phone else 'wide'}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    edge_on = page.get_by_role("button", name="Move to more edge-on")
    (edge_on if edge_on.is_enabled() else page.get_by_role("button", name="Move to more face-on")).click()
    expect_mark(page, "confirm")
    page.get_by_role("button", name="It belongs here").click()
    expect_mark(page, "precise")
    page.get_by_role("button", name="That's my answer").click()
    expect(tour_of(page)).to_have_count(0)
    page.reload()
    wait_for_galaxy(page)
    expect(tour_of(page)).to_have_count(0)


def test_the_keyboard_alone_takes_skips_and_calls_the_tour_for_the_same_galaxy(
    demo: Site, visitor: Callable[..., Visitor]
) -> None:
    someone = visitor(takes_tour=True)
    someone.sign_up("keys@giz.example", then=PAGE)
    page = someone.page
    wait_for_galaxy(page)
    # The words are announced, and the buttons come first in the page's order.
    expect(tour_of(page).get_by_role("status")).to_contain_text("1 of 5")
    tour_of(page).get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")
    expect_mark(page, "neighbours")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(tour_of(page)).to_have_count(0)
    page.keyboard.press("ArrowRight")
    before = page.get_by_test_id("position").inner_text()
    picture = page.locator(".panel-target img, .panel-target canvas").first.get_attribute("src")
    page.reload()
    wait_for_galaxy(page)
    expect(tour_of(page)).to_have_count(0)
    page.keyboard.press("?")
    page.get_by_role("button", name="Show me around this galaxy").focus()
    page.keyboard.press("Enter")
    expect_mark(page, "target")
    assert page.get_by_test_id("position").inner_text() == before
    assert page.locator(".panel-target img, .panel-target canvas").first.get_attribute("src") == picture
    # The keys of the comparison work during the tour.
    page.keyboard.press("ArrowLeft")
    assert page.get_by_test_id("position").inner_text() != before


def test_who_has_voted_gets_no_tour(demo: Site, visitor: Callable[..., Visitor]) -> None:
    first = visitor()
    first.sign_up("experienced@giz.example", then=PAGE)
    wait_for_galaxy(first.page)
    for name in ("It belongs here", "That's my answer"):
        first.page.get_by_role("button", name=name).click()
    expect(first.page.get_by_role("button", name="undo").first).to_be_visible()
    second = visitor(takes_tour=True)
    second.log_in(first.email, then=PAGE)
    wait_for_galaxy(second.page)
    assert mark(second.page) is None
