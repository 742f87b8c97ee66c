"""Addresses of the embedded servers of one GIZ_HOME; pure, for settings.py: nothing is started or contacted."""

from pathlib import Path

from giz.embedded.layout import Layout

DATABASE_NAME = "giz"
DATABASE_USER = "giz"
POSTGRES_PORT = 5432


def postgres_settings(socket_folder: Path) -> dict[str, str]:
    """Django's connection values of an embedded PostgreSQL whose socket lies in ``socket_folder``."""
    return {
        "NAME": DATABASE_NAME,
        "USER": DATABASE_USER,
        "PASSWORD": "",
        "HOST": str(socket_folder),
        "PORT": str(POSTGRES_PORT),
    }


def postgres_url(socket_folder: Path) -> str:
    return f"postgresql://{DATABASE_USER}@/{DATABASE_NAME}?host={socket_folder}"


def embedded_postgres_settings(giz_home: Path) -> dict[str, str]:
    return postgres_settings(Layout(giz_home).postgres_sockets)


def default_database_url(giz_home: Path) -> str:
    return postgres_url(Layout(giz_home).postgres_sockets)


def default_broker_url(giz_home: Path) -> str:
    """Celery's address: database 0 of Valkey."""
    return f"redis+socket://{Layout(giz_home).valkey_socket}?virtual_host=0"


def default_cache_url(giz_home: Path) -> str:
    """The cache's address: database 1 of Valkey, so that clearing the cache leaves the queues alone."""
    return f"unix://{Layout(giz_home).valkey_socket}?db=1"
