"""System checks: wrong combinations of settings are refused with a hint, before anything is served."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured


@register(Tags.security)
def deployed_settings_are_safe(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Where a database is configured, somebody deploys: then no weak key, no DEBUG, and a site address of its own."""
    if not settings.DATABASE_URL:
        return []
    problems: list[CheckMessage] = []
    if len(settings.SECRET_KEY) < 50 or settings.SECRET_KEY.startswith("django-insecure"):
        problems.append(
            Error(
                "SECRET_KEY is missing, short or marked insecure.",
                hint="Set SECRET_KEY to at least 50 random characters, e.g. from: openssl rand -base64 48",
                id="giz.E001",
            )
        )
    if settings.DEBUG:
        problems.append(Error("DEBUG is on with a configured database.", hint="Unset DEBUG.", id="giz.E002"))
    if settings.SITE_URL.startswith("http://localhost"):
        problems.append(
            Warning(
                "SITE_URL is not set: links in e-mails would point to localhost.",
                hint="Set SITE_URL to the public address, e.g. https://giz.example.org",
                id="giz.W001",
            )
        )
    return problems


def refuse_unsafe_start() -> None:
    """End a web process whose settings `deployed_settings_are_safe` calls an error: no server runs these checks."""
    errors = [problem for problem in deployed_settings_are_safe() if problem.is_serious()]
    if errors:
        raise ImproperlyConfigured(" ".join(f"{problem.msg} {problem.hint}" for problem in errors))
