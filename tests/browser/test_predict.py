"""The Predict page on a real site with the network that ships: every way in, the view, the answer, what goes wrong."""

import io
import json
import re
import urllib.request
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, Visitor
from tests.browser.fingers import Fingers
from tests.browser.site import Site
from tests.browser.test_accessibility import look, serious_violations
from tests.training.discs import disc, pictures

FIRST_PGC, SECOND_PGC = 90_100_001, 90_100_003
SMALL_PHONE = {"width": 360, "height": 640}
FETCH_ALL = (
    "from giz.inference.models import Source; from giz.inference.services.fetching import source_fetch;"
    "[source_fetch(source) for source in Source.objects.filter(state='fetching')]"
)

FORGET_ALL = "from giz.inference.models import Source; Source.objects.all().delete()"


@pytest.fixture(scope="module")
def network(demo: Site) -> Site:
    """The demo sky, and the network that came with GIZ answers."""
    demo.manage("models", "--shipped")
    return demo


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """One disk of 65° in several bands, as PNG, and as FITS."""
    made = pictures(disc(65.0, 20.0, 160), np.random.default_rng(5))
    out = {}
    for band, pixels in made.items():
        held = io.BytesIO()
        Image.fromarray(pixels).save(held, "PNG")
        out[f"galaxy_{band}.png"] = held.getvalue()
    held = io.BytesIO()
    fits.PrimaryHDU((255 - made["r"][::-1]).astype(np.float32)).writeto(held)
    out["galaxy_r.fits"] = held.getvalue()
    return out


def payload(name: str, data: bytes) -> Any:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def open_galaxy(someone: Visitor, pgc: int = FIRST_PGC, query: str = "") -> Page:
    page = someone.open(f"/predict/pgc/{pgc}{query}")
    expect(page.locator(".preview-frame .pic-full")).to_be_visible()
    return page


def evaluate(page: Page) -> str:
    """Press the button; the inclination as the page says it."""
    page.get_by_role("button", name=re.compile("^Evaluate")).click()
    expect(page.get_by_test_id("spoken")).to_contain_text("Inclination")
    return page.get_by_test_id("inclination").inner_text()


def in_degrees(value: float) -> str:
    """As the page writes it; Python would round 38.25 to even."""
    return f"{Decimal(value).quantize(Decimal('0.1'), ROUND_HALF_UP)}°"


def asked(site: Site, path: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        f"{site.address}/api/v1/predict/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_a_galaxy_is_asked_about_by_keyboard_alone(network: Site, visitor: Callable[..., Visitor]) -> None:
    page = visitor().open("/predict")
    field = page.get_by_label("PGC number or name")
    expect(page.get_by_role("link", name="Try Demo 1", exact=True)).to_be_visible()
    while not field.evaluate("element => element === document.activeElement"):
        page.keyboard.press("Tab")
    page.keyboard.type(f"pgc {FIRST_PGC}")
    page.keyboard.press("Enter")
    frame = page.get_by_role("application")
    expect(frame).to_be_focused()
    expect(page).to_have_url(f"{network.address}/predict/pgc/{FIRST_PGC}")
    words = page.locator("#view-words")
    for key in ("]", "{", "+", "ArrowRight", "Shift+ArrowDown", "v"):
        page.keyboard.press(key)
    expect(words).to_have_text("turned right by 4 degrees, zoom 1.1, moved right by 1 and down by 5 percent, inverted")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("spoken")).to_contain_text("Inclination")
    page.keyboard.press("z")
    expect(words).to_have_text("not turned, zoom 1, not moved")
    again = page.get_by_role("button", name="Evaluate this view")
    expect(again).to_be_visible()
    page.keyboard.press("Enter")
    expect(again).to_be_hidden()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="How it works")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(page.get_by_role("dialog", name="Another galaxy")).to_be_visible()


