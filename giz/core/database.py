"""A cursor for the few long statements that every labelling cycle runs: the server plans them once a connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from django.db import connection
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper


class _LoggedCursor(CursorDebugWrapper):
    """Logs the statement as it stands, with its placeholders: one that is prepared holds no values."""

    @contextmanager
    def debug_sql(
        self, sql: Any = None, params: Any = None, use_last_executed_query: bool = False, many: bool = False
    ) -> Iterator[None]:
        with super().debug_sql(sql, params, use_last_executed_query=False, many=many):
            yield


def prepared_cursor() -> CursorWrapper:
    """Return a cursor like ``connection.cursor()``, but its values go to the server beside the statement.

    Django writes values into the text of a statement, so that none is ever the same twice, and planning one with many
    joins costs the server more than running it. Statements need a cast where the type of a value can't be told.
    """
    connection.ensure_connection()
    cursor = cast("CursorWrapper", psycopg.Cursor(connection.connection))
    return _LoggedCursor(cursor, connection) if connection.queries_logged else CursorWrapper(cursor, connection)
