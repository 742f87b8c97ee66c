"""WSGI entry point of the web processes."""

import os

from django.core.wsgi import get_wsgi_application

import giz.celery  # noqa: F401 - else tasks would be sent to a broker that Celery makes up
from giz.core.checks import refuse_unsafe_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "giz.settings")
application = get_wsgi_application()
refuse_unsafe_start()
