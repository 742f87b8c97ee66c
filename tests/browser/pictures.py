"""Take the pictures of the documents again: ``python -m tests.browser.pictures http://localhost:8000``.

The site must run with its demo sky (``make run``): only synthetic galaxies may be seen in what is published.
"""

import argparse
import io
import os
import secrets
import sys
from pathlib import Path

import django
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

# Run outside of pytest, the conftests need Django to be set up first.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "giz.settings")
django.setup()

from tests.browser.conftest import FLAGS, PASSWORD, PHONE, REPOSITORY, WIDE, chromium_path  # noqa: E402
from tests.browser.play import place, wait_for_galaxy  # noqa: E402

FOLDER = REPOSITORY / "docs" / "pictures"
QUALITY = 82
SLOTS = {"A": 4, "B": 4}


def _keep(page: Page, name: str) -> Path:
    page.mouse.move(0, 0)
    page.wait_for_load_state("networkidle")
    path = FOLDER / f"{name}.webp"
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(path, quality=QUALITY, method=6)
    return path


def _sign_up(page: Page, address: str) -> None:
    page.goto(f"{address}/accounts/signup/?next=/label/demo")
    page.locator("#id_email").fill(f"pictures-{secrets.token_hex(4)}@example.org")
    page.locator("#id_password1").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_url(f"{address}/label/demo")


def take(browser: Browser, address: str, size: str, theme: str) -> list[Path]:
    """The landing page, step A, step B and an answer of the network at one size in one theme."""
    viewport = WIDE if size == "wide" else PHONE
    context = browser.new_context(viewport=viewport, color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address)
    page.get_by_role("link", name="Try one now").wait_for()
    taken = [_keep(page, f"landing-{size}-{theme}")]
    _sign_up(page, address)
    for step, slot in SLOTS.items():
        wait_for_galaxy(page)
        place(page, slot)
        wait_for_galaxy(page)
        taken.append(_keep(page, f"step-{step.lower()}-{size}-{theme}"))
        page.keyboard.press("Enter")
    taken.append(_ask_network(page, address, f"predict-{size}-{theme}"))
    context.close()
    return taken


def _ask_network(page: Page, address: str, name: str) -> Path:
    """The Predict page with an answer about the second of its examples."""
    page.goto(f"{address}/predict")
    page.locator(".examples a").nth(1).click()
    page.get_by_role("button", name="Evaluate").click()
    page.get_by_test_id("inclination").wait_for()
    return _keep(page, name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("address", help="of a site that runs with its demo sky, such as http://localhost:8000")
    address = parser.parse_args().address.rstrip("/")
    path = chromium_path()
    if path is None:
        sys.exit("There is no Chromium on this machine.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        for size in ("wide", "phone"):
            for theme in ("dark", "light"):
                for taken in take(browser, address, size, theme):
                    print(f"{taken.relative_to(REPOSITORY)}  {taken.stat().st_size / 1024:.0f} kB")
        browser.close()


if __name__ == "__main__":
    main()
