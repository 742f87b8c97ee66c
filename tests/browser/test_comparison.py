"""The comparison page on the demo sky: keyboard alone, fingers on a phone, a lost server, what was seen and stored."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from standards import grid
from tests.browser.conftest import PASSWORD, PHONE, Visitor
from tests.browser.play import judge, place, position, press_enter, reject, type_into, wait_for_galaxy, wait_until
from tests.browser.site import Site

PAGE = "/label/demo"
FIRST_LOAD_JS_BYTES = 150_000


def inner(step: str, slots: int) -> int:
    return slots // 2


def _votes_of(site: Site, visitor: Visitor) -> list[tuple[str, float | None, list[str], str]]:
    """Counted votes of this visitor, oldest first."""
    return site.query(  # type: ignore[return-value]
        """SELECT vote.verdict, vote.inclination_deg, vote.reasons, vote.comment FROM labeling_vote vote
             JOIN accounts_user person ON person.id = vote.volunteer_id
            WHERE person.email = %s AND vote.standing = 'counted' ORDER BY vote.id""",
        visitor.email,
    )


def _wait_for_votes(site: Site, visitor: Visitor, number: int) -> None:
    wait_until(lambda: len(_votes_of(site, visitor)) == number, f"{number} votes are stored")


@pytest.fixture
def player(demo: Site, visitor: Callable[..., Visitor], request: pytest.FixtureRequest) -> Visitor:
    """Somebody who just signed up and looks at a first galaxy."""
    options = getattr(request, "param", {})
    someone = visitor(**options)
    someone.sign_up(f"{request.node.name.split('[')[0][-40:]}@example.org", then=PAGE)
    wait_for_galaxy(someone.page)
    return someone


def _tab_to(page: Page, name: str) -> None:
    """Press Tab until the button or link of this name has the focus, as somebody without a mouse does."""
    page.locator("main").wait_for()
    for _ in range(80):
        page.keyboard.press("Tab")
        found = page.evaluate("(document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText)")
        if re.search(name, found or ""):
            return
    raise AssertionError(f"eighty presses of Tab did not reach {name}")


def test_while_an_answer_is_taken_back_nothing_can_be_answered(demo: Site, player: Visitor) -> None:
    """The next galaxy is on the screen still: an Enter meant for it would answer the one that comes back."""
    page, held = player.page, list[Route]()
    judge(page, inner)
    _wait_for_votes(demo, player, 1)
    wait_for_galaxy(page)
    page.route("**/api/v1/votes/*/undo/", lambda route: held.append(route))
    with page.expect_request("**/undo/"):
        page.keyboard.press("u")
    expect(page.locator("button.go")).to_be_disabled()
    next_galaxy = position(page)
    page.keyboard.press("Enter")
    assert position(page) == next_galaxy
    page.keyboard.press("x")
    expect(page.get_by_role("dialog")).to_have_count(0)
    for _ in range(500):
        if held:
            break
        page.wait_for_timeout(10)
    held.pop().continue_()
    expect(page.get_by_test_id("position")).to_contain_text("Step B")
    _wait_for_votes(demo, player, 0)
    press_enter(page)
    _wait_for_votes(demo, player, 1)


def test_a_galaxy_is_judged_rejected_undone_and_skipped_by_the_keyboard_alone(demo: Site, player: Visitor) -> None:
    page = player.page
    keys = page.keyboard

    place(page, 3)
    keys.press("ArrowRight")
    assert position(page)[:2] == ("A", 4)
    keys.press("a")
    assert position(page)[:2] == ("A", 3)
    press_enter(page)
    expect(page.get_by_test_id("position")).to_contain_text("Step B")
    keys.press("Backspace")
    assert position(page)[:2] == ("A", 3)
    press_enter(page)
    expect(page.get_by_test_id("position")).to_contain_text("Step B")
    place(page, 4)
    press_enter(page)
    _wait_for_votes(demo, player, 1)
    # Slot 3 of step A is the interval 55 to 60; its window starts at 53, and slot 4 lies between 56 and 57.
    assert _votes_of(demo, player) == [("A", 56.5, [], "")]

    wait_for_galaxy(page)
    keys.press("u")
    _wait_for_votes(demo, player, 0)
    wait_for_galaxy(page)
    judge(page, inner)
    _wait_for_votes(demo, player, 1)

    reject(page, "Not a spiral", "Not sure", note="smooth, I think")
    _wait_for_votes(demo, player, 2)
    assert _votes_of(demo, player)[1] == ("J", None, ["not_sure", "not_spiral"], "smooth, I think")

    wait_for_galaxy(page)
    before = page.locator(".panel-target img.pic-full").get_attribute("src")
    keys.press("k")
    expect(page.locator(".panel-target img.pic-full")).not_to_have_attribute("src", before or "")

    keys.press("?")
    expect(page.get_by_role("dialog", name="How it works")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    _tab_to(page, "Invert")
    keys.press("Space")
    expect(page.get_by_role("button", name="Invert")).to_have_attribute("aria-pressed", "true")
    # It rests while the galaxy that came after the skip has only just appeared, and a button that rests takes no focus.
    expect(page.get_by_role("button", name="It belongs here")).to_be_enabled()
    _tab_to(page, "^It belongs here")
    keys.press("Enter")
    expect(page.get_by_test_id("position")).to_contain_text("Step B")


def test_signing_up_and_starting_needs_no_mouse(demo: Site, visitor: Callable[..., Visitor]) -> None:
    someone = visitor()
    page = someone.open("/accounts/signup/?next=/label/demo")
    type_into(page, "E-mail", "keyboard.only@example.org")
    page.keyboard.press("Tab")
    type_into(page, "Password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/label/demo")
    wait_for_galaxy(page)
    judge(page, inner)
    someone.email = "keyboard.only@example.org"
    _wait_for_votes(demo, someone, 1)


def _shown_stem(page: Page, side: str) -> str:
    source = page.locator(f".panel-{side} img.pic-full").get_attribute("src") or ""
    match = re.fullmatch(r"/media/(.+)-\d+\.webp", source)
    assert match, source
    return match[1]


def test_the_stored_trace_names_the_very_pictures_that_were_on_the_screen(demo: Site, player: Visitor) -> None:
    page = player.page
    place(page, 5)
    page.keyboard.press("n")
    page.keyboard.press("m")
    page.keyboard.press("Shift+N")
    press_enter(page)
    expect(page.get_by_test_id("position")).to_contain_text("Step B")
    place(page, 4)
    page.keyboard.press("m")
    wait_for_galaxy(page)
    seen = _shown_stem(page, "left"), _shown_stem(page, "right")
    press_enter(page)
    _wait_for_votes(demo, player, 1)

    [(trace, seed, set_id)] = demo.query(
        """SELECT vote.trace, task.seed, vote.standard_set_id FROM labeling_vote vote
             JOIN labeling_task task ON task.id = vote.task_id
             JOIN accounts_user person ON person.id = vote.volunteer_id WHERE person.email = %s""",
        player.email,
    )
    last = trace["steps"][-1]
    replayed = []
    for panel in (last["slot"] - 1, last["slot"]):
        bin_deg = grid.window_bins(last["window"])[panel]
        ids = [row[0] for row in demo.query(STANDARDS_OF_BIN, set_id, bin_deg)]
        order = grid.draw_order(seed, bin_deg, ids)
        standard = grid.shown_standard(order, last["draws"][panel])
        replayed.append({row[0] for row in demo.query(STEMS_OF_STANDARD, standard)})
    assert seen[0] in replayed[0]
    assert seen[1] in replayed[1]


STANDARDS_OF_BIN = "SELECT id FROM standards_standard WHERE standard_set_id = %s AND bin_deg = %s AND is_shown"
STEMS_OF_STANDARD = """
    SELECT image.stem FROM catalog_galaxyimage image JOIN standards_standard standard
        ON standard.galaxy_id = image.galaxy_id WHERE standard.id = %s
