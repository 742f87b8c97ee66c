"""How the comparison shows its galaxies: whole, at one scale, unzoomed anew; and sheets and skips by a few keys."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, Visitor
from tests.browser.play import judge, place, position, wait_for_galaxy, wait_until
from tests.browser.site import Site

PAGE = "/label/demo"
# The field of a picture is twice D25 wide; `cover` lays its side over the longer side of the frame.
IN_D25 = """(side) => {
    const picture = document.querySelector(`.panel-${side} img.pic-full`);
    const turned = new DOMMatrix(getComputedStyle(picture).transform);
    const d25Px = Math.max(picture.clientWidth, picture.clientHeight) * Math.hypot(turned.a, turned.b) / 2;
    const frame = document.querySelector(`.panel-${side} .panel-view`);
    return { d25Px, width: frame.clientWidth / d25Px, height: frame.clientHeight / d25Px };
}"""


def _start(visitor: Callable[..., Visitor], name: str, **options: Any) -> Visitor:
    someone = visitor(**options)
    someone.sign_up(f"{name}@example.org", then=PAGE)
    wait_for_galaxy(someone.page)
    return someone


@pytest.mark.finding("ux B6", "ux D25")
def test_on_phones_the_target_is_whole_at_its_neighbours_scale_and_nothing_runs_out_of_view(
    demo: Site, visitor: Callable[..., Visitor]
) -> None:
    page = _start(visitor, "one.scale", viewport=PHONE, has_touch=True, is_mobile=True).page
    for width, height in ((390, 844), (360, 640), (320, 568), (600, 960)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function("(width) => innerWidth === width", arg=width)
        sides = {side: page.evaluate(IN_D25, side) for side in ("left", "target", "right")}
        for side, shown in sides.items():
            assert shown["width"] > 1.3, (width, side, shown)
            assert shown["height"] >= 1, (width, side, shown)
            assert shown["d25Px"] == pytest.approx(sides["target"]["d25Px"], rel=0.02), (width, side)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        expect(page.locator(".decisions")).to_be_in_viewport(ratio=1)
        expect(page.locator(".panel-target")).to_be_in_viewport(ratio=1)
        tools = page.locator(".toolbar button, .panel .tool")
        sizes = [tools.nth(number).bounding_box() for number in range(tools.count())]
        small = [box for box in sizes if box and (box["width"] < 42 or box["height"] < 42)]
        assert not small, (width, small)
        rows = {round(box["y"]) for box in (b.bounding_box() for b in page.locator(".toolbar button").all()) if box}
        assert max(rows) - min(rows) <= 2, "the tools are one row"


@pytest.mark.finding("ux D25")
def test_on_a_phone_on_its_side_pictures_row_tools_and_answer_are_all_in_view(
    demo: Site, visitor: Callable[..., Visitor]
) -> None:
    options = {"viewport": {"width": 844, "height": 390}, "has_touch": True, "is_mobile": True}
    page = _start(visitor, "on.its.side", **options).page
    for part in (".triptych", ".strip", ".toolbar", ".decisions"):
        expect(page.locator(part)).to_be_in_viewport(ratio=1)
    bar = page.locator(".decisions").bounding_box()
    caption = page.locator(".panel-target figcaption").bounding_box()
    assert bar
    assert caption
    assert caption["y"] + caption["height"] <= bar["y"]


def _zoom(page: Page) -> float:
    return float(page.get_by_label("Zoom", exact=True).locator("output").inner_text().rstrip("×"))


@pytest.mark.finding("ux B5", "ux D25")
def test_each_galaxy_starts_unzoomed_whatever_was_stored_before(demo: Site, visitor: Callable[..., Visitor]) -> None:
    someone = _start(visitor, "no.zoom")
    page = someone.page
    page.evaluate("localStorage.setItem('giz-preferences', JSON.stringify({zoom: 2.8, band: 'r'}))")
    sql = "UPDATE accounts_user SET preferences = '{\"zoom\": 2.8}' WHERE email = %s RETURNING 1"
    assert demo.query(sql, someone.email)
    page.reload()
    wait_for_galaxy(page)
    assert page.evaluate(IN_D25, "target")["width"] > 1.3
    box = page.locator(".panel-target .panel-view").bounding_box()
    assert box
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.wheel(0, -300)
    reset = page.get_by_role("button", name=re.compile(r"× · reset"))
    expect(reset).to_be_visible()
    enlarged = page.evaluate(IN_D25, "target")["width"]
    assert enlarged < 1
    judge(page, lambda step, slots: slots // 2)
    wait_for_galaxy(page)
    expect(reset).to_have_count(0)
    assert page.evaluate(IN_D25, "target")["width"] > 1.3
    for _ in range(4):
        page.keyboard.press("+")
    reset.click()
    expect(reset).to_have_count(0)


@pytest.mark.finding("ux D25")
def test_reasons_are_chosen_by_digits_and_a_skip_can_be_taken_back(demo: Site, visitor: Callable[..., Visitor]) -> None:
    someone = _start(visitor, "few.keys")
    page = someone.page
    place(page, 7)
    galaxy = page.locator(".panel-target img.pic-full")
    skipped = galaxy.get_attribute("src") or ""
    page.keyboard.press("k")
    expect(galaxy).not_to_have_attribute("src", skipped)
    page.keyboard.press("u")
    expect(galaxy).to_have_attribute("src", skipped)
    assert position(page)[1] == 7
    page.keyboard.press("x")
    sheet = page.get_by_role("dialog")
    sheet.wait_for()
    page.keyboard.press("Tab")
    expect(sheet.get_by_role("checkbox", name=re.compile("^Face-on"))).to_be_focused()
    page.keyboard.press("2")
    page.keyboard.press("9")
    page.keyboard.press("9")
    expect(sheet.get_by_role("checkbox", name=re.compile("^Not a spiral"))).to_be_checked()
    page.keyboard.press("Enter")
    expect(sheet).to_be_hidden()
    sql = """SELECT vote.reasons FROM labeling_vote vote JOIN accounts_user person ON person.id = vote.volunteer_id
              WHERE person.email = %s"""
    wait_until(lambda: demo.query(sql, someone.email) == [(["not_spiral"],)], "the rejection is stored")
    assert not demo.query(
        """SELECT FROM labeling_task task JOIN accounts_user person ON person.id = task.volunteer_id
            WHERE person.email = %s AND task.state = 'skipped'""",
        someone.email,
    )
