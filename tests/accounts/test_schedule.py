"""The schedule: superusers change it, the audit trail tells, and what the site needs can't be switched off."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask

import giz.celery  # noqa: F401 - as in a web process: "Run now" sends to our broker
from giz.accounts.models import User
from giz.core.models import AuditEvent

pytestmark = [pytest.mark.django_db, pytest.mark.finding("security S12")]
LIST = reverse("admin:django_celery_beat_periodictask_changelist")
SWEEPER = "sweep jobs whose heartbeat stopped"


@pytest.fixture
def every_minute() -> IntervalSchedule:
    return IntervalSchedule.objects.create(every=60, period="seconds")


@pytest.fixture
def own(every_minute: IntervalSchedule) -> PeriodicTask:
    return PeriodicTask.objects.create(name="ours", task="giz.core.tasks.sweep_jobs", interval=every_minute)


@pytest.fixture
def needed() -> PeriodicTask:
    half_minute = IntervalSchedule.objects.create(every=30, period="seconds")
    return PeriodicTask.objects.create(name=SWEEPER, task="giz.core.tasks.sweep_jobs", interval=half_minute)


@pytest.fixture
def staff_client(db: None) -> Client:
    """Staff without the rights of a superuser."""
    person = User.objects.create_user("dora@example.org", "correct horse battery", role="staff")
    client = Client()
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def act(client: Client, action: str, *tasks: PeriodicTask, **more: str) -> Any:
    chosen = {"action": action, "_selected_action": [str(task.pk) for task in tasks], **more}
    return client.post(LIST, chosen, follow=True)


def events() -> list[tuple[str, str]]:
    told = AuditEvent.objects.filter(action__startswith="schedule_").order_by("id")
    return [(event.action, event.subject.split(" ")[1]) for event in told]


def edit(row: PeriodicTask, **values: Any) -> tuple[str, dict[str, Any]]:
    page = reverse("admin:django_celery_beat_periodictask_change", args=[row.pk])
    body = {"name": row.name, "regtask": "", "task": row.task, "interval": row.interval_id, "args": "[]",
            "kwargs": "{}", "headers": "{}", "priority": "", "enabled": "on", **values}  # fmt: skip
    return page, body


@pytest.mark.parametrize(
    ("action", "event"),
    [
        ("enable_tasks", "schedule_enabled"),
        ("disable_tasks", "schedule_disabled"),
        ("toggle_tasks", "schedule_toggled"),
        ("run_tasks", "schedule_run"),
    ],
)
def test_each_action_of_the_list_is_audited_and_only_superusers_have_it(
    own: PeriodicTask, bob_client: Client, staff_client: Client, action: str, event: str
) -> None:
    assert staff_client.get(LIST).status_code == 200
    act(staff_client, action, own)
    own.refresh_from_db()
    assert own.enabled
    assert events() == []
    assert act(bob_client, action, own).status_code == 200
    assert events() == [(event, str(own.pk))]
    own.refresh_from_db()
    assert own.enabled == (action in ("enable_tasks", "run_tasks"))


def test_changes_and_deletions_are_audited(own: PeriodicTask, bob: User, bob_client: Client) -> None:
    page, body = edit(own, description="why not", regtask="giz.core.tasks.sweep_jobs", task="")
    answer = bob_client.post(page, body)
    assert answer.status_code == 302, answer.content.decode()[-2000:]
    own.refresh_from_db()
    assert own.description == "why not"
    bob_client.post(page.replace("/change/", "/delete/"), {"post": "yes"})
    assert not PeriodicTask.objects.filter(pk=own.pk).exists()
    assert [event for event, _ in events()] == ["schedule_changed", "schedule_deleted"]
    told = AuditEvent.objects.get(action="schedule_changed")
    assert told.actor_number == bob.volunteer_number
    assert "description" in told.detail["changed"]


def test_staff_who_are_no_superusers_only_look(own: PeriodicTask, staff_client: Client) -> None:
    page, body = edit(own, description="mine")
    assert staff_client.get(page).status_code == 200
    for address in (page, page.replace("/change/", "/delete/"), reverse("admin:django_celery_beat_periodictask_add")):
        assert staff_client.post(address, {**body, "post": "yes"}).status_code == 403
    interval = reverse("admin:django_celery_beat_intervalschedule_change", args=[own.interval_id])
    assert staff_client.post(interval, {"every": 1, "period": "days"}).status_code == 403
    own.refresh_from_db()
    assert own.description == ""


@pytest.mark.parametrize("action", ["disable_tasks", "toggle_tasks"])
def test_what_the_site_needs_stays_on_while_the_rest_of_the_choice_changes(
    own: PeriodicTask, needed: PeriodicTask, bob_client: Client, action: str
) -> None:
    said = act(bob_client, action, own, needed).content.decode()
    assert "because the site needs these" in said
    found = PeriodicTask.objects.filter(pk__in=[own.pk, needed.pk])
    assert dict(found.values_list("name", "enabled")) == {"ours": False, SWEEPER: True}


def test_what_the_site_needs_is_neither_changed_nor_deleted_by_any_way(
    needed: PeriodicTask, bob_client: Client
) -> None:
    page, body = edit(needed, enabled="")
    assert bob_client.get(page).status_code == 200
    assert bob_client.post(page, body).status_code == 403
    assert bob_client.post(page.replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403
    act(bob_client, "delete_selected", needed, post="yes")
    interval = reverse("admin:django_celery_beat_intervalschedule_change", args=[needed.interval_id])
    assert bob_client.post(interval, {"every": 1, "period": "days"}).status_code == 403
    assert bob_client.post(interval.replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403
    needed.refresh_from_db()
    assert needed.enabled
    assert (needed.interval.every, needed.interval.period) == (30, "seconds")


def test_one_that_was_switched_off_before_is_shown_loudly_and_can_be_switched_on(
    needed: PeriodicTask, bob_client: Client
) -> None:
    PeriodicTask.objects.update(enabled=False)
    page = bob_client.get("/staff/dashboard/").content.decode()
    assert SWEEPER in page
    act(bob_client, "enable_tasks", needed)
    needed.refresh_from_db()
    assert needed.enabled
    assert SWEEPER not in bob_client.get("/staff/dashboard/").content.decode()


def test_every_task_of_the_settings_counts_as_needed() -> None:
    assert SWEEPER in settings.CELERY_BEAT_SCHEDULE
    assert "give back leases that ran out" in settings.CELERY_BEAT_SCHEDULE
