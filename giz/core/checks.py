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


@register()
def bucket_settings_belong_together(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Half a bucket is none: pictures would go to the disk, or the bucket would refuse each of them."""
    problems: list[CheckMessage] = []
    if settings.S3_ENDPOINT_URL and not settings.S3_BUCKET:
        problems.append(
            Error(
                "S3_ENDPOINT_URL is set without S3_BUCKET: pictures would go to the disk.",
                hint="Set S3_BUCKET to the bucket's name, or unset S3_ENDPOINT_URL.",
                id="giz.E003",
            )
        )
    if bool(settings.S3_ACCESS_KEY_ID) != bool(settings.S3_SECRET_ACCESS_KEY):
        problems.append(
            Error(
                "Of S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY only one is set.",
                hint="Set both, or neither (then AWS_ variables, a profile or the machine's role serve).",
                id="giz.E004",
            )
        )
    return problems


def refuse_unsafe_start() -> None:
    """End a web process whose settings `deployed_settings_are_safe` calls an error: no server runs these checks."""
    errors = [problem for problem in deployed_settings_are_safe() if problem.is_serious()]
    if errors:
        raise ImproperlyConfigured(" ".join(f"{problem.msg} {problem.hint}" for problem in errors))
