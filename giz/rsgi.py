"""RSGI entry point of the web processes: what `manage.py up` and Compose serve (docs/decisions/0026)."""

import resource

from django.conf import settings

from giz import env
from giz.front.bridge import Front
from giz.wsgi import application as django_application

# Each connection takes a file descriptor; processes start with 1,024 and may have far more.
_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(_soft, 16_384), _hard) if _hard > 0 else _soft, _hard))

application = Front(
    django_application,
    threads=env.integer("WEB_THREADS", 4, minimum=1, maximum=64),
    trusted_proxies=settings.TRUSTED_PROXY_COUNT,
)
