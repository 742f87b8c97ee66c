"""The Celery application."""

import os
from typing import Any

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "giz.settings")

app = Celery("giz")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def refuse_unsafe_settings(**_signal: Any) -> None:
    """Check a worker's settings too: it signs links with the same key as the site."""
    from giz.core.checks import exit_where_unsafe

    exit_where_unsafe()


signals.worker_init.connect(refuse_unsafe_settings)
# Otherwise only the thread that made the app would find it, not the other threads of a web server.
app.set_default()
