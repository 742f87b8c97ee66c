"""The staff's first page: who may see it, what it counts, that it stays cheap."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from giz.accounts.models import User
from giz.dashboard.selectors import latest_jobs, overview
from tests.dashboard.sky import make_campaign, make_job, make_set, make_vote

DASHBOARD, JOBS, LATEST = "/staff/dashboard/", "/staff/dashboard/jobs/", "/staff/dashboard/jobs/latest/"


@pytest.mark.parametrize("page", [DASHBOARD, JOBS, LATEST])
def test_a_stranger_logs_in_first(client: Client, db: None, page: str) -> None:
    answer = client.get(page)
    assert answer.status_code == 302
    assert answer["Location"] == f"/accounts/login/?next={page}"


@pytest.mark.parametrize("page", [DASHBOARD, JOBS, LATEST])
@pytest.mark.finding("abuse A17")
def test_a_volunteer_finds_nothing_there(alice_client: Client, page: str) -> None:
    assert alice_client.get(page).status_code == 404


def test_an_empty_site_has_words_for_it(bob_client: Client) -> None:
    page = bob_client.get(DASHBOARD).content.decode()
    assert "No campaign yet" in page
    assert "No job has run yet" in page


def test_the_figures_are_those_of_the_rows(alice: User, charlie: User) -> None:
    campaign = make_campaign("spirals", make_set(), first_pgc=100, targets=4)
    first, second = campaign.targets.order_by("pk")[:2]
    make_vote(first, alice, verdict="A")
    make_vote(first, charlie, verdict="J")
    make_vote(second, alice, verdict="F", created_at=timezone.now() - timedelta(days=3))
    make_vote(second, charlie, verdict="A", standing="surplus")
    campaign.targets.filter(pk=first.pk).update(state="retired")

    seen = overview()
    row = seen.campaigns[0]
    assert (row.targets, row.retired, row.percent) == (4, 1, 25)
    assert (row.votes, row.people, row.last_day) == (3, 2, 2)
    assert row.days_to_go == 4  # three open targets want 9 votes, 2 of which are given, at two votes a day
    assert seen.verdicts == {"A": 1, "F": 1, "J": 1}
    assert sum(day.total for day in seen.days) == 3
    assert seen.days[-4].counts == {"F": 1}
    assert row.per_day[-4] == 1


def test_unfinished_jobs_come_first_with_their_last_lines(db: None) -> None:
    running = make_job(lines=9)
    for _ in range(9):
        make_job(kind="export_labels", state="done", lines=1)
    rows = latest_jobs()
    assert rows[0].job == running
    assert rows[0].percent == 40
    assert [line.text[:6] for line in rows[0].lines] == [f"line {place}" for place in range(3, 9)]
    assert len(rows) == 8


@pytest.mark.finding("ux C17")
def test_what_visitors_had_fetched_pushes_nobodys_work_off_the_page(db: None) -> None:
    mine = make_job(kind="export_labels", state="done", lines=1)
    theirs = [make_job(kind="fetch_source", state=state) for state in ("done", "queued", "running") for _ in range(8)]
    rows = latest_jobs()
    assert rows[0].job == mine
    assert {row.job.kind for row in rows[1:]} == {"fetch_source"}
    assert rows[1].job in theirs[8:], "of theirs the unfinished ones first"


def _queries(client: Client, page: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert client.get(page).status_code == 200
    return len(seen)


def test_the_page_costs_the_same_number_of_queries_however_much_there_is(bob_client: Client, alice: User) -> None:
    standard_set = make_set()
    make_job()
    _queries(bob_client, DASHBOARD)
    few = _queries(bob_client, DASHBOARD)
    for place in range(4):
        campaign = make_campaign(f"more{place}", standard_set, first_pgc=1000 * (place + 1))
        for order, target in enumerate(campaign.targets.all()):
            make_vote(target, alice, place=order)
        make_job(kind=f"kind{place}", owner=alice)
    _queries(bob_client, DASHBOARD)
    assert _queries(bob_client, DASHBOARD) == few <= 13
    for page in (JOBS, LATEST):
        assert _queries(bob_client, page) <= 4


@pytest.mark.finding("abuse A13")
def test_hostile_words_are_shown_as_words(bob_client: Client, alice: User) -> None:
    evil = "<img src=x onerror=alert(1)>{{7*7}}"
    make_campaign("evil", make_set(), first_pgc=100, title=evil)
    make_job(kind="<script>alert(1)</script>", message=evil, error=evil, state="failed", owner=alice)
    page = bob_client.get(DASHBOARD).content.decode()
    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert "{{7*7}}" in page


def test_the_policy_of_the_dashboard_is_the_strict_one(bob_client: Client) -> None:
    policy = bob_client.get(DASHBOARD)["Content-Security-Policy"]
    assert "script-src 'self';" in policy + ";"
    assert "unsafe" not in policy


def test_no_address_is_on_the_page(bob_client: Client, alice: User) -> None:
    make_job(owner=alice)
    page = bob_client.get(DASHBOARD).content.decode()
    assert alice.public_name in page
    assert "@" not in page.replace("@media", "")


def test_only_reading_is_answered(bob_client: Client) -> None:
    assert bob_client.post(DASHBOARD).status_code == 405


def test_a_figure_links_to_the_rows_behind_it(bob_client: Client, alice: User) -> None:
    campaign = make_campaign("spirals", make_set(), first_pgc=100)
    make_vote(campaign.targets.first(), alice)
    make_job()
    page = bob_client.get(DASHBOARD).content.decode()
    links = {link.replace("&amp;", "&") for link in re.findall(r'href="(/staff/[^"]+)"', page)}
    assert len(links) > 40
    dead: dict[str, Any] = {link: bob_client.get(link).status_code for link in links}
    assert {link: status for link, status in dead.items() if status != 200} == {}


@pytest.mark.finding("review 12")
@pytest.mark.parametrize("page", ["vote", "task"])
def test_rows_of_a_galaxy_or_a_person_are_found_by_number_without_reading_all(
    bob_client: Client, alice: User, charlie: User, page: str
) -> None:
    campaign = make_campaign("spirals", make_set(), first_pgc=100)
    first, second = campaign.targets.order_by("pk")[:2]
    make_vote(first, alice)
    make_vote(second, charlie)
    address = f"/staff/labeling/{page}/"
    for term, shown, hidden in (
        (str(first.galaxy.pgc), alice, charlie),
        (charlie.public_name, charlie, alice),
        (str(charlie.volunteer_number), charlie, alice),
    ):
        with CaptureQueriesContext(connection) as seen:
            body = bob_client.get(address, {"q": term}).content.decode()
        assert shown.public_name in body
        assert hidden.public_name not in body
        rows = [query["sql"] for query in seen if f'FROM "labeling_{page}"' in query["sql"]]
        assert rows
        assert not any('"pgc" =' in sql or '"volunteer_number" =' in sql for sql in rows)


@pytest.mark.finding("review 12")
def test_the_overview_is_counted_once_a_minute_however_many_look(bob_client: Client, alice: User) -> None:
    make_vote(make_campaign("spirals", make_set(), first_pgc=100).targets.first(), alice)
    bob_client.get(DASHBOARD)
    with CaptureQueriesContext(connection) as seen:
        assert "spirals" in bob_client.get(DASHBOARD).content.decode().lower()
    assert not any('FROM "labeling_vote"' in query["sql"] for query in seen)
