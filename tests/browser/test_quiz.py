"""The quiz of the laboratory in a real browser, worked with two keys; small screens, dark, for axe."""

import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import PHONE, Visitor
from tests.browser.site import REPOSITORY, Site, free_port
from tests.browser.test_accessibility import serious_violations


@pytest.fixture(scope="module")
def address(site: Site) -> Iterator[str]:
    """Where the quiz answers, run as the command that a person types."""
    site.manage("shell", "-c", "from tests.browser.staff_sky import make; make()")
    site.staff_password()
    port = free_port()
    words = [sys.executable, "-m", "tests.lab.quiz", "--person", "staff@localhost", "--port", str(port)]
    quiz = subprocess.Popen(words, cwd=REPOSITORY, env=site.environment, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}/"
    try:
        for _turn in range(300):
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except OSError:
                assert quiz.poll() is None, "the quiz has ended"
                time.sleep(0.1)
        yield address
    finally:
        quiz.terminate()
        quiz.wait(20)


def opened(someone: Visitor, address: str) -> Page:
    someone.page.goto(address)
    return someone.page


def begin(page: Page) -> None:
    if page.locator("#quiz-begin").is_visible():
        page.keyboard.press("Enter")
    page.wait_for_function("!document.querySelector('[data-said]').disabled")


def test_a_round_is_judged_with_two_keys_and_scored_at_its_end(
    site: Site, visitor: Callable[..., Visitor], address: str
) -> None:
    page = opened(visitor(), address)
    page.keyboard.press("Enter")
    for number in range(1, 21):
        page.wait_for_function(
            "n => document.getElementById('quiz-count').textContent == n"
            " && !document.querySelector('[data-said]').disabled",
            arg=str(number),
        )
        shown = page.locator("#quiz-picture").get_attribute("src") or ""
        assert "synthetic" not in shown
        assert "900000" not in shown
        page.keyboard.press("ArrowLeft" if number % 2 else "s")
    page.get_by_role("heading", name="Your last round").wait_for()
    assert page.locator(".quiz-wall li").count() == 20
    said = site.query("SELECT said, count(*) FROM catalog_realismtrial WHERE is_counted GROUP BY said ORDER BY said")
    assert said == [("real", 10), ("synthetic", 10)]
    page.locator(".quiz-score").get_by_text("of 20").wait_for()


def test_a_half_judged_round_resumes_after_a_reload(visitor: Callable[..., Visitor], address: str) -> None:
    page = opened(visitor(), address)
    begin(page)
    shown = page.locator("#quiz-picture").get_attribute("src")
    page.reload()
    begin(page)
    assert page.locator("#quiz-picture").get_attribute("src") == shown


def test_the_quiz_passes_axe_and_fits_a_phone(visitor: Callable[..., Visitor], address: str) -> None:
    page = opened(visitor(viewport=PHONE), address)
    begin(page)
    assert serious_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
