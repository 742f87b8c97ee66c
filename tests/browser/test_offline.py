"""Without a connection: the pages, the galaxies and the votes, with the real service worker."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import resolve
from playwright.sync_api import BrowserContext, Page, expect

from giz.core import views
from tests.browser.conftest import PHONE, Sky, Visitor
from tests.browser.play import judge, place, wait_for_galaxy, wait_until
from tests.browser.site import REPOSITORY, Site

PAGE = "/label/demo"
INSTALLED = """
const asked = window.matchMedia.bind(window);
window.matchMedia = (query) => asked(query === "(display-mode: standalone)" ? "all" : query);
"""
CONTROLLED = "navigator.serviceWorker.controller !== null"
SAVED_TASKS = "Object.keys(localStorage).filter((key) => /^giz-in-hand:.*:task:/.test(key)).length"
HELD_FILES = """async (prefix) => {
  const names = (await caches.keys()).filter((name) => name.startsWith(prefix));
  return (await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).length)));
}"""
SAVED_TARGETS = """async () => {
  const names = Object.keys(localStorage).filter((key) => /^giz-in-hand:.*:task:/.test(key));
  const held = await Promise.all(names.map((name) => {
    const { images, sizes_px, image_path } = JSON.parse(localStorage.getItem(name)).work.task.target;
    return caches.match(image_path.replace("{stem}", images.gri).replace("{size}", Math.max(...sizes_px)));
  }));
  return held.filter(Boolean).length;
}"""
FULL = "() => { IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); }; }"
HUMAN_PAUSE_MS = 1300


@pytest.fixture
def app(demo: Site, visitor: Callable[..., Visitor]) -> Visitor:
    """Somebody on a phone with the installed app, as far as the page can tell."""
    someone = visitor(viewport=PHONE, has_touch=True, is_mobile=True, service_workers="allow")
    someone.context.add_init_script(INSTALLED)
    return someone


def _controlled(page: Page) -> None:
    """Press a key, which registers the service worker, and wait until it holds the pages."""
    page.keyboard.press("Shift")
    wait_until(lambda: page.evaluate(CONTROLLED), "the service worker has the page", timeout_s=60, pause_s=0.3)


def _judge(page: Page) -> None:
    wait_for_galaxy(page)
    page.wait_for_timeout(HUMAN_PAUSE_MS)
    judge(page, lambda _step, slots: slots // 2)


def _waiting(page: Page, count: int) -> None:
    expect(page.locator(".chips")).to_contain_text(f"{count} waiting")


def _votes(site: Site, email: str) -> list[tuple[str, str]]:
    return site.query(
        """SELECT vote.key::text, vote.target_id::text FROM labeling_vote vote
             JOIN accounts_user person ON person.id = vote.volunteer_id WHERE person.email = %s""",
        email,
    )


def _arrived(site: Site, page: Page, email: str, count: int) -> None:
    """The votes are stored, one a galaxy, and no longer counted as waiting."""
    wait_until(lambda: len(_votes(site, email)) >= count, f"{count} votes are stored", timeout_s=60, pause_s=0.5)
    expect(page.get_by_text("waiting")).to_be_hidden()
    stored = _votes(site, email)
    assert len(stored) == len({key for key, _ in stored}) == len({target for _, target in stored}) == count


def _stocked(page: Page, standards: int) -> None:
    wait_until(lambda: page.evaluate(SAVED_TARGETS) == 4, "four galaxies are saved", timeout_s=60, pause_s=0.3)
    held = lambda: sum(page.evaluate(HELD_FILES, "giz-pictures"))  # noqa: E731
    wait_until(lambda: held() >= standards, "their standards are saved", timeout_s=120, pause_s=0.5)


def _tab(context: BrowserContext, site: Site) -> Page:
    someone = Visitor(context, site)
    return someone.open(PAGE)


@pytest.mark.finding("fault F12")
def test_ten_votes_without_a_connection_arrive_once_each(demo: Site, app: Visitor) -> None:
    """Four at a time, as many as are leased to one person: through a killed tab, reloads and the home page."""
    email = "train@example.org"
    app.sign_up(email, then=PAGE)
    page, context = app.page, app.context
    wait_for_galaxy(page)
    _controlled(page)
    page.reload()
    wait_for_galaxy(page)
    standards = int(demo.query("SELECT count(*) FROM standards_standard")[0][0])
    _stocked(page, standards)

    context.set_offline(True)
    _judge(page)
    _judge(page)
    _waiting(page, 2)
    with pytest.raises(Exception, match="crash"):
        page.goto("chrome://crash")
    page.close()
    page = _tab(context, demo)
    _waiting(page, 2)
    _judge(page)
    _judge(page)
    _waiting(page, 4)
    expect(page.get_by_text("No galaxy at the moment")).to_be_visible()
    assert _votes(demo, email) == []
    context.set_offline(False)
    _arrived(demo, page, email, 4)

    _stocked(page, standards)
    context.set_offline(True)
    for number in range(4):
        _judge(page)
        _waiting(page, number + 1)
        page.reload()
    context.set_offline(False)
    _arrived(demo, page, email, 8)

    page.reload()
    wait_for_galaxy(page)
    _stocked(page, standards)
    context.set_offline(True)
    _judge(page)
    _waiting(page, 1)
    page.goto(demo.address + "/")
    page.get_by_role("link", name="Judge a saved galaxy").click()
    _judge(page)
    _waiting(page, 2)
    context.set_offline(False)
    _arrived(demo, page, email, 10)


@pytest.mark.finding("fault F12")
def test_two_tabs_without_a_connection_one_of_them_with_a_full_disk_lose_and_double_no_vote(
    demo: Site, visitor: Callable[..., Visitor]
) -> None:
    email = "two.tabs@example.org"
    someone = visitor(service_workers="allow")
    someone.sign_up(email, then=PAGE)
    first = someone.page
    wait_for_galaxy(first)
    _controlled(first)
    second = _tab(someone.context, demo)
    wait_for_galaxy(second)
    wait_until(lambda: first.evaluate(SAVED_TASKS) == 4, "each tab has two galaxies")
    for page in (first, second):
        page.wait_for_load_state("networkidle")
    someone.context.set_offline(True)
    second.evaluate(FULL)
    _judge(second)
    expect(second.locator(".chips")).to_contain_text("please keep this page open")
    _judge(first)
    _waiting(first, 1)
    first.reload()
    _waiting(first, 1)
    someone.context.set_offline(False)
    _arrived(demo, first, email, 2)
    expect(second.get_by_text("waiting")).to_be_hidden()
    _judge(second)
    _arrived(demo, second, email, 3)


def test_pages_open_without_a_connection_and_others_say_so(demo: Site, visitor: Callable[..., Visitor]) -> None:
    someone = visitor(viewport=PHONE, has_touch=True, is_mobile=True, service_workers="allow")
    page = someone.open("/")
    _controlled(page)
    someone.context.set_offline(True)
    for path, heading in (
        ("/", "How far is this galaxy tilted?"),
        ("/practice", "Practice is not available"),
        ("/accounts/login/", "You are offline"),
    ):
        page.goto(demo.address + path)
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        someone.screenshot(f"offline{path.replace('/', '-')}")
    page.get_by_role("link", name="Home page").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("How far is this galaxy tilted?")


def test_a_log_out_leaves_nothing_personal_on_the_device(demo: Site, app: Visitor) -> None:
    app.sign_up("leaving@example.org", then=PAGE)
    page = app.page
    wait_for_galaxy(page)
    _controlled(page)
    page.reload()
    wait_for_galaxy(page)
    place(page, 7)
    number = page.evaluate("JSON.parse(localStorage.getItem('giz-me')).volunteer")
    assert page.evaluate(SAVED_TASKS) > 0
    page.goto(demo.address + "/accounts/logout/")
    page.locator("#main").get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Try one now")).to_be_visible()
    left = page.evaluate(
        """async () => {
          const kept = [];
          for (const name of await caches.keys()) {
            for (const { url } of await (await caches.open(name)).keys()) kept.push(new URL(url).pathname);
          }
          return [JSON.stringify({ ...localStorage }), kept];
        }"""
    )
    assert number not in json.dumps(left)
    assert [name for name in json.loads(left[0]) if name.startswith(("giz-me", "giz-in-hand"))] == []
    assert [path for path in left[1] if path.startswith("/api/") and "/standard-sets/" not in path] == []
    app.context.set_offline(True)
    page.goto(demo.address + PAGE)
    expect(page.get_by_text("We could not reach the server")).to_be_visible()


class TwoBuilds:
    """A site whose pages are built anew while people use them: each file of the build after has another name."""

    def __init__(self, site: Site, dist: Path) -> None:
        self.site = site
        self.dist = dist

    def release(self) -> None:
        for file in list(self.dist.rglob("*")):
            if file.is_file() and file.suffix in {".gz", ".br"}:
                file.unlink()
        names = sorted(path.name for path in (self.dist / "assets").iterdir())
        renamed = {name: re.sub(r"-[\w-]{8}\.", "-ofTomorr.", name) for name in names}
        for file in [self.dist / "index.html", self.dist / "sw.js", *(self.dist / "assets").iterdir()]:
            text = file.read_text()
            for old, new in renamed.items():
                text = text.replace(old, new)
            file.write_text(text.replace('const BUILD = "', 'const BUILD = "tomorrow'))
        for old, new in renamed.items():
            (self.dist / "assets" / old).rename(self.dist / "assets" / new)
        self.site.stop()
        self.site.start()


@pytest.fixture
def two_builds(demo_sky: Sky, tmp_path: Path, _built_frontend: None) -> Iterator[TwoBuilds]:
    dist = tmp_path / "dist"
    shutil.copytree(settings.FRONTEND_DIST, dist)
    folder = tmp_path / "site"
    folder.mkdir()
    made = demo_sky.site(folder)
    made.environment["FRONTEND_DIST"] = str(dist)
    made.start()
    yield TwoBuilds(made, dist)
    made.close()


def test_a_new_build_takes_over_between_two_galaxies_and_the_old_page_goes_on_until_then(
    two_builds: TwoBuilds, site: Site, visitor: Callable[..., Visitor]
) -> None:
    someone = visitor(viewport=PHONE, has_touch=True, is_mobile=True, service_workers="allow")
    someone.site = two_builds.site
    someone.sign_up("upgrade@example.org", then=PAGE)
    page = someone.page
    wait_for_galaxy(page)
    _controlled(page)
    place(page, 6)
    page.evaluate("document.documentElement.dataset.build = 'old'")
    two_builds.release()
    # A file of yesterday's build, which this page has not used yet: the site has it no longer.
    assert (
        page.evaluate(
            """async () => {
          const old = (await caches.keys()).filter((name) => name.startsWith("giz-pages-"))[0];
          const [{ url }] = (await (await caches.open(old)).keys()).filter(({ url }) => url.includes("PredictPage"));
          return (await fetch(url)).status;
        }"""
        )
        == 200
    )
    page.evaluate("navigator.serviceWorker.getRegistration().then((one) => one.update())")
    wait_until(lambda: len(page.evaluate(HELD_FILES, "giz-pages-tomorrow")) == 1, "the new build is held", timeout_s=60)
    _judge(page)
    expect(page.locator("html[data-build=old]")).to_have_count(0)
    assert "ofTomorr" in page.content()
    wait_for_galaxy(page)
    someone.context.set_offline(True)
    page.goto(two_builds.site.address + PAGE)
    wait_for_galaxy(page)
    assert "ofTomorr" in page.content()
    assert len(_votes(two_builds.site, "upgrade@example.org")) == 1


def test_every_page_of_the_app_opens_offline() -> None:
    """The service worker knows the same addresses as the server."""
    source = (REPOSITORY / "frontend" / "worker" / "worker.ts").read_text()
    match = re.search(r"^const APP = /(.+)/;$", source, re.MULTILINE)
    assert match is not None
    known = re.compile(match[1].replace("\\/", "/"))
    words = [
        *("/", "/label/demo", "/predict", "/predict/pgc/12", "/practice", "/practice/daily", "/me", "/staff/"),
        *("/judge/0b1e9a43-6a0b-4f0e-8a51-4f2f7a9f2b11", "/accounts/login/", "/api/v1/docs/", "/readyz"),
    ]
    assert [path for path in words if known.search(path)] == [
        path for path in words if resolve(path).func is views.single_page_app
    ]
