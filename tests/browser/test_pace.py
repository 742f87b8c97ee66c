"""Enter, pressed too early, too often or too fast, answers nothing that nobody meant: real keys, clicks and delays."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visitor
from tests.browser.play import place, position, press_enter, wait_for_galaxy, wait_until
from tests.browser.site import Site

PAGE = "/label/demo"
LARGE_PICTURES = re.compile(r"/media/.+-256\.webp")
ANSWERS = """SELECT vote.trace FROM labeling_vote vote JOIN accounts_user person ON person.id = vote.volunteer_id
              WHERE person.email = %s AND vote.standing = 'counted' ORDER BY vote.id"""


@pytest.fixture
def player(demo: Site, visitor: Callable[..., Visitor], request: pytest.FixtureRequest) -> Visitor:
    someone = visitor()
    name = request.node.name.translate(str.maketrans("[]_", "...")).strip(".")[-40:].strip(".")
    someone.sign_up(f"{name}@example.org", then=PAGE)
    wait_for_galaxy(someone.page)
    return someone


def _answers(site: Site, visitor: Visitor) -> list[list[tuple[str, int]]]:
    """The steps and slots of each vote, oldest first."""
    traces = [row[0]["steps"] for row in site.query(ANSWERS, visitor.email)]
    return [[(step["step"], step["slot"]) for step in steps] for steps in traces]


def _to_step_b(page: Page) -> None:
    place(page, 4)
    press_enter(page)
    expect(page.get_by_test_id("position")).to_contain_text("Step B")
    place(page, 4)


def _target(page: Page) -> str:
    return page.locator(".panel-target img.pic-full").get_attribute("src") or ""


@pytest.mark.finding("flow F4", "ux B7")
@pytest.mark.parametrize("way", ["keys", "clicks", "held"])
def test_four_quick_answers_are_one_vote(demo: Site, player: Visitor, way: str) -> None:
    page = player.page
    for number, gap_ms in enumerate((0, 60, 150, 250), start=1):
        _to_step_b(page)
        judged = _target(page)
        box = page.locator("button.go").bounding_box()
        assert box
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        for _ in range(4):
            if way == "clicks":
                page.mouse.down()
                page.mouse.up()
            else:
                page.keyboard.down("Enter")  # pressed again without being let go: the key repeats
                if way == "keys":
                    page.keyboard.up("Enter")
            page.wait_for_timeout(gap_ms)
        page.keyboard.up("Enter")
        expect(page.locator(".panel-target img.pic-full")).not_to_have_attribute("src", judged)
        wait_for_galaxy(page)
        assert position(page)[0] == "A"
        wait_until(lambda number=number: len(_answers(demo, player)) >= number, "the vote is stored")
        assert len(_answers(demo, player)) == number, f"{gap_ms} ms apart"


@pytest.mark.finding("ux B7")
@pytest.mark.parametrize("delay_ms", [0, 700])
def test_what_is_typed_ahead_never_records_a_place_that_nobody_chose(
    demo: Site, player: Visitor, delay_ms: int
) -> None:
    """Slot 2 of step A, then one to the right of slot 5 or of where an earlier try left it; never slot 5, the 6."""
    page = player.page
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": delay_ms, "downloadThroughput": -1, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", slow)
    for gap_ms in (60, 250, 600):
        before = len(_answers(demo, player))
        for key in ("3", "Enter", "ArrowRight", "Enter", "6", "Enter"):
            page.keyboard.press(key)
            page.wait_for_timeout(gap_ms)
        wait_for_galaxy(page)
        page.wait_for_load_state("networkidle")
        for steps in _answers(demo, player)[before:]:
            assert steps[-2] == ("A", 2), f"{gap_ms} ms apart"
            assert steps[-1] in [("B", 6), ("B", 7), ("B", 8)], f"{gap_ms} ms apart"
        if position(page)[0] == "B":
            page.keyboard.press("Backspace")
            wait_for_galaxy(page)


@pytest.mark.finding("ux B7")
def test_an_enter_before_the_pictures_is_kept_once_and_said(demo: Site, player: Visitor) -> None:
    page = player.page
    page.wait_for_load_state("networkidle")
    held, through = list[Route](), []
    page.context.route(LARGE_PICTURES, lambda route: route.continue_() if through else held.append(route))
    page.keyboard.press("1")
    page.keyboard.press("Shift+N")
    page.keyboard.press("9")
    button = page.locator("button.go")
    expect(button).to_be_disabled()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("data-mood", "kept")
    assert position(page)[0] == "A"
    wait_until(lambda: (page.wait_for_timeout(20), held)[1], "pictures are asked for")
    through.append(True)
    for route in held:
        route.continue_()
    expect(page.get_by_test_id("position")).to_contain_text("Step B")
    wait_for_galaxy(page)
    assert position(page)[0] == "B"
    assert _answers(demo, player) == []
