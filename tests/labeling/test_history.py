"""History can't be rewritten: by triggers whoever asks, and by the rights of the role that runs the site."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.test import Client

from giz.accounts.erasure import account_erase
from giz.core import audit
from giz.core.checks import site_is_not_the_owner
from giz.core.jobs import run_job
from giz.core.models import AuditEvent
from giz.dashboard.jobs import reports_job
from giz.embedded.layout import DATABASE_RUNTIME_USER
from giz.embedded.roles import HISTORY
from labeling.models import Campaign, Task, Vote
from labeling.reports import REPORTS
from labeling.rules import SIMULATED_SOURCE
from labeling.services.consensus import consensus_rebuild, consensus_refresh
from labeling.services.labelsets import labels_as_of, labelset_freeze
from labeling.services.leases import leases_release_expired
from labeling.services.plausibility import volunteer_discount, volunteer_restore
from labeling.simulation.jobs import simulate_job
from tests.labeling.simulation.sky import make_known_campaign
from tests.labeling.sky import age_task, client_of, lease, make_volunteer, post, vote_body

pytestmark = pytest.mark.django_db


@pytest.fixture
def judged(campaign: Campaign, alice_client: Client) -> Campaign:
    """A vote that counts, one that was undone, and an event of the audit trail."""
    body = vote_body(lease(alice_client)["id"], comment="a bar?")
    assert post(alice_client, "votes/", body).status_code == 201
    assert post(alice_client, f"votes/{body['key']}/undo/").status_code == 200
    again = vote_body(lease(alice_client)["id"], 60.5, comment="a bar, surely")
    assert post(alice_client, "votes/", again).status_code == 201
    audit.record("test", subject="sky")
    with connection.cursor() as cursor:
        # A table with checks that wait for the commit can't be emptied, whoever asks; here that must not be the reason.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return campaign


@contextmanager
def as_runtime() -> Iterator[None]:
    """Go on as the role that runs the site, until the end of this transaction at the latest."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {DATABASE_RUNTIME_USER}")
        cursor.execute("SELECT current_user")
        assert cursor.fetchone()[0] == DATABASE_RUNTIME_USER
        yield
        cursor.execute("RESET ROLE")


def refused(statement: str, *errors: type[Exception]) -> None:
    with pytest.raises(errors), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


REWRITES = [
    *(f"UPDATE labeling_vote SET {change}" for change in (
        "verdict = 'J', inclination_deg = NULL, inclination_rounded_deg = NULL",
        "inclination_deg = 45",
        "inclination_rounded_deg = 45",
        "trace = '{}'",
        "body_hash = ''",
        "key = gen_random_uuid()",
        "reasons = '{not_sure}'",
        "created_at = created_at - interval '1 day'",
        "checked_out_at = checked_out_at - interval '1 day'",
        "comment = 'changed'",
        "rounding_seed = 1",
        "rule_version = ''",
        "is_imported = true",
        "volunteer_id = (SELECT max(id) FROM accounts_user)",
        "task_id = NULL",
        "standard_set_id = NULL",
        "standing = 'surplus'",
        "standing = 'counted', superseded_at = NULL WHERE standing = 'superseded'",
        "superseded_at = superseded_at - interval '1 day' WHERE standing = 'superseded'",
        "id = id + 1000",
    )),
    "DELETE FROM labeling_vote",
    "DELETE FROM labeling_vote WHERE standing = 'superseded'",
    "TRUNCATE labeling_vote",
    "TRUNCATE labeling_vote CASCADE",
    "TRUNCATE accounts_user CASCADE",
    "TRUNCATE labeling_task CASCADE",
    "UPDATE labeling_task SET seed = seed + 1",
    "UPDATE labeling_task SET volunteer_id = (SELECT max(id) FROM accounts_user)",
    "UPDATE core_auditevent SET subject = ''",
    "DELETE FROM core_auditevent",
    "TRUNCATE core_auditevent",
    "TRUNCATE training_promotion",
    "TRUNCATE labeling_labelset CASCADE",
    "TRUNCATE standards_standard CASCADE",
    "TRUNCATE standards_standardset CASCADE",
]  # fmt: skip


@pytest.mark.finding("security S11")
@pytest.mark.parametrize("statement", REWRITES)
def test_triggers_refuse_it_to_the_owner_too(judged: Campaign, statement: str) -> None:
    make_volunteer(1)
    refused(statement, IntegrityError)


@pytest.mark.finding("security S11")
@pytest.mark.parametrize("statement", REWRITES)
def test_the_role_of_the_site_is_refused(judged: Campaign, statement: str) -> None:
    make_volunteer(1)
    with as_runtime():
        refused(statement, IntegrityError, ProgrammingError)


@pytest.mark.finding("security S11")
@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE labeling_vote DISABLE TRIGGER ALL",
        "ALTER TABLE core_auditevent DISABLE TRIGGER USER",
        "DROP TRIGGER labeling_vote_is_history ON labeling_vote",
        "DROP TABLE core_auditevent",
        "DROP TABLE labeling_vote CASCADE",
        "DROP SCHEMA public CASCADE",
        "DROP FUNCTION core_audit_append_only() CASCADE",
        "CREATE OR REPLACE FUNCTION core_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "ALTER TABLE labeling_vote OWNER TO giz_runtime",
        "SET session_replication_role = replica",
        "CREATE TABLE mine (id int)",
        "CREATE ROLE other SUPERUSER",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('core', '9999', now())",
    ],
)
def test_the_role_of_the_site_can_not_take_the_guards_away(judged: Campaign, statement: str) -> None:
    with as_runtime():
        refused(statement, ProgrammingError)
    assert Vote.objects.count() == 2
    assert AuditEvent.objects.filter(action="test").count() == 1


