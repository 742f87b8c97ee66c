"""The field guide beside the comparison, by button and by key; the galaxy stays, and the vote names the version."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, Visitor
from tests.browser.play import wait_until
from tests.browser.site import Site


@pytest.mark.parametrize("is_phone", [False, True], ids=["wide", "phone"])
def test_the_guide_opens_beside_the_galaxy_and_closes_to_the_same_one(
    demo: Site, visitor: Callable[..., Visitor], is_phone: bool
) -> None:
    someone = visitor(viewport=PHONE) if is_phone else visitor()
    page = someone.open("/practice")
    expect(page.get_by_role("button", name="It belongs here")).to_be_enabled()
    before = page.get_by_test_id("position").inner_text()
    if is_phone:
        page.get_by_role("button", name="Field guide").click()
    else:
        page.keyboard.press("b")
    sheet = page.get_by_role("dialog", name="Field guide")
    expect(sheet.get_by_role("heading", name="Dust lanes")).to_be_visible()
    expect(sheet.locator("script")).to_have_count(0)
    someone.screenshot(f"guide-{'phone' if is_phone else 'wide'}")
    # Pictures are loaded as they scroll into view.
    sheet.get_by_role("img").last.scroll_into_view_if_needed()
    expect(sheet.get_by_role("img").last).to_have_js_property("naturalWidth", 320)
    if not is_phone:
        box, golden = sheet.bounding_box(), page.locator(".panel-target").bounding_box()
        assert box
        assert golden
        assert box["x"] >= golden["x"] + golden["width"] / 2
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    assert page.get_by_test_id("position").inner_text() == before


def test_a_vote_names_the_guide_that_was_offered(demo: Site, visitor: Callable[..., Visitor]) -> None:
    someone = visitor()
    someone.sign_up("reader@giz.example", then="/label/demo")
    page = someone.page
    for name in ("It belongs here", "That's my answer"):
        button = page.get_by_role("button", name=name)
        expect(button).to_be_enabled()
        button.click()
    query = (
        "SELECT guide.name FROM labeling_vote vote JOIN texts_textversion guide ON guide.id = vote.guide_id "
        "JOIN accounts_user person ON person.id = vote.volunteer_id WHERE person.email = %s"
    )
    wait_until(lambda: demo.query(query, someone.email) == [("field-guide",)], "the vote names the guide")
