"""Real Chromium on a real site."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, expect, sync_playwright

from tests.browser.site import Site
from tests.conftest import REPOSITORY, TEMPLATE

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
PASSWORD = "a galaxy far from edge-on"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.browser)


def chromium_path() -> str | None:
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if found := shutil.which(name):
            return found
    return None


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium_path()
    if path is None and os.environ.get("CI"):
        pytest.fail("CI must have Chromium: install Debian's package `chromium`")
    if path is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium): browser tests are left out")
    # A busy machine draws late; what never comes still fails.
    expect.set_options(timeout=15_000)
    with sync_playwright() as playwright:
        opened = _launch(playwright, path)
        yield opened
        opened.close()


def _launch(playwright: Playwright, path: str) -> Browser:
    return playwright.chromium.launch(executable_path=path, args=FLAGS)


@pytest.fixture(scope="session")
def _built_frontend() -> None:
    if not (Path(settings.FRONTEND_DIST) / "index.html").exists():
        pytest.fail("the frontend is not built: run `make install`, or `npm ci && npm run build` in frontend/")


@dataclass(frozen=True)
class Sky:
    """What a site starts from: a database to clone, and its pictures; ``media`` is None where there are none."""

    template: str
    media: Path | None = None

    def site(self, folder: Path) -> Site:
        """Clone this sky for a site in ``folder``, which is not started yet."""
        if self.media is not None:
            shutil.copytree(self.media, folder / "media")
        return Site(folder, settings.DATABASES["default"], self.template)


@pytest.fixture(scope="session")
def demo_sky(django_db_modify_db_settings: None, tmp_path_factory: pytest.TempPathFactory) -> Sky:
    """A small demo sky, made once for all modules and workers: enough targets for every test of a module."""
    sky = Sky("giz_demo_template", Path(settings.GIZ_HOME) / "demo-sky" / "media")
    with (Path(settings.GIZ_HOME) / "demo-sky.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if sky.media is not None and not sky.media.exists():
            maker = Sky(TEMPLATE).site(tmp_path_factory.mktemp("demo-sky"))
            maker.manage("demo", "--targets", "24", "--per-bin", "2")
            maker.keep_as(sky.template, sky.media)
    return sky


@pytest.fixture(scope="module")
def site(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_modify_db_settings: None,
    _built_frontend: None,
) -> Iterator[Site]:
    """The site of a module: with the demo sky where any of its tests asks for ``demo``, else empty."""
    has_demo = any("demo" in getattr(item, "fixturenames", ()) for item in _items_beside(request))
    sky = request.getfixturevalue("demo_sky") if has_demo else Sky(TEMPLATE)
    site = sky.site(tmp_path_factory.mktemp("site"))
    site.start()
    yield site
    log = site.log()
    site.close()
    assert '"level": "error"' not in log, log[-3000:]


def _items_beside(request: pytest.FixtureRequest) -> list[pytest.Item]:
    return [item for item in request.session.items if item.path == request.path]


@pytest.fixture(scope="module")
def demo(site: Site) -> Site:
    """The module's site, with the demo sky."""
    return site


class Visitor:
    """One person with a browser profile of their own; every script error and CSP violation is kept."""

    def __init__(self, context: BrowserContext, site: Site) -> None:
        self.context = context
        self.site = site
        self.page: Page = context.new_page()
        self.page.set_default_timeout(15_000)
        self.problems: list[str] = []
        self.email = ""
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        self.page.on("dialog", lambda dialog: (self.problems.append("a dialog opened"), dialog.dismiss()))

    def _note(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or (
            message.type == "error" and "Failed to load resource" not in message.text
        ):
            self.problems.append(message.text)

    def open(self, path: str) -> Page:
        self.page.goto(self.site.address + path)
        return self.page

    def sign_up(self, email: str, *, then: str = "/") -> None:
        self.email = email
        self.open(f"/accounts/signup/?next={then}")
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign up").click()
        self.page.wait_for_url(self.site.address + then)  # a glob would match ?next= too

    def log_in(self, email: str, *, password: str = PASSWORD, then: str = "/") -> None:
        self.email = email
        self.open(f"/accounts/login/?next={then}")
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(self.site.address + then)  # a glob would match ?next= too

    def screenshot(self, name: str) -> None:
        """Kept only where GIZ_SCREENS names a folder: for people to look at, never committed."""
        if folder := os.environ.get("GIZ_SCREENS"):
            self.page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.fixture
def visitor(browser: Browser, site: Site) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors (without a tour unless told so); none may have seen a script error or a CSP violation."""
    contexts: list[BrowserContext] = []
    visitors: list[Visitor] = []

    def make(*, viewport: dict[str, int] | None = None, takes_tour: bool = False, **options: Any) -> Visitor:
        # Requests of a service worker pass by the routes of a test; the tests of the worker allow it.
        options.setdefault("service_workers", "block")
        context = browser.new_context(viewport=viewport or WIDE, reduced_motion="reduce", **options)  # type: ignore[arg-type]
        if not takes_tour:
            context.add_init_script("try { localStorage.setItem('giz-tour-seen', '1') } catch {}")
        contexts.append(context)
        visitors.append(Visitor(context, site))
        return visitors[-1]

    yield make
    problems = [problem for someone in visitors for problem in someone.problems]
    for context in contexts:
        context.close()
    assert problems == []


__all__ = ["PHONE", "REPOSITORY", "WIDE", "Visitor"]
