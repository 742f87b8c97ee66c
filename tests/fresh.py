"""The database after a test with transactions of its own: as it was when it was new.

Django would empty every table, make content types and permissions again, and leave out what migrations wrote. Here only
rows that a test wrote go, and what a new database holds comes back with its ids.
"""

from typing import Any

import psycopg
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from giz.embedded.postgres import SUPERUSER

_REMEMBER = """
    DROP SCHEMA IF EXISTS fresh CASCADE;
    CREATE SCHEMA fresh;
    DO $$
    DECLARE
        name text;
        is_used boolean;
    BEGIN
        FOR name IN SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
            EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', name) INTO is_used;
            IF is_used THEN
                EXECUTE format('CREATE TABLE fresh.%1$I AS TABLE public.%1$I', name);
            END IF;
        END LOOP;
    END $$
"""
# As a replica, the server runs neither the triggers that keep history nor those of foreign keys.
_RESTORE = """
    SET session_replication_role = replica;
    DO $$
    DECLARE
        name text;
        has_changed boolean;
    BEGIN
        FOR name IN SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
            IF to_regclass(format('fresh.%I', name)) IS NULL THEN
                EXECUTE format('DELETE FROM public.%I', name);
            ELSE
                EXECUTE format(
                    'SELECT EXISTS ((TABLE public.%1$I EXCEPT TABLE fresh.%1$I)
                                    UNION ALL (TABLE fresh.%1$I EXCEPT TABLE public.%1$I))', name
                ) INTO has_changed;
                IF has_changed THEN
                    EXECUTE format('DELETE FROM public.%I', name);
                    EXECUTE format('INSERT INTO public.%1$I TABLE fresh.%1$I', name);
                END IF;
            END IF;
        END LOOP;
    END $$
"""


def remember_fresh_database() -> None:
    """Copy what the new database holds into a schema of its own."""
    _execute_as_superuser(_REMEMBER)


def restore_fresh_database(_test_case: Any = None) -> None:
    """Delete what a test wrote and bring back what it changed or deleted."""
    _execute_as_superuser(_RESTORE)
    ContentType.objects.clear_cache()


def _execute_as_superuser(statements: str) -> None:
    database = connection.settings_dict
    with psycopg.connect(
        host=database["HOST"], port=database["PORT"], dbname=database["NAME"], user=SUPERUSER
    ) as server:
        server.execute(statements)
