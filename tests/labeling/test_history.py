"""History can't be rewritten: by triggers whoever asks, and by the rights of the role that runs the site."""

from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection

from giz.accounts.models import User
from giz.core import audit
from giz.core.models import AuditEvent
from giz.embedded.layout import DATABASE_RUNTIME_USER
from giz.embedded.roles import HISTORY
from labeling.models import Campaign, Vote
from labeling.services.plausibility import volunteer_discount, volunteer_restore
from tests.conftest import person
from tests.labeling.roles import as_runtime, refused
from tests.labeling.sky import client_of, lease, make_campaign, make_volunteer, post, vote_body

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def alice(module_rows: None) -> User:
    return person("volunteer", "alice@example.org")


@pytest.fixture(scope="module")
def judged(alice: User) -> Campaign:
    """A vote that counts, one that was undone, and an event of the audit trail."""
    campaign, client = make_campaign(), client_of(alice)
    body = vote_body(lease(client)["id"], comment="a bar?")
    assert post(client, "votes/", body).status_code == 201
    assert post(client, f"votes/{body['key']}/undo/").status_code == 200
    again = vote_body(lease(client)["id"], 60.5, comment="a bar, surely")
    assert post(client, "votes/", again).status_code == 201
    audit.record("test", subject="sky")
    with connection.cursor() as cursor:
        # A table with checks that wait for the commit can't be emptied, whoever asks; here that must not be the reason.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return campaign


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