def test_grants_do_not_grow(judged: Campaign) -> None:
    """A GRANT by somebody without the right to it is only a warning: look at what is really there."""
    with as_runtime(), connection.cursor() as cursor:
        cursor.execute(f"GRANT ALL ON core_auditevent, labeling_vote TO {DATABASE_RUNTIME_USER}")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, array_agg(privilege_type::text ORDER BY 1) FROM information_schema.role_table_grants "
            "WHERE grantee = %s AND table_name = ANY(%s) GROUP BY 1",
            [DATABASE_RUNTIME_USER, list(HISTORY)],
        )
        found = {table: set(rights) for table, rights in cursor.fetchall()}
    assert found == {
        table: {"SELECT", *(word for word in rights.replace(" ", "").split(",") if word)}
        for table, rights in HISTORY.items()
    }


@pytest.mark.finding("security S11")
def test_what_may_change_does(judged: Campaign, alice: Any) -> None:
    with as_runtime():
        assert volunteer_discount(volunteer=alice) == 2
        assert volunteer_restore(volunteer=alice) == 2
        assert Vote.objects.filter(volunteer=alice).update(comment="") == 2
    assert not Vote.objects.exclude(comment="").exists()


@pytest.mark.finding("security S11")
def test_only_votes_of_simulated_people_are_made_older_and_never_younger(campaign: Campaign) -> None:
    simulated = make_volunteer(5, import_source=SIMULATED_SOURCE)
    person = client_of(simulated)
    assert post(person, "votes/", vote_body(lease(person)["id"])).status_code == 201
    older = "UPDATE labeling_vote SET created_at = created_at {} interval '1 day'"
    with connection.cursor() as cursor:
        cursor.execute(older.format("-"))
    refused(older.format("+"), IntegrityError)
    refused("UPDATE labeling_vote SET created_at = created_at - interval '1 day', verdict = 'F'", IntegrityError)


def test_a_task_without_a_vote_may_be_given_another_seed(campaign: Campaign, alice_client: Client) -> None:
    task = lease(alice_client)
    assert Task.objects.filter(pk=task["id"]).update(seed=7) == 1


@pytest.mark.finding("security S11")
def test_the_site_works_as_a_role_that_owns_nothing(
    campaign: Campaign, alice_client: Client, charlie: Any, charlie_client: Client, bob: Any, bob_client: Client,
    tmp_path: Path, settings: Any,
) -> None:  # fmt: skip
    """Leases, votes, undo, consensus, fits, simulated people, exports, label sets, reports, buttons, erasure."""
    settings.GIZ_HOME = tmp_path
    known = make_known_campaign(name="known", standard_set=campaign.standard_set)
    with as_runtime():
        for client in (alice_client, charlie_client):
            body = vote_body(lease(client)["id"], comment="a bar?")
            age_task(body["task"], 60)
            assert post(client, "votes/", body).status_code == 201
            assert post(client, f"votes/{body['key']}/undo/").status_code == 200
            assert post(client, "votes/", vote_body(lease(client)["id"], 60.5)).status_code == 201
        held = lease(alice_client)
        age_task(held["id"], 3600)
        assert leases_release_expired() == 1
        run_job(simulate_job(campaign=known, volunteers=5, votes=12))
        assert consensus_refresh(campaign=campaign) >= 0
        consensus_rebuild(campaign=campaign)
        made = labelset_freeze(campaign=campaign, as_of=labels_as_of(campaign, "median"), size_px=None)
        assert made.galaxy_count
        call_command("export_labels", campaign="sky", format_name="csv", out=str(tmp_path / "labels.csv"))
        job = reports_job(campaign=campaign, names=list(REPORTS), owner=bob)
        assert job is not None
        run_job(job)
        for path in ("dashboard/", "dashboard/reports/sky/", "labeling/vote/", "core/auditevent/"):
            assert bob_client.get(f"/staff/{path}").status_code == 200
        target = Vote.objects.earliest("id").target_id
        for button in ("calibration", "ordinary"):
            assert bob_client.post(f"/staff/labeling/target/{target}/press/{button}/").status_code == 302
        account_erase(user=charlie)
        assert bob_client.post(f"/staff/labeling/campaign/{campaign.pk}/press/pause/").status_code == 302
    campaign.refresh_from_db()
    assert campaign.state == "paused"


# --- which role is which --------------------------------------------------------------------------------------------
@pytest.mark.finding("security S11")
def test_the_check_warns_where_the_site_owns_its_tables(settings: Any, db: None) -> None:
    assert site_is_not_the_owner(databases=["default"]) == [], "the embedded server knows two roles"
    settings.DATABASE_OWNER = {}
    assert [problem.id for problem in site_is_not_the_owner(databases=["default"])] == ["giz.W003"]
    assert site_is_not_the_owner(databases=None) == [], "a check without a database asks none"
    with as_runtime():
        member = site_is_not_the_owner(databases=["default"])
    assert member == []


def test_the_settings_name_two_roles(settings: Any) -> None:
    from giz.embedded.layout import embedded_owner_settings, embedded_postgres_settings

    home = Path(settings.GIZ_HOME)
    assert embedded_postgres_settings(home)["USER"] == DATABASE_RUNTIME_USER
    assert embedded_owner_settings(home)["USER"] == "giz"
