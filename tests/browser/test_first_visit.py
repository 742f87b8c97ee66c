"""What somebody meets who comes for the first time, on a phone with a slow line."""

import time
from collections.abc import Callable

from playwright.sync_api import Route, expect

from tests.browser.conftest import PHONE, Visitor
from tests.browser.play import judge, wait_for_galaxy, wait_until
from tests.browser.site import Site

WATCH_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.shifts.push(entry.value) })
  .observe({ type: "layout-shift", buffered: true });
"""
LIT_PIXELS = """() => {
  const canvas = document.querySelector(".tilt canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let lit = 0;
  for (let at = 1; at < data.length; at += 4) lit += data[at] > 90 ? 1 : 0;
  return lit;
}"""
COUNT = "from labeling.services.figures import figures_count; figures_count()"
JUMP = 0.02  # a share of the screen; Web Vitals calls up to 0.1 good


def _late(route: Route) -> None:
    time.sleep(0.4)
    route.continue_()


def _votes_told(someone: Visitor) -> int:
    return int(someone.page.request.get(f"{someone.site.address}/api/v1/stats/").json()["votes"])


def test_nothing_on_the_landing_page_jumps_when_late_answers_arrive(
    demo: Site, visitor: Callable[..., Visitor]
) -> None:
    voter = visitor()
    voter.sign_up("early-bird@example.org", then="/label/demo")
    wait_for_galaxy(voter.page)
    judge(voter.page, lambda _step, slots: slots // 2)
    expect(voter.page.get_by_text("recorded")).to_be_visible()
    demo.manage("shell", "-c", COUNT)  # no worker runs beside these tests
    assert _votes_told(voter) > 0
    someone = visitor(viewport=PHONE, has_touch=True, is_mobile=True)
    someone.page.add_init_script(WATCH_SHIFTS)
    for path in ("me", "me/campaign", "campaigns", "stats"):
        someone.page.route(f"**/api/v1/{path}/", _late)
    page = someone.open("/")
    expect(page.get_by_role("link", name="Try one now")).to_be_visible()
    expect(page.get_by_test_id("stats")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert sum(page.evaluate("window.shifts")) < JUMP


def test_the_galaxy_of_the_landing_page_is_drawn_by_a_worker(demo: Site, visitor: Callable[..., Visitor]) -> None:
    """On a phone its drawing takes a second of computing, which must not be the page's own."""
    page = visitor(viewport=PHONE, has_touch=True, is_mobile=True).open("/")
    expect(page.get_by_role("img", name="tilted by 58 degrees")).to_be_visible()
    wait_until(lambda: page.evaluate(LIT_PIXELS) > 1000, "the galaxy is drawn")
    assert [worker.url.rsplit("/", 1)[1].split("-")[0] for worker in page.workers] == ["sky.worker"]
    tilted = page.evaluate(LIT_PIXELS)
    page.get_by_label("Tilt the galaxy").fill("90")
    wait_until(lambda: 0 < page.evaluate(LIT_PIXELS) < 0.7 * tilted, "it is drawn again, edge-on")


def test_help_on_a_touch_screen_names_the_buttons_and_begins_with_fingers(
    demo: Site, visitor: Callable[..., Visitor]
) -> None:
    someone = visitor(viewport=PHONE, has_touch=True, is_mobile=True)
    someone.sign_up("fingers@example.org", then="/label/demo")
    page = someone.page
    wait_for_galaxy(page)
    page.get_by_role("button", name="Help and all keys").tap()
    sheet = page.get_by_role("dialog", name="How it works")
    expect(sheet.get_by_role("heading", level=3)).to_have_text(["Touch", "Buttons", "Keys"])


def test_a_vote_that_waits_to_be_sent_leaves_the_phone_s_page_as_wide_as_the_screen(
    demo: Site, visitor: Callable[..., Visitor]
) -> None:
    someone = visitor(viewport=PHONE, has_touch=True, is_mobile=True)
    someone.sign_up("tunnel@example.org", then="/label/demo")
    page = someone.page
    wait_for_galaxy(page)
    page.wait_for_load_state("networkidle")
    page.route("**/api/v1/votes/", lambda route: route.abort("internetdisconnected"))
    judge(page, lambda _step, slots: slots // 2)
    expect(page.get_by_text("saved; it will be sent")).to_be_visible()
    expect(page.get_by_text("1 waiting")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    # Chromium lays a page that is too wide out on a wider viewport, and shows it cut off.
    assert page.evaluate("window.innerWidth") == PHONE["width"]
