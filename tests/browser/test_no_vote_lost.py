"""No vote is lost, taken by somebody else or stranded: proxies, log-ins in other tabs, broken storage, pages left."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visitor
from tests.browser.play import judge, wait_for_galaxy, wait_until
from tests.browser.site import Site

PAGE = "/label/demo"
HUMAN_PAUSE_MS = 1_300

# What a proxy, a firewall or a captive portal says in place of the server.
FOREIGN: list[dict[str, Any]] = [
    {"status": 404, "content_type": "text/plain", "body": "404 page not found"},
    {"status": 403, "content_type": "text/html", "body": "<h1>Forbidden</h1>"},
    {"status": 400, "content_type": "application/json", "body": '{"code": "bad_trace", "detail": "not ours"}'},
    {"status": 413, "content_type": "text/html", "body": "<h1>Request Entity Too Large</h1>"},
    {"status": 429, "content_type": "text/html", "body": "<h1>Slow down</h1>"},
    {"status": 502, "content_type": "text/html", "body": "<h1>Bad Gateway</h1>"},
    {"status": 503, "content_type": "text/html", "body": "<h1>Service Unavailable</h1>"},
    {"status": 200, "content_type": "text/html", "body": "<h1>Welcome to our network</h1>"},
    {"status": 200, "content_type": "application/json", "body": '{"status": "log in first"}'},
]


def inner(_step: str, slots: int) -> int:
    return slots // 2


def votes_of(site: Site, email: str) -> int:
    return int(
        site.query(
            """SELECT count(*) FROM labeling_vote vote JOIN accounts_user person ON person.id = vote.volunteer_id
                WHERE person.email = %s AND vote.standing = 'counted'""",
            email,
        )[0][0]
    )


def wait_for_votes(site: Site, email: str, count: int) -> None:
    wait_until(lambda: votes_of(site, email) == count, f"{email} has {count} votes", timeout_s=40)


def hurry(page: Page) -> None:
    """What a returning network does: everything that waits is tried again."""
    page.evaluate("window.dispatchEvent(new Event('online'))")


def start(someone: Visitor, email: str) -> Page:
    someone.sign_up(email, then=PAGE)
    wait_for_galaxy(someone.page)
    return someone.page


@pytest.mark.finding("flow F1", "fault F12")
@pytest.mark.parametrize("is_afterwards", [False, True], ids=["instead", "afterwards"])
def test_a_proxy_that_answers_in_our_place_loses_no_vote(
    demo: Site, visitor: Callable[..., Visitor], is_afterwards: bool
) -> None:
    """Each request of a galaxy gets each foreign answer once, before or after the server has had it."""
    someone = visitor()
    email = f"proxy{int(is_afterwards)}@example.org"
    page = start(someone, email)
    left: dict[str, list[dict[str, Any]]] = {}

    def answer(route: Route) -> None:
        request = route.request
        kind = "votes" if request.url.endswith("/votes/") else request.url.rsplit("/", 2)[1]
        waiting = left.setdefault(f"{request.method} {kind}", list(FOREIGN))
        if not waiting:
            return route.continue_()
        if is_afterwards:
            route.fetch()
        return route.fulfill(**waiting.pop(0))

    page.route("**/api/v1/votes/**", answer)
    page.route("**/api/v1/tasks/**", answer)
    for number in range(3):
        wait_until(lambda: _is_served(page), "a galaxy is served", timeout_s=60, pause_s=0.4)
        page.wait_for_timeout(HUMAN_PAUSE_MS)
        judge(page, inner)
        if number == 0:
            wait_until(lambda: _is_through(page, left), "the vote got through", timeout_s=60, pause_s=0.4)
    page.unroute_all(behavior="wait")
    wait_until(
        lambda: (hurry(page), votes_of(demo, email) == 3)[1], "three votes are stored", timeout_s=60, pause_s=0.4
    )
    expect(page.get_by_text("waiting")).to_be_hidden()
    expect(page.get_by_text("not accepted")).to_be_hidden()
    assert not left["POST votes"], "every foreign answer was given"


def _is_served(page: Page) -> bool:
    hurry(page)
    button = page.locator("button.go")
    return button.count() == 1 and button.is_enabled()


def _is_through(page: Page, left: dict[str, list[dict[str, Any]]]) -> bool:
    hurry(page)
    return "POST votes" in left and not left["POST votes"] and page.get_by_text("waiting").count() == 0


@pytest.mark.finding("flow F2")
@pytest.mark.parametrize("other", ["volunteer", "operator"])
def test_somebody_else_who_logs_in_in_another_tab_takes_and_loses_no_vote(
    demo: Site, visitor: Callable[..., Visitor], other: str
) -> None:
    someone = visitor()
    email = f"tab-{other}@example.org"
    page = start(someone, email)
    # No page of the app is loaded in the other tab, so the first one is told nothing until it asks.
    someone.context.clear_cookies(name="sessionid")
    stranger = Visitor(someone.context, demo)
    if other == "operator":
        password = demo.staff_password()
        stranger.open("/accounts/login/?next=/staff/")
        stranger.page.get_by_label("E-mail").fill("staff@localhost")
        stranger.page.get_by_label("Password").fill(password)
        stranger.page.get_by_role("button", name="Log in").click()
        stranger.page.wait_for_url("**/staff/**")
    else:
        stranger.open("/accounts/signup/?next=/accounts/password/change/")
        stranger.page.get_by_label("E-mail").fill("stranger@example.org")
        stranger.page.get_by_label("Password").fill("a galaxy far from edge-on")
        stranger.page.get_by_role("button", name="Sign up").click()
        stranger.page.wait_for_url("**/password/change/**")
    intruder = "staff@localhost" if other == "operator" else "stranger@example.org"
    page.wait_for_timeout(HUMAN_PAUSE_MS)
    judge(page, inner)
    wait_until(lambda: _kept(page) == [None], "the vote is kept, not refused")
    assert votes_of(demo, intruder) == votes_of(demo, email) == 0
    stranger.page.close()
    someone.context.clear_cookies(name="sessionid")
    someone.log_in(email, then=PAGE)
    wait_for_votes(demo, email, 1)
    assert votes_of(demo, intruder) == 0
    wait_until(lambda: _kept(page) == [], "the vote is kept no longer")


def _kept(page: Page) -> list[str | None]:
    """The votes in the browser's store: why each was refused, or None."""
    return page.evaluate(
        """() => new Promise((resolve, reject) => {
            const opening = indexedDB.open("giz", 1);
            opening.onerror = () => reject(opening.error);
            opening.onsuccess = () => {
                const all = opening.result.transaction("votes").objectStore("votes").getAll();
                all.onsuccess = () => { opening.result.close(); resolve(all.result.map((vote) => vote.refused)); };
            };
        })"""
    )


