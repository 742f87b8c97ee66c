"""The two database roles: the owner migrates the tables; the site's role can't rewrite history.

Triggers guard votes and the audit trail against every role, but the owner of a table can disable its triggers, empty it
or drop it. The role that runs the site therefore owns nothing and is granted only what the site does.
"""

import psycopg
from psycopg import sql

# Rights on tables of history besides SELECT; triggers guard them as well.
HISTORY = {
    "core_auditevent": "INSERT",
    "training_promotion": "INSERT",
    "labeling_labelset": "INSERT",
    "labeling_vote": "INSERT, UPDATE",
    "django_migrations": "",
}


def has_role(connection: "psycopg.Connection", role: str) -> bool:
    return connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is not None


def make_role(connection: "psycopg.Connection", role: str, password: str = "") -> None:
    """Create a role that may only log in; one that exists gets this password."""
    verb = "ALTER" if has_role(connection, role) else "CREATE"
    statement = sql.SQL(verb + " ROLE {} LOGIN").format(sql.Identifier(role))
    if password:
        statement += sql.SQL(" PASSWORD {}").format(sql.Literal(password))
    connection.execute(statement)


def grant_runtime(connection: "psycopg.Connection", role: str, *, owner: str) -> None:
    """Grant the role what the site does, on existing tables and on those that the owner will create."""
    name, future = sql.Identifier(role), sql.Identifier(owner)
    for statement in (
        "GRANT USAGE ON SCHEMA public TO {role}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
        "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public "
        "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
        "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {role}",
    ):
        connection.execute(sql.SQL(statement).format(role=name, owner=future))
    there = {row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    for table in sorted(there.intersection(HISTORY)):
        at = sql.Identifier("public", table)
        connection.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(at, name))
        rights = sql.SQL(", ".join(filter(None, ("SELECT", HISTORY[table]))))
        connection.execute(sql.SQL("GRANT {} ON {} TO {}").format(rights, at, name))
