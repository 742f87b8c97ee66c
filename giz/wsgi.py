"""WSGI entry point of the web processes."""

import os
import threading

from django.core.wsgi import get_wsgi_application

import giz.celery  # noqa: F401 - otherwise tasks would go to Celery's default broker
from giz.core.checks import refuse_unsafe_start
from giz.core.parsers import old_uploads_delete
from giz.imaging.decoder import decoder_warm

# Heavy numerics run in workers. For the little that requests compute: OpenBLAS's parallel routines need more stack than
# threads have by default, so OpenBLAS gets one thread (set before numpy is loaded) and later threads a large stack.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
threading.stack_size(8 * 1024 * 1024)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "giz.settings")
application = get_wsgi_application()
refuse_unsafe_start()
old_uploads_delete()
decoder_warm()