BREAKAGES = {
    "deleted": "indexedDB.deleteDatabase('giz')",
    "full": """IDBObjectStore.prototype.put = () => { throw new DOMException("full", "QuotaExceededError"); }""",
    "hanging": """IDBFactory.prototype.open = () => ({}); indexedDB.deleteDatabase('giz')""",
}


@pytest.mark.finding("flow F6", "review 18")
@pytest.mark.parametrize("breakage", BREAKAGES)
def test_where_the_browsers_store_breaks_votes_are_sent_at_once(
    demo: Site, visitor: Callable[..., Visitor], breakage: str
) -> None:
    someone = visitor()
    email = f"store-{breakage}@example.org"
    page = start(someone, email)
    page.evaluate(f"() => {{ {BREAKAGES[breakage]} }}")
    for number in range(2):
        wait_for_galaxy(page)
        page.wait_for_timeout(HUMAN_PAUSE_MS)
        judge(page, inner)
        wait_for_votes(demo, email, number + 1)
    expect(page.get_by_text("waiting")).to_be_hidden()


@pytest.mark.finding("flow F5")
def test_the_time_of_a_vote_is_the_time_on_screen(demo: Site, visitor: Callable[..., Visitor]) -> None:
    someone = visitor()
    email = "slow@example.org"
    page = start(someone, email)
    for number, pause_ms in enumerate((4_000, 2_000)):
        wait_for_galaxy(page)
        page.wait_for_timeout(pause_ms)
        judge(page, inner)
        wait_for_votes(demo, email, number + 1)
    rows = demo.query(
        """SELECT vote.shown_ms, extract(epoch FROM vote.created_at - vote.checked_out_at) * 1000, vote.flags
             FROM labeling_vote vote JOIN accounts_user person ON person.id = vote.volunteer_id
            WHERE person.email = %s ORDER BY vote.id""",
        email,
    )
    (first_ms, _, first_flags), (second_ms, second_held_ms, second_flags) = rows
    assert first_ms >= 4_000
    assert second_ms >= 2_000
    assert second_held_ms - second_ms > 3_000, "loaded ahead while the first was in front"
    assert first_flags == second_flags == []


