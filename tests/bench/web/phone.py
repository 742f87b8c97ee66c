"""A phone on slow 3G, four times slower than this machine, and what a quick stranger does with it."""

from __future__ import annotations

import re
import shutil
import socket
import time
import uuid
from collections.abc import Iterator

from playwright.sync_api import Browser, Page, expect

PHONE = {"width": 390, "height": 844}
# As WebPageTest's "3G Slow": 400 ms there and back, 400 kbit/s.
LATENCY_MS, BYTES_S = 400, 50_000
SLOWER = 4
GALAXIES = 5
TIMEOUT_MS = 180_000

Figure = tuple[str, float, float]

WATCH_NEXT = """() => {
  const shown = () => [...document.querySelectorAll(".panel-target img")].at(-1)?.getAttribute("src");
  const before = shown();
  window.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const pressedAt = event.timeStamp;
    const look = () => (shown() && shown() !== before
      ? requestAnimationFrame((drawnAt) => { window.nextAfterMs = drawnAt - pressedAt; })
      : requestAnimationFrame(look));
    look();
  }, { capture: true });
}"""


def chromium_path() -> str:
    """Return Debian's Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise SystemExit("There is no Chromium here (Debian: apt-get install chromium).")
    return path


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def sign_up(page: Page, address: str) -> None:
    """Make an account, and end on the comparison."""
    page.goto(f"{address}/accounts/signup/?next=/label/demo")
    page.get_by_label("E-mail").fill(f"bench-{uuid.uuid4().hex[:10]}@example.org")
    page.get_by_label("Password").fill("a galaxy far from edge-on")
    page.get_by_role("button", name="Sign up").click()
    _wait_for_galaxy(page)


def _wait_for_galaxy(page: Page) -> None:
    expect(page.locator("button.go")).to_be_enabled(timeout=TIMEOUT_MS)


def _wait_until(page: Page, holds: str) -> None:
    """Poll from here: the Content-Security-Policy forbids the page to evaluate strings."""
    deadline = time.monotonic() + TIMEOUT_MS / 1000
    while not page.evaluate(holds):
        if time.monotonic() > deadline:
            raise SystemExit(f"This never came true: {holds}")
        page.wait_for_timeout(50)


class SlowPhone:
    """A phone with an empty cache, and no account at first."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.address = address
        context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, device_scale_factor=2)  # type: ignore[arg-type]
        self.page = context.new_page()
        self.page.set_default_timeout(TIMEOUT_MS)
        self._slow_down(self.page)

    def _slow_down(self, page: Page) -> None:
        session = page.context.new_cdp_session(page)
        line = {"offline": False, "latency": LATENCY_MS, "downloadThroughput": BYTES_S, "uploadThroughput": BYTES_S}
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", line)
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})

    def practise(self) -> Iterator[Figure]:
        """Come to the landing page without an account, and judge five practice galaxies by touch."""
        page = self.page
        page.goto(self.address, wait_until="commit")
        first_byte = time.monotonic()
        page.get_by_role("link", name="Try one now").tap()
        _wait_for_galaxy(page)
        page.keyboard.press("ArrowRight")
        yield "first gesture on a practice galaxy", time.monotonic() - first_byte, 10.0
        for number in range(GALAXIES):
            self._judge()
            verdict = page.get_by_test_id("practice-verdict")
            expect(verdict.locator(".theirs dd")).to_contain_text("°", timeout=TIMEOUT_MS)
            if number in (0, GALAXIES - 1):
                place, aim = ("first", 40.0) if number == 0 else ("fifth", 180.0)
                yield f"{place} practice galaxy judged, verdict drawn", time.monotonic() - first_byte, aim
            button = page.get_by_role("button", name=re.compile("Next galaxy|See your result"))
            button.tap()

    def _judge(self) -> None:
        """Place the galaxy in the middle of each row, and confirm until it is answered."""
        page = self.page
        for _row in range(12):
            _wait_for_galaxy(page)
            page.keyboard.press("5")
            _wait_for_galaxy(page)
            button = page.locator("button.go")
            is_answer = button.inner_text().startswith(("That's my answer", "It is face-on"))
            button.tap()
            if is_answer:
                return
            page.wait_for_timeout(100)
        raise SystemExit("A galaxy could not be judged in twelve rows.")

    def come_back(self) -> Figure:
        """Sign up and judge a galaxy; then open the comparison again in another tab."""
        sign_up(self.page, self.address)
        self.page.keyboard.press("ArrowRight")
        _wait_until(self.page, "navigator.serviceWorker.controller !== null")
        self.page.wait_for_load_state("networkidle")
        context = self.page.context
        self.page.close()
        self.page = context.new_page()
        self.page.set_default_timeout(TIMEOUT_MS)
        self._slow_down(self.page)
        began = time.monotonic()
        self.page.goto(f"{self.address}/label/demo", wait_until="commit")
        _wait_for_galaxy(self.page)
        return "first comparison at the second visit", time.monotonic() - began, 4.0

    def next_galaxy(self) -> Figure:
        """Answer a galaxy whose successor is loaded, and wait for the frame that shows it."""
        page = self.page
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(3000)
        for _row in range(12):
            _wait_for_galaxy(page)
            page.keyboard.press("5")
            page.wait_for_timeout(1500)
            _wait_for_galaxy(page)
            if page.locator("button.go").inner_text().startswith(("That's my answer", "It is face-on")):
                break
            page.keyboard.press("Enter")
        page.evaluate(WATCH_NEXT)
        page.keyboard.press("Enter")
        _wait_until(page, "window.nextAfterMs !== undefined")
        return "from the answer to the next galaxy drawn", page.evaluate("window.nextAfterMs") / 1000, 0.1
