"""What we ask of the database beyond Django's ORM: prepared statements, long reading transactions, its schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from django.db import connection, transaction
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper
from django.db.migrations.executor import MigrationExecutor


class _LoggedCursor(CursorDebugWrapper):
    """Logs the statement with its placeholders, because a prepared statement holds no values."""

    @contextmanager
    def debug_sql(
        self, sql: Any = None, params: Any = None, use_last_executed_query: bool = False, many: bool = False
    ) -> Iterator[None]:
        with super().debug_sql(sql, params, use_last_executed_query=False, many=many):
            yield


def prepared_cursor() -> CursorWrapper:
    """Return a cursor like ``connection.cursor()`` that sends values separately, so that statements are prepared.

    Django writes values into the text of a statement, so no statement comes twice, and planning one with many joins
    costs the server more than running it. Statements need a cast where PostgreSQL can't infer the type of a value.
    """
    connection.ensure_connection()
    cursor = cast("CursorWrapper", psycopg.Cursor(connection.connection))
    return _LoggedCursor(cursor, connection) if connection.queries_logged else CursorWrapper(cursor, connection)


@contextmanager
def reading_snapshot() -> Iterator[None]:
    """Open a transaction that sees the data of one moment and may read and compute for a long time.

    Inside another transaction the isolation level can no longer be chosen: then that transaction is used as it is.
    """
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if is_outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield


def plan_for_whole_tables() -> None:
    """Make the planner read whole tables in this transaction.

    Where it expects few rows, as in tables that were filled a moment ago, it would look up each row through an index,
    which takes minutes for a million.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL cursor_tuple_fraction = 1")
        cursor.execute("SET LOCAL enable_nestloop = off")


def missing_migrations() -> int:
    """Return how many migrations of this version the database lacks."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
