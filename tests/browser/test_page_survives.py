"""The comparison page goes on: without a connection, without one of its files, after an update, a reload, *back*."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visitor
from tests.browser.play import judge, place, position, press_enter, wait_for_galaxy
from tests.browser.site import Site

PAGE = "/label/demo"
SHEETS = "**/assets/Dialogs-*.js*"
PICTURES = "**/media/**"


def _start(
    demo: Site, visitor: Callable[..., Visitor], name: str, *, before: Callable[[Page], None] | None = None
) -> Page:
    someone = visitor()
    if before:
        before(someone.page)
    someone.sign_up(f"{name}@example.org", then=PAGE)
    wait_for_galaxy(someone.page)
    return someone.page


def _remark(page: Page, note: str) -> None:
    page.keyboard.press("e")
    page.get_by_role("dialog").get_by_role("textbox").fill(note)
    page.get_by_role("button", name="Save the remark").click()
    expect(page.get_by_role("dialog")).to_be_hidden()


def _to_step_b(page: Page, slot_b: int) -> None:
    place(page, 2)
    press_enter(page)
    expect(page.get_by_test_id("position")).to_contain_text("Step B")
    place(page, slot_b)


def _target(page: Page) -> str:
    return page.locator(".panel-target img").last.get_attribute("src") or ""


@pytest.mark.finding("flow F7", "ux A3")
def test_without_a_connection_every_sheet_opens_and_links_lead_there_and_back(
    demo: Site, visitor: Callable[..., Visitor]
) -> None:
    page = _start(demo, visitor, "offline.sheets")
    _to_step_b(page, 6)
    galaxy = _target(page)
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    expect(page.get_by_text("You are offline")).to_be_visible()
    for key in ("x", "e", "l", "?"):
        page.keyboard.press(key)
        page.get_by_role("dialog").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="hidden")
    page.get_by_role("link", name=re.compile("^Me")).click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.go_back()
    expect(page.get_by_test_id("position")).to_contain_text("Step B")
    assert (_target(page), position(page)) == (galaxy, ("B", 6, 10))
    page.context.set_offline(False)
    expect(page.get_by_text("You are offline")).to_be_hidden()


@pytest.mark.finding("flow F7", "ux A3")
def test_a_sheet_that_does_not_load_fails_alone_and_can_be_tried_again(
    demo: Site, visitor: Callable[..., Visitor]
) -> None:
    page = _start(demo, visitor, "failed.sheet", before=lambda page: page.route(SHEETS, lambda route: route.abort()))
    place(page, 7)
    galaxy = _target(page)
    page.keyboard.press("x")
    sheet = page.get_by_role("dialog", name="This could not be loaded")
    expect(sheet).to_be_visible()
    with page.expect_event("requestfailed", lambda request: "again=" in request.url):
        sheet.get_by_role("button", name="Try again").click()
    expect(sheet).to_be_visible()
    page.unroute(SHEETS)
    # An attempt that was still on its way may succeed now: then no button is left to press.
    sheet.get_by_role("button", name="Try again").evaluate_all("buttons => buttons.forEach((one) => one.click())")
    expect(page.get_by_role("dialog", name="Why can't it be judged?")).to_be_visible()
    page.keyboard.press("Escape")
    assert (_target(page), position(page)) == (galaxy, ("A", 7, 10))


@pytest.mark.finding("flow F7", "ux A3")
def test_after_an_update_of_the_site_the_page_is_loaded_anew_between_two_galaxies(
    demo: Site, visitor: Callable[..., Visitor]
) -> None:
    """What a tab of yesterday meets: its files are gone, and pages begin with another script."""

    def updated(route: Route) -> None:
        html = route.fetch().text()
        route.fulfill(
            body=re.sub(r"/assets/index-[\w-]+\.js", "/assets/index-ofTomorrow.js", html), content_type="text/html"
        )

    def prepare(page: Page) -> None:
        page.route(SHEETS, lambda route: route.fulfill(status=404, body="not found"))
        page.route(f"{demo.address}/", updated)

    page = _start(demo, visitor, "new.build", before=prepare)
    page.evaluate("document.documentElement.dataset.build = 'old'")
    place(page, 7)
    page.keyboard.press("x")
    sheet = page.get_by_role("dialog", name="This could not be loaded")
    expect(sheet).to_contain_text("has just been updated")
    sheet.get_by_role("button", name="Back").click()
    assert position(page)[:2] == ("A", 7)
    press_enter(page)
    expect(page.get_by_test_id("position")).to_contain_text("Step B")
    place(page, 4)
    expect(page.locator("html[data-build=old]")).to_have_count(1)
    press_enter(page)
    expect(page.locator("html[data-build=old]")).to_have_count(0)
    wait_for_galaxy(page)
    page.wait_for_load_state("networkidle")
    page.evaluate("document.documentElement.dataset.build = 'new'")
    judge(page, lambda step, slots: slots // 2)
    wait_for_galaxy(page)
    expect(page.locator("html[data-build=new]")).to_have_count(1)  # not loaded anew in a circle


@pytest.mark.finding("ux B8")
def test_pictures_that_failed_come_back_by_themselves_those_of_the_row_too(
    demo: Site, visitor: Callable[..., Visitor]
) -> None:
    page = _start(demo, visitor, "lost.pictures")
    page.wait_for_load_state("networkidle")
    page.context.route(PICTURES, lambda route: route.abort())
    # Other standards in the row, and a place far off: the big pictures of the nearest ones are there already.
    page.keyboard.press("Shift+N")
    page.keyboard.press("1")
    expect(page.get_by_test_id("position")).to_contain_text("slot 1 of")
    far = position(page)
    expect(page.get_by_role("button", name="Try again").first).to_be_visible()
    expect(page.locator(".strip .pic[data-state=failed]").first).to_be_attached()
    page.context.unroute(PICTURES)
    expect(page.locator(".pic[data-state=failed]")).to_have_count(0)
    wait_for_galaxy(page)
    assert position(page) == far


@pytest.mark.finding("ux C21")
def test_reload_back_and_a_closed_tab_keep_the_galaxy_its_place_and_its_remark(
    demo: Site, visitor: Callable[..., Visitor]
) -> None:
    page = _start(demo, visitor, "kept.place")
    _remark(page, "a faint tail")
    _to_step_b(page, 7)
    galaxy = _target(page)

    def is_kept(page: Page) -> None:
        wait_for_galaxy(page)
        expect(page.get_by_test_id("position")).to_contain_text("slot 8 of")
        assert (_target(page), position(page)[0]) == (galaxy, "B")
        page.keyboard.press("e")
        expect(page.get_by_role("dialog").get_by_role("textbox")).to_have_value("a faint tail")
        page.keyboard.press("Escape")

    page.reload()
    is_kept(page)
    page.get_by_role("link", name=re.compile("^Me")).click()
    page.wait_for_url("**/me")
    page.go_back()
    is_kept(page)
    page.go_back()
    expect(page.get_by_test_id("position")).to_contain_text("Step A")
    assert page.url.endswith(PAGE)
    press_enter(page)
    expect(page.get_by_test_id("position")).to_contain_text("Step B")
    other = page.context.new_page()
    page.close()
    other.goto(demo.address + PAGE)
    is_kept(other)
    press_enter(other)
    expect(other.get_by_test_id("position")).to_contain_text("Step A")
    assert "tail" not in other.evaluate("JSON.stringify(localStorage)")


@pytest.mark.finding("ux C21")
def test_a_log_out_leaves_nothing_of_the_galaxy_on_the_device(demo: Site, visitor: Callable[..., Visitor]) -> None:
    page = _start(demo, visitor, "logged.out")
    _remark(page, "between us")
    assert "between us" in page.evaluate("JSON.stringify(localStorage)")
    page.goto(demo.address + "/accounts/logout/")
    page.get_by_role("main").get_by_role("button").first.click()
    page.goto(demo.address)
    page.get_by_role("banner").get_by_role("link", name="Log in").wait_for()
    assert "between us" not in page.evaluate("JSON.stringify(localStorage)")


def test_back_in_step_a_leaves_the_page_however_often_step_b_was_reached(
    demo: Site, visitor: Callable[..., Visitor]
) -> None:
    page = _start(demo, visitor, "back.away")
    page.goto(demo.address + "/me")
    page.goto(demo.address + PAGE)
    for _ in range(2):
        judge(page, lambda step, slots: slots // 2)
    wait_for_galaxy(page)
    expect(page.get_by_test_id("position")).to_contain_text("Step A")
    page.go_back()
    page.wait_for_url("**/me")


def test_a_page_that_comes_back_from_the_history_after_a_vote_leases_its_galaxies_again(
    demo: Site, visitor: Callable[..., Visitor]
) -> None:
    """The browsers of the tests keep no left pages, so the events of a kept one are sent by hand."""
    page = _start(demo, visitor, "restored")
    judge(page, lambda step, slots: slots // 2)
    expect(page.get_by_text(re.compile("recorded"))).to_be_visible()
    with page.expect_response("**/api/v1/tasks/release/"):
        page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    with page.expect_response("**/api/v1/tasks/*/renew/") as leased:
        page.evaluate("setTimeout(() => dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true})))")
    assert leased.value.status == 200
    judge(page, lambda step, slots: slots // 2)
    expect(page.get_by_text(re.compile("recorded"))).to_be_visible()


def test_offline_nobody_can_answer_beside_a_picture_that_is_missing(
    demo: Site, visitor: Callable[..., Visitor]
) -> None:
    page = _start(demo, visitor, "missing.neighbour")
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    page.keyboard.press("1")
    expect(page.get_by_test_id("position")).to_contain_text("slot 1 of")
    expect(page.locator(".triptych .pic[data-state=failed]").first).to_be_attached()
    expect(page.locator("button.go")).to_be_disabled()
    page.context.set_offline(False)
    wait_for_galaxy(page)
