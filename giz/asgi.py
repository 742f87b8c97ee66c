"""ASGI entry point, for operators who prefer such a server."""

import os

from django.core.asgi import get_asgi_application

import giz.celery  # noqa: F401 - otherwise tasks would go to Celery's default broker
from giz.core.checks import refuse_unsafe_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "giz.settings")
application = get_asgi_application()
refuse_unsafe_start()
