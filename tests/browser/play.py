"""How a volunteer plays, by keyboard, as tests need it: read where the galaxy stands, place it, answer."""

import re
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

POSITION = re.compile(r"^Step (A|B): .*slot (\d+) of (\d+)$")
ARRIVAL_TIMEOUT_S = 15.0


def position(page: Page) -> tuple[str, int, int]:
    """The step, the slot (from 0) and the number of slots, as a screen reader is told."""
    said = page.get_by_test_id("position").inner_text()
    match = POSITION.match(said)
    assert match, said
    return match[1], int(match[2]) - 1, int(match[3])


def wait_for_galaxy(page: Page) -> None:
    """Until the pictures are there and the main button may be pressed."""
    expect(page.locator("button.go")).to_be_enabled()


def key_of(slot: int) -> str:
    return "0" if slot == 9 else str(slot + 1)


def place(page: Page, slot: int) -> None:
    """Put the galaxy there, and wait for its new neighbours' pictures: before them Enter does nothing."""
    page.keyboard.press(key_of(slot))
    expect(page.get_by_test_id("position")).to_contain_text(f"slot {slot + 1} of")
    wait_for_galaxy(page)


def type_into(page: Page, label: str, text: str) -> None:
    """Type into the field that has the focus by itself: a busy browser gives it only some moments after the page."""
    field = page.get_by_label(label, exact=True)
    expect(field).to_be_focused()
    page.keyboard.type(text)
    expect(field).to_have_value(text)


def press_enter(page: Page) -> None:
    wait_for_galaxy(page)
    page.keyboard.press("Enter")


def judge(page: Page, choose: Callable[[str, int], int]) -> None:
    """Judge one galaxy: in each row put it into the slot that ``choose(step, slot count)`` says, until it is answered.

    ``choose`` must settle on an inner slot of step B, or the windows slide on.
    """
    for _ in range(12):
        wait_for_galaxy(page)
        step, _, slots = position(page)
        place(page, choose(step, slots))
        answers = page.locator("button.go").inner_text().startswith(("That's my answer", "It is face-on"))
        press_enter(page)
        if answers:
            return
    raise AssertionError("twelve rows and no answer")


def reject(page: Page, *reasons: str, note: str = "") -> None:
    """Reject the galaxy for the reasons (their titles), by keyboard."""
    wait_for_galaxy(page)
    page.keyboard.press("x")
    sheet = page.get_by_role("dialog")
    for reason in reasons:
        sheet.get_by_role("checkbox", name=re.compile(f"^{re.escape(reason)}")).focus()
        page.keyboard.press("Space")
    if note:
        sheet.get_by_role("textbox").fill(note)
    sheet.get_by_role("button", name="Reject this galaxy").focus()
    page.keyboard.press("Enter")
    expect(sheet).to_be_hidden()


def wait_until(
    holds: Callable[[], Any], what: str, *, timeout_s: float = ARRIVAL_TIMEOUT_S, pause_s: float = 0.05
) -> None:
    """Poll for something that the server does behind the page."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if holds():
            return
        time.sleep(pause_s)
    raise AssertionError(f"waited {timeout_s:.0f} s in vain until {what}")
