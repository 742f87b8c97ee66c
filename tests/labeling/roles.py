"""Act as the role that runs the site."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from giz.embedded.layout import DATABASE_RUNTIME_USER


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