def test_the_page_says_what_the_api_says_of_the_same_view(network: Site, visitor: Callable[..., Visitor]) -> None:
    page = open_galaxy(visitor(), query="?angle=30&zoom=1.3&x=0.05&y=-0.02&inverted=1")
    shown = evaluate(page)
    source = asked(network, "sources/", {"pgc": FIRST_PGC})
    view = {"angle_deg": 30, "zoom": 1.3, "shift": [0.05, -0.02], "is_inverted": True}
    said = asked(network, f"sources/{source['id']}/evaluate/", view)
    assert shown == in_degrees(said["inclination_deg"])
    expect(page.locator(".alarm")).to_have_count(1 if said["disagreement"]["is_alarming"] else 0)
    expect(page.locator(".ruler-cell")).to_have_count(len(said["grid"]["panels"]) + 1)
    own = page.locator(".ruler-cell").nth(said["grid"]["place"])
    expect(own).to_have_class("ruler-cell ruler-own")
    rows = page.locator(".opinions tbody tr")
    expect(rows).to_have_count(len(said["views"]))
    expect(rows.first).to_contain_text(in_degrees(said["views"][0]["inclination_deg"]))
    page.get_by_text("What the network saw").click()
    expect(page.locator(".seen img")).to_have_count(len(said["seen"]))
    expect(page.get_by_role("link", name="Judge it yourself")).to_have_attribute(
        "href", re.compile("^/judge/[0-9a-f-]{36}$")
    )
    expect(page.get_by_role("link", name="its campaign")).to_have_attribute("href", "/label/demo")
    card = page.get_by_role("link", name="Its model card")
    assert said["model"]["version"] in (card.get_attribute("href") or "")


def test_the_ellipse_follows_the_galaxy_and_gets_a_band_with_the_answer(
    network: Site, visitor: Callable[..., Visitor]
) -> None:
    page = open_galaxy(visitor())
    line = page.locator(".outline-line")
    before = line.bounding_box()
    page.get_by_label("Tilt").press("ArrowLeft")
    page.get_by_role("button", name="Zoom in").click()
    after = line.bounding_box()
    assert before
    assert after
    assert after["width"] == pytest.approx(1.1 * before["width"], rel=0.02)
    expect(page.locator(".outline-band")).to_have_count(0)
    evaluate(page)
    expect(page.locator(".outline-band")).to_have_count(1)
    expect(page.get_by_text("Your ellipse says 59°")).to_be_visible()
    page.keyboard.press("o")
    expect(page.get_by_test_id("outline")).to_have_count(0)


def test_the_view_is_in_the_address_and_a_copied_link_shows_the_same(
    network: Site, visitor: Callable[..., Visitor]
) -> None:
    someone = visitor()
    page = open_galaxy(someone)
    frame = page.get_by_role("application")
    box = frame.bounding_box()
    assert box
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + box["width"] / 10, middle[1], steps=4)
    page.mouse.up()
    page.mouse.wheel(0, -200)
    words = page.locator("#view-words")
    expect(words).to_contain_text("zoom 1.4")
    said = words.inner_text()
    evaluate(page)
    page.get_by_text("Link and API call").click()
    link = page.get_by_label("Link to this view", exact=True).input_value()
    call = page.get_by_label("then evaluate this view", exact=True).input_value()
    assert re.search(r'"shift":\[0\.13\d*,', call)
    page.goto(link)
    expect(page.locator("#view-words")).to_have_text(said)


def test_pictures_come_by_choosing_pasting_and_dropping(
    network: Site, visitor: Callable[..., Visitor], files: dict[str, bytes]
) -> None:
    someone = visitor()
    page = someone.open("/predict")
    chosen = [payload(name, files[name]) for name in ("galaxy_g.png", "galaxy_r.png", "galaxy_gri.png")]
    page.get_by_label("Pictures of a galaxy").set_input_files(chosen)
    expect(page.get_by_role("heading", name="Your picture")).to_be_visible()
    expect(page.get_by_role("group", name="Band").get_by_role("button")).to_have_count(3)
    first = page.url
    assert "?source=" in first
    evaluate(page)
    for way in ("paste", "drop"):
        page.evaluate(
            """([way, text]) => {
                const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
                const data = new DataTransfer();
                data.items.add(new File([bytes], way === "paste" ? "image.png" : "galaxy_r.fits"));
                const event = way === "paste"
                    ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
                    : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
                document.body.dispatchEvent(event);
            }""",
            [way, _text(files["galaxy_gri.png" if way == "paste" else "galaxy_r.fits"])],
        )
        expect(page).not_to_have_url(first)
        expect(page.locator(".preview-frame .pic-full")).to_be_visible()
        expect(page.get_by_test_id("spoken")).to_be_empty()
        evaluate(page)
        first = page.url
    page.reload()
    expect(page.get_by_role("heading", name="Your picture")).to_be_visible()