@pytest.mark.finding("flow F10", "flow F3")
def test_leaving_the_page_gives_its_galaxies_back_and_coming_back_finds_them(
    demo: Site, visitor: Callable[..., Visitor]
) -> None:
    someone = visitor()
    email = "lunch@example.org"
    page = start(someone, email)
    leased = """SELECT task.id FROM labeling_task task JOIN accounts_user person ON person.id = task.volunteer_id
                 WHERE person.email = %s AND task.state = 'leased' ORDER BY task.checked_out_at"""
    wait_until(lambda: len(demo.query(leased, email)) == 2, "two galaxies are held")
    first = demo.query(leased, email)
    page.goto(demo.address + "/accounts/password/change/")
    wait_until(lambda: demo.query(leased, email) == [], "nothing is held by a page that was left")
    page.goto(demo.address + PAGE)
    wait_for_galaxy(page)
    wait_until(lambda: demo.query(leased, email) == first, "the same galaxies are held again")


@pytest.mark.finding("flow F9")
def test_what_says_that_we_keep_trying_keeps_trying(demo: Site, visitor: Callable[..., Visitor]) -> None:
    someone = visitor()
    someone.sign_up("trying@example.org", then="/me")
    page = someone.page
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        body = json.dumps({"code": "unavailable", "detail": "busy"})
        route.fulfill(status=503, content_type="application/json", body=body, headers={"X-GIZ-API": "1"})

    page.route("**/api/v1/me/", refuse)
    page.goto(demo.address + PAGE)
    expect(page.get_by_text("We will keep trying")).to_be_visible()
    wait_until(lambda: (page.wait_for_timeout(500), len(asked) > 6)[1], "it is asked again and again", timeout_s=90)
    page.unroute_all(behavior="wait")
    expect(page.locator("button.go")).to_be_enabled(timeout=60_000)


@pytest.mark.finding("ux A2")
def test_who_has_nothing_to_judge_here_is_sent_where_there_is_something(
    demo: Site, visitor: Callable[..., Visitor]
) -> None:
    someone = visitor()
    someone.sign_up("newcomer@example.org", then="/")
    page = someone.page
    page.route(
        "**/api/v1/tasks/",
        lambda route: route.fulfill(
            status=404,
            content_type="application/json",
            headers={"X-GIZ-API": "1", "Retry-After": "900"},
            body=json.dumps({"code": "all_done", "detail": "Others are working on every open galaxy."}),
        ),
    )
    page.route(
        "**/api/v1/me/campaign/",
        lambda route: route.fulfill(json={"campaign": {"name": "pairs", "title": "Pairs of galaxies"}}),
    )
    page.goto(demo.address + PAGE)
    expect(page.get_by_text("Others are working")).to_be_visible()
    expect(page.get_by_role("heading", name="That was the last one")).to_be_hidden()
    expect(page.get_by_role("link", name="Continue there")).to_have_attribute("href", "/label/pairs")
    page.goto(demo.address + "/me")
    expect(page.get_by_role("link", name="Judge a galaxy")).to_have_attribute("href", "/label/pairs")
