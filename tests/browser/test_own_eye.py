"""A galaxy that the network was asked about, judged by one's own eye on a real site."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.play import judge, reject
from tests.browser.site import Site
from tests.browser.test_accessibility import look, serious_violations
from tests.browser.test_predict import evaluate, network, open_galaxy  # noqa: F401 - the fixture


@look
def test_a_galaxy_is_judged_by_ones_own_eye_and_both_answers_are_shown(
    network: Site,  # noqa: F811
    visitor: Callable[..., Visitor],
    look: dict[str, Any],
    request: pytest.FixtureRequest,
) -> None:
    someone = visitor(**look)
    page = open_galaxy(someone)
    theirs = evaluate(page)
    page.get_by_role("link", name="Judge it yourself").click()
    expect(page.get_by_text("Just for you: your answer isn’t saved.")).to_be_visible()
    judge(page, lambda step, slots: slots // 2)
    answers = page.get_by_test_id("own-answer")
    expect(answers).to_contain_text(theirs)
    expect(answers).to_contain_text(re.compile(r"You\s*\d\d(\.5)?°"))
    expect(page.locator(".own-picture path")).to_have_count(2)
    expect(page.locator(".own-words")).to_contain_text("than the network")
    someone.screenshot(request.node.name)
    assert serious_violations(page) == []
    page.get_by_role("button", name="Again, with other standards").click()
    reject(page, "Several galaxies")
    expect(answers).to_contain_text("rejected")
    expect(page.get_by_text("You say: Several galaxies.")).to_be_visible()
    page.get_by_role("link", name="Back to the network").click()
    expect(page.locator(".preview-frame .pic-full")).to_be_visible()