def _text(data: bytes) -> str:
    import base64

    return base64.b64encode(data).decode()


def test_what_goes_wrong_is_said_in_words_and_nothing_is_lost(
    network: Site, visitor: Callable[..., Visitor], files: dict[str, bytes]
) -> None:
    page = visitor().open("/predict")
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Type a PGC number")
    page.get_by_label("PGC number or name").fill("91999999")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("There is no such galaxy here")
    expect(page.get_by_label("PGC number or name")).to_have_value("91999999")
    page.get_by_label("Pictures of a galaxy").set_input_files([payload("notes.png", b"no picture")])
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Your picture")
    page.get_by_role("button", name="Cancel").click()
    expect(alert).to_have_count(0)
    page.get_by_role("link", name="Try Demo 1", exact=True).click()
    expect(page.locator(".preview-frame .pic-full")).to_be_visible()
    shown = evaluate(page)
    page.keyboard.press("]")
    page.route("**/evaluate/", lambda route: route.abort("internetdisconnected"))
    page.get_by_role("button", name="Evaluate this view").click()
    expect(page.get_by_role("alert")).to_contain_text("We could not reach the server")
    expect(page.get_by_test_id("inclination")).to_have_text(shown)
    expect(page.locator("#view-words")).to_contain_text("turned right by 5 degrees")
    page.unroute("**/evaluate/")
    evaluate(page)
    expect(page.get_by_role("alert")).to_have_count(0)
    # A galaxy that can't be had leaves the one on the table where it is.
    page.get_by_role("button", name="Another galaxy").click()
    sheet = page.get_by_role("dialog", name="Another galaxy")
    sheet.get_by_text("By position and size").click()
    sheet.get_by_label("Right ascension").fill("400")
    sheet.get_by_label("Declination").fill("+15 49 20")
    sheet.get_by_role("button", name="Load this place").click()
    expect(sheet.get_by_role("alert")).to_contain_text("Degrees from 0 to 360")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("inclination")).to_be_visible()


def test_waiting_for_a_survey_is_shown_can_be_stopped_and_a_failure_is_explained(
    network: Site, visitor: Callable[..., Visitor]
) -> None:
    someone = visitor()
    page = open_galaxy(someone)
    shown = evaluate(page)
    page.get_by_role("button", name="Another galaxy").click()
    page.get_by_label("PGC number or name").fill("4")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="A survey is being asked for pictures of PGC 4")).to_be_visible()
    expect(page.get_by_test_id("inclination")).to_have_text(shown)
    page.get_by_role("button", name="cancel").click()
    expect(page.locator(".pending")).to_have_count(0)
    expect(page.get_by_test_id("inclination")).to_have_text(shown)
    page.go_back()
    page = someone.open("/predict/pgc/4")
    expect(page.get_by_text("A survey is being asked")).to_be_visible()
    network.manage("shell", "-c", FETCH_ALL)  # no worker runs beside these tests, and no survey can be reached
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("PGC 4")
    expect(alert.get_by_role("button", name="Try again")).to_be_visible()


def test_a_galaxy_that_the_server_has_forgotten_meanwhile_is_loaded_again_in_the_same_view(
    network: Site, visitor: Callable[..., Visitor]
) -> None:
    page = open_galaxy(visitor(), SECOND_PGC)
    network.manage("shell", "-c", FORGET_ALL)
    page.keyboard.press("]")
    page.get_by_role("button", name="Evaluate").click()
    page.get_by_role("alert").get_by_role("button", name="Load it again").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator("#view-words")).to_contain_text("turned right by 5 degrees")
    evaluate(page)


def test_on_a_small_phone_everything_fits_and_the_answer_comes_into_view(
    network: Site, visitor: Callable[..., Visitor]
) -> None:
    someone = visitor(viewport=SMALL_PHONE, has_touch=True, is_mobile=True)
    page = someone.open("/predict")
    page.get_by_role("link", name="Try Demo 1", exact=True).tap()
    page.get_by_role("button", name="Evaluate").tap()
    expect(page.locator(".answer-head")).to_be_in_viewport(ratio=0.9)
    for name in ("What the network saw", "Link and API call"):
        page.get_by_text(name).tap()
    assert page.evaluate("document.documentElement.scrollWidth") == SMALL_PHONE["width"]
    assert page.evaluate("window.innerWidth") == SMALL_PHONE["width"]
    someone.screenshot("predict-small-phone")


