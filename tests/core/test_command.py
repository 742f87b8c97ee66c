"""Commands prepare an empty embedded database by themselves, and say what to do where somebody deploys."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from giz.core.command import GizCommand
from giz.core.models import AuditEvent
from tests.conftest import migrate_and_grant

LATEST = "0003_job_lease_holder"


@pytest.fixture
def lacks_a_migration(transactional_db: Any) -> Any:
    call_command("migrate", "core", "0002", verbosity=0)
    yield
    # Tables of other rooms went with it, and their rights: tests that run later in this database read both.
    migrate_and_grant()


def applied() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM django_migrations WHERE app = 'core' AND name = %s)", [LATEST])
        return bool(cursor.fetchone()[0])


def test_a_command_prepares_an_embedded_database_first(
    lacks_a_migration: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "DATABASE_URL", "")
    said = StringIO()
    with pytest.raises(CommandError, match="no published standard set"):
        call_command("standards_coverage", "--set", "none", stderr=said)
    assert applied()


def test_where_somebody_deploys_a_command_names_the_way_out_and_changes_nothing(
    lacks_a_migration: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "DATABASE_URL", "postgresql://giz@db/giz")
    with pytest.raises(CommandError, match=r"\d+ migrations .* `manage.py migrate`"):
        call_command("standards_coverage", "--set", "none")
    assert not applied()
    assert not AuditEvent.objects.exists()


@pytest.mark.finding("flow F14")
def test_a_full_disk_ends_a_command_with_a_sentence() -> None:
    """``write()`` names no file in its error."""

    class Writes(GizCommand):
        needs_database = False

        def handle(self, **_options: Any) -> None:
            with Path("/dev/full").open("wb", buffering=0) as out:
                out.write(b"labels")

    with pytest.raises(CommandError, match="disk is full"):
        call_command(Writes())
