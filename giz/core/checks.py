"""System checks that refuse wrong combinations of settings before anything is served."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

# "aaaa…" is no secret; 48 random bytes in base64 have about forty different characters.
MIN_KEY_CHARACTERS = 8


@register(Tags.security)
def deployed_settings_are_safe(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Check a deployment (DATABASE_URL is set): no weak key, no DEBUG, and an address of its own."""
    if not settings.DATABASE_URL:
        return []
    problems: list[CheckMessage] = []
    key = settings.SECRET_KEY
    if len(key) < 50 or len(set(key)) < MIN_KEY_CHARACTERS or key.startswith("django-insecure"):
        problems.append(
            Error(
                "SECRET_KEY is missing, short or marked insecure, or repeats a few characters.",
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


@register(Tags.database)
def site_is_not_the_owner(app_configs: Any = None, databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Warn where the site owns its tables: an owner can disable the triggers that protect history."""
    if settings.DATABASE_OWNER or "default" not in (databases or ()):
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_class WHERE relname = 'labeling_vote' AND pg_has_role(current_user, relowner, 'USAGE')"
        )
        if cursor.fetchone() is None:
            return []
    return [
        Warning(
            "The site runs as the owner of its tables: only triggers keep it from rewriting votes and the audit trail.",
            hint="Name the owner in DATABASE_OWNER_URL for `migrate`, and another role in DATABASE_URL "
            "(docs/guides/operator.md).",
            id="giz.W003",
        )
    ]


@register()
def bucket_settings_belong_together(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the settings of the bucket are complete; otherwise pictures would go to the disk or be refused."""
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
    """Raise where `deployed_settings_are_safe` finds an error, in servers, which don't run system checks."""
    errors = [problem for problem in deployed_settings_are_safe() if problem.is_serious()]
    if errors:
        raise ImproperlyConfigured(" ".join(f"{problem.msg} {problem.hint}" for problem in errors))


def exit_where_unsafe() -> None:
    """End workers and beat likewise: Celery only logs an exception that is raised while it starts."""
    try:
        refuse_unsafe_start()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from None