def test_fingers_move_enlarge_and_turn_what_lies_under_them(network: Site, visitor: Callable[..., Visitor]) -> None:
    someone = visitor(viewport=PHONE, has_touch=True, is_mobile=True)
    page = open_galaxy(someone)
    words, fingers = page.locator("#view-words"), Fingers(page)
    scrolled = page.evaluate("window.scrollY")
    fingers.glide(((0.0, 0.0), (-0.1, 0.05)))
    expect(words).to_have_text("not turned, zoom 1, moved left by 10 and down by 5 percent")
    _reset(page)
    fingers.glide(((-0.15, 0.0), (-0.3, 0.0)), ((0.15, 0.0), (0.3, 0.0)))
    expect(words).to_contain_text("not turned, zoom 2, ")
    assert _moved(words.inner_text()) == pytest.approx((0, 0), abs=1)
    _reset(page)
    # Apart about a place right of the middle, and both a little down: that place goes with them.
    fingers.glide(((0.1, 0.0), (0.0, 0.1)), ((0.3, 0.0), (0.4, 0.1)))
    expect(words).to_contain_text("not turned, zoom 2, ")
    assert _moved(words.inner_text()) == pytest.approx((-20, 10), abs=1)
    _reset(page)
    fingers.turn(50)
    expect(words).to_contain_text("turned right by 4")  # the first eight degrees only show that a turn is meant
    expect(words).to_contain_text("zoom 1, ")
    assert _moved(words.inner_text()) == pytest.approx((0, 0), abs=1)
    assert page.evaluate("[window.scrollY, window.visualViewport.scale]") == [scrolled, 1]
    evaluate(page)
    someone.screenshot("predict-fingers")


def _reset(page: Page) -> None:
    """A tap's click comes a little later: fingers that move before it would be reset on their way."""
    page.get_by_role("button", name="Reset the view").tap()
    expect(page.locator("#view-words")).to_have_text("not turned, zoom 1, not moved")


def _moved(words: str) -> tuple[int, int]:
    """Percent right and down, as the words of the view say."""
    if "not moved" in words:
        return 0, 0
    across, along = re.findall(r"(right|left|down|up) by (\d+)(?! degrees)(?!\d)", words.partition("moved")[2])
    return tuple(int(n) * (1 if way in ("right", "down") else -1) for way, n in (across, along))  # type: ignore[return-value]


def test_the_page_is_found_from_the_first_page_on_a_phone_too(network: Site, visitor: Callable[..., Visitor]) -> None:
    page = visitor(viewport=PHONE).open("/")
    page.locator("main").get_by_role("link", name="Ask the network").click()
    expect(page.get_by_role("heading", name="Ask the network")).to_be_visible()
    expect(page).to_have_title("Ask the network · GIZ")


@pytest.mark.finding("ux D25")
@look
def test_no_serious_violation_in_any_state(
    network: Site, visitor: Callable[..., Visitor], look: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    someone = visitor(**look)
    page = someone.open("/predict")
    expect(page.get_by_role("link", name="Try Demo 1", exact=True)).to_be_visible()
    page.get_by_text("By position and size").click()
    page.get_by_label("Right ascension").fill("no")
    page.get_by_role("button", name="Load this place").click()
    violations = serious_violations(page)
    page = open_galaxy(someone, SECOND_PGC)
    violations += serious_violations(page)
    evaluate(page)
    for name in ("What the network saw", "Link and API call"):
        page.get_by_text(name).click()
    page.keyboard.press("]")
    violations += serious_violations(page)
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map(head => Number(head.tagName[1]))")
    assert all(after - before <= 1 for before, after in pairwise(levels)), levels
    someone.screenshot(request.node.name)
    for key in ("?", "n"):
        page.keyboard.press(key)
        page.get_by_role("dialog").wait_for()
        violations += serious_violations(page)
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="hidden")
    assert violations == []
