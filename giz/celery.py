"""The Celery application: queues, JSON only, and the promise that a job's truth is its row in PostgreSQL."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "giz.settings")

app = Celery("giz")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# The current app is one of the thread that made it; a web server's other threads must find this one too.
app.set_default()
