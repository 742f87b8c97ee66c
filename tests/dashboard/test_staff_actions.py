"""Staff start, stop and change things by POST and read about it; what others wrote stays words."""

from typing import Any

import pytest
from django.test import Client

from giz.accounts.models import User
from giz.core.models import AuditEvent, JobLogLine
from labeling.models import Campaign, Target
from standards.models import StandardSet
from tests.dashboard.pages import list_of, page_of, press
from tests.dashboard.sky import make_campaign, make_galaxy, make_job, make_set, make_vote


# --- campaigns -------------------------------------------------------------------------------------------------------
def _campaign_form(standard_set: StandardSet, **values: Any) -> dict[str, Any]:
    rules = {"overlap": 3, "lease_minutes": 15, "estimator": "median", "retirement": "fixed"}
    return {"name": "fresh", "title": "Fresh", "description": "", "standard_set": standard_set.pk, **rules, **values}


def test_a_campaign_is_made_filled_opened_paused_and_closed_here(bob_client: Client, bob: User, db: None) -> None:
    standard_set = make_set()
    for pgc in range(100, 104):
        make_galaxy(pgc)
    assert bob_client.post(list_of(Campaign) + "add/", _campaign_form(standard_set)).status_code == 302
    campaign = Campaign.objects.get(name="fresh")
    assert campaign.state == "draft"
    steps = [("add_all", "draft"), ("open", "open"), ("pause", "paused"), ("open", "open"), ("close", "closed")]
    for button, state in steps:
        answer = press(bob_client, campaign, button)
        campaign.refresh_from_db()
        assert (answer.status_code, campaign.state) == (200, state), button
        assert ("Targets added: 4 galaxies." in answer.content.decode()) is (button == "add_all")
    assert Target.objects.filter(campaign=campaign).count() == 4  # the set's own galaxies stay out
    events = AuditEvent.objects.exclude(action="campaign_use_set").order_by("id")  # the pictures that came since
    trail = list(events.values_list("action", "actor_number"))
    assert [action for action, _ in trail] == [
        *("campaign_create", "campaign_targets_added", "campaign_open", "campaign_paused", "campaign_open"),
        "campaign_closed",
    ]
    assert {actor for _, actor in trail} == {bob.volunteer_number}


def test_a_refused_press_is_told_in_a_sentence(bob_client: Client, db: None) -> None:
    empty = StandardSet.objects.create(name="empty", version=1, state="published", digest="d")
    campaign = make_campaign("thin", empty, first_pgc=100, state="paused")
    page = press(bob_client, campaign, "open").content.decode()
    assert "too few standards" in page
    campaign.refresh_from_db()
    assert campaign.state == "paused"


@pytest.mark.parametrize(("field", "value"), [("estimator", "magic"), ("retirement", "magic"), ("overlap", "0")])
def test_a_rule_that_does_not_exist_is_told_beside_its_field(
    bob_client: Client, db: None, field: str, value: str
) -> None:
    answer = bob_client.post(list_of(Campaign) + "add/", _campaign_form(make_set(), **{field: value}))
    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors
    assert not Campaign.objects.exists()


# --- jobs ------------------------------------------------------------------------------------------------------------
def test_a_queued_job_is_cancelled_at_once_and_a_running_one_asked_to_stop(bob_client: Client, bob: User) -> None:
    queued, running = make_job(state="queued"), make_job()
    for job in (queued, running):
        assert b"The job will be cancelled" in press(bob_client, job, "cancel").content
        job.refresh_from_db()
    assert queued.state == "cancelled"
    assert (running.state, running.cancel_requested) == ("running", True)
    trail = AuditEvent.objects.filter(action="job_cancel", actor_number=bob.volunteer_number)
    assert trail.count() == 2


def test_a_finished_job_has_no_button_and_says_so(bob_client: Client) -> None:
    job = make_job(state="done")
    assert "Cancel this job" not in bob_client.get(page_of(job)).content.decode()
    assert b"has already ended" in press(bob_client, job, "cancel").content


def test_a_job_shows_what_it_said_and_why_it_failed(bob_client: Client) -> None:
    job = make_job(state="failed", error="Traceback\n  x\nOSError: no space left")
    page = bob_client.get(page_of(job)).content.decode()
    assert "line 2: ra is 400, must lie in 0..360" in page
    assert "OSError: no space left" in page


def test_a_long_log_shows_its_end_and_a_way_to_the_rest(bob_client: Client) -> None:
    job = make_job(lines=0)
    JobLogLine.objects.bulk_create(JobLogLine(job=job, text=f"line {place}.") for place in range(250))
    page = bob_client.get(page_of(job)).content.decode()
    assert "line 249." in page
    assert "line 49." not in page
    assert f"/staff/core/joblogline/?job__id__exact={job.pk}" in page


# --- what others wrote -----------------------------------------------------------------------------------------------
@pytest.mark.finding("abuse A13")
def test_hostile_words_are_words_on_every_page(bob_client: Client, alice: User) -> None:
    evil = "<img src=x onerror=alert(1)>"
    campaign = make_campaign("evil", make_set(), first_pgc=100, title=evil, description=evil)
    target = campaign.targets.select_related("galaxy").first()
    assert target is not None
    target.galaxy.name = evil
    target.galaxy.save()
    vote = make_vote(target, alice, comment=evil)
    job = make_job(message=evil, error=evil, owner=alice)
    JobLogLine.objects.create(job=job, text=evil, level=evil[:8])
    rows = [campaign, target, target.galaxy, vote, job]
    for address in [*map(page_of, rows), *(list_of(type(row)) for row in rows), list_of(JobLogLine)]:
        page = bob_client.get(address).content.decode()
        assert "<img src=x" not in page, address