"""


@pytest.mark.parametrize("player", [{"viewport": PHONE, "has_touch": True, "is_mobile": True}], indirect=True)
def test_on_a_phone_a_galaxy_is_placed_by_tapping_and_by_dragging(demo: Site, player: Visitor) -> None:
    page = player.page
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    start = position(page)[1]
    page.get_by_role("button", name="Move to more edge-on").tap()
    assert position(page)[1] == start + 1
    handle = page.get_by_role("slider", name="Place of your galaxy")
    box = handle.bounding_box()
    assert box
    touch = page.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for part in (0.4, 0.8, 1.2):
        moved = {"x": x - part * box["width"], "y": y}
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [moved]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.get_by_test_id("position")).to_contain_text(f"slot {start + 1} of")
    page.locator("button.go").tap()
    expect(page.get_by_test_id("position")).to_contain_text("Step B")
    wait_for_galaxy(page)
    page.locator("button.go").tap()
    _wait_for_votes(demo, player, 1)


@pytest.mark.parametrize(
    "player", [{"viewport": {"width": 360, "height": 568}, "has_touch": True, "is_mobile": True}], indirect=True
)
def test_on_a_low_phone_the_tools_are_a_scroll_away_and_the_next_galaxy_starts_on_top(
    demo: Site, player: Visitor
) -> None:
    page = player.page
    answer, inverting = page.locator("button.go"), page.get_by_role("button", name="Invert")
    expect(answer).to_be_in_viewport(ratio=1)
    inverting.tap()
    expect(inverting).to_be_in_viewport(ratio=1)
    expect(answer).to_be_in_viewport(ratio=1)
    assert page.evaluate("scrollY") > 0
    judge(page, inner)
    _wait_for_votes(demo, player, 1)
    page.wait_for_function("scrollY === 0")
    expect(page.locator(".panel-target")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("width", [360, 768, 1024, 1920])
def test_nothing_is_cut_off_at_any_width(demo: Site, visitor: Callable[..., Visitor], width: int) -> None:
    someone = visitor(viewport={"width": width, "height": 780})
    someone.sign_up(f"wide{width}@example.org", then=PAGE)
    page = someone.page
    wait_for_galaxy(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("Reject…", "It belongs here", "Move to more face-on", "Move to more edge-on"):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= 780


@pytest.mark.finding("fault F12")
def test_a_vote_given_while_the_server_is_away_arrives_once_when_it_is_back(demo: Site, player: Visitor) -> None:
    page = player.page
    place(page, 4)
    press_enter(page)
    expect(page.get_by_test_id("position")).to_contain_text("Step B")
    wait_for_galaxy(page)
    place(page, 4)
    wait_for_galaxy(page)
    demo.stop()
    try:
        page.keyboard.press("Enter")
        expect(page.get_by_text("waiting")).to_be_visible()
    finally:
        demo.start()
    _wait_for_votes(demo, player, 1)
    expect(page.get_by_text("waiting")).to_be_hidden()
    page.reload()
    wait_for_galaxy(page)
    assert len(_votes_of(demo, player)) == 1


def test_display_choices_are_remembered_by_the_account(
    demo: Site, player: Visitor, visitor: Callable[..., Visitor]
) -> None:
    player.page.keyboard.press("r")
    player.page.keyboard.press("v")
    expect(player.page.get_by_role("button", name="Red band r")).to_have_attribute("aria-pressed", "true")
    stored = "SELECT preferences FROM accounts_user WHERE email = %s"
    wait_until(
        lambda: demo.query(stored, player.email)[0][0].items() >= {"band": "r", "invert": True}.items(),
        "the choices are stored",
    )
    elsewhere = visitor()
    elsewhere.log_in(player.email, then=PAGE)
    wait_for_galaxy(elsewhere.page)
    expect(elsewhere.page.get_by_role("button", name="Red band r")).to_have_attribute("aria-pressed", "true")
    expect(elsewhere.page.get_by_role("button", name="Invert")).to_have_attribute("aria-pressed", "true")


def test_the_next_galaxy_is_there_without_asking_the_server_for_its_pictures(player: Visitor) -> None:
    page = player.page
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    place(page, 5)
    press_enter(page)
    expect(page.get_by_test_id("position")).to_contain_text("Step B")
    wait_for_galaxy(page)
    place(page, 4)
    page.wait_for_load_state("networkidle")
    before = page.locator(".panel-target img.pic-full").get_attribute("src") or ""
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("Enter")
    expect(page.locator(".panel-target img.pic-full")).not_to_have_attribute("src", before)
    now = page.locator(".panel-target img.pic-full").get_attribute("src") or ""
    assert not [url for url in asked if url.endswith(now)]


def test_the_first_load_of_the_comparison_page_is_small(demo: Site, visitor: Callable[..., Visitor]) -> None:
    someone = visitor()
    someone.sign_up("first.load@example.org", then="/")
    # What the home page fetches when idle is not counted.
    someone.page.wait_for_load_state("networkidle")
    sizes: dict[str, int] = {}
    network = someone.context.new_cdp_session(someone.page)
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    scripts: dict[str, str] = {}

    def note(event: dict[str, object]) -> None:
        if event.get("type") == "Script":
            scripts[str(event["requestId"])] = event["response"]["url"]  # type: ignore[index]

    network.on("Network.responseReceived", note)
    network.on(
        "Network.loadingFinished",
        lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}),
    )
    # The sheets follow while the browser is idle and count too; the other pages follow with the first press of a key.
    with someone.page.expect_response(re.compile("/Dialogs-")):
        someone.open(PAGE)
        wait_for_galaxy(someone.page)
    someone.page.wait_for_load_state("networkidle")
    assert 0 < sum(sizes.get(request, 0) for request in scripts) <= FIRST_LOAD_JS_BYTES
    with someone.page.expect_response(re.compile("/MePage-")):
        someone.page.keyboard.press("ArrowRight")
