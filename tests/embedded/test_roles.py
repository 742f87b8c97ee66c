"""The two roles of the embedded database: made with it, added to one of an older GIZ, kept apart by `migrate`."""

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from giz.embedded.binaries import find_postgres
from giz.embedded.layout import DATABASE_RUNTIME_USER, DATABASE_USER, Layout
from giz.embedded.postgres import SUPERUSER, PostgresServer

REPOSITORY = Path(__file__).resolve().parents[2]


def connect(server: PostgresServer, user: str) -> "psycopg.Connection[Any]":
    return psycopg.connect(host=str(server.socket_dir), user=user, dbname="giz", autocommit=True)


def server_in(home: Path) -> PostgresServer:
    layout = Layout(home)
    layout.make()
    return PostgresServer(layout.postgres_data(find_postgres().major), layout.postgres_sockets, fsync=False)


@pytest.mark.finding("security S11")
def test_a_new_database_has_a_role_that_owns_nothing(home: Path) -> None:
    with server_in(home) as server, connect(server, DATABASE_RUNTIME_USER) as site:
        roles = site.execute(
            "SELECT rolsuper, rolcreatedb, rolcreaterole, pg_has_role(oid, %s, 'MEMBER') FROM pg_roles "
            "WHERE rolname = current_user",
            [DATABASE_USER],
        ).fetchone()
        assert roles == (False, False, False, False)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            site.execute("CREATE TABLE mine (id int)")


@pytest.mark.finding("security S11")
def test_a_folder_of_an_older_giz_gets_the_role_at_its_next_start(home: Path) -> None:
    """There all is owned by `giz` and the role is missing: rows are read and written at once, tables stay."""
    with server_in(home) as server, connect(server, SUPERUSER) as admin:
        with connect(server, DATABASE_USER) as owner:
            owner.execute("CREATE TABLE core_auditevent (id int GENERATED ALWAYS AS IDENTITY, action text)")
            owner.execute("CREATE TABLE labeling_campaign (id serial, name text)")
            owner.execute("INSERT INTO core_auditevent (action) VALUES ('old')")
        admin.execute(f"DROP OWNED BY {DATABASE_RUNTIME_USER}")
        admin.execute(f"DROP ROLE {DATABASE_RUNTIME_USER}")
    with server_in(home) as server, connect(server, DATABASE_RUNTIME_USER) as site:
        site.execute("INSERT INTO labeling_campaign (name) VALUES ('virgo')")
        site.execute("UPDATE labeling_campaign SET name = 'coma'")
        site.execute("INSERT INTO core_auditevent (action) VALUES ('new')")
        assert [row[0] for row in site.execute("SELECT action FROM core_auditevent ORDER BY id")] == ["old", "new"]
        for statement in (
            "UPDATE core_auditevent SET action = ''",
            "DELETE FROM core_auditevent",
            "TRUNCATE core_auditevent",
            "TRUNCATE labeling_campaign",
            "DROP TABLE labeling_campaign",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                site.execute(statement)
        with connect(server, DATABASE_USER) as owner:
            owner.execute("CREATE TABLE later (id int)")
        assert site.execute("SELECT count(*) FROM later").fetchone() == (0,)


def manage(home: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "CELERY", "CACHE"))}
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=REPOSITORY,
        env={**kept, "GIZ_HOME": str(home), "PYTHONWARNINGS": "ignore", **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.finding("security S11")
def test_migrate_makes_the_tables_as_the_owner_and_the_role_of_a_database_of_ones_own(home: Path) -> None:
    """With DATABASE_OWNER_URL, as in Compose: the role of DATABASE_URL need not exist before, nor have a right."""
    with server_in(home) as server, connect(server, SUPERUSER) as admin:
        admin.execute("CREATE ROLE boss LOGIN CREATEROLE")
        admin.execute("CREATE DATABASE own OWNER boss")
        where = f"@/own?host={server.socket_dir}"
        environment = {
            "DATABASE_URL": f"postgresql://clerk:secret-of-clerk{where}",
            "DATABASE_OWNER_URL": f"postgresql://boss{where}",
            "SECRET_KEY": secrets.token_urlsafe(48),
            "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
            "CACHE_URL": "redis://127.0.0.1:1/1",
        }
        done = manage(home, "migrate", "--no-input", **environment)
        assert done.returncode == 0, done.stderr
        with psycopg.connect(host=str(server.socket_dir), user="clerk", dbname="own", autocommit=True) as clerk:
            owners = clerk.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'").fetchall()
            assert owners == [("boss",)]
            assert clerk.execute("SELECT count(*) FROM labeling_vote").fetchone() == (0,)
            clerk.execute("INSERT INTO core_auditevent (action, subject, detail) VALUES ('a', '', '{}')")
            for statement in ("TRUNCATE labeling_vote", "DELETE FROM core_auditevent", "DROP TABLE labeling_vote"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    clerk.execute(statement)
        stored = admin.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'clerk'").fetchone()
        assert stored is not None
        assert str(stored[0]).startswith("SCRAM-SHA-256")
        checked = manage(home, "check", "--database", "default", **environment)
        assert "giz.W003" not in checked.stderr, checked.stderr
        alone = {**environment, "DATABASE_URL": environment["DATABASE_OWNER_URL"], "DATABASE_OWNER_URL": ""}
        assert "giz.W003" in manage(home, "check", "--database", "default", **alone).stderr
