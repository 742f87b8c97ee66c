"""Display preferences stored with an account."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils.dateparse import parse_datetime

from giz.accounts.models import User
from giz.core.errors import Refused
from giz.core.vocabulary import COLOUR_FIRST

THEMES = ("system", "light", "dark")
MIN_ZOOM, MAX_ZOOM = 0.5, 8
MAX_HINTS = 100
MAX_HINT_LENGTH = 40


def _problem(name: str, value: Any) -> str:
    """Return what this preference must be; empty where the value is valid."""
    if name == "theme":
        return "" if value in THEMES else f"one of {', '.join(THEMES)}"
    if name == "band":
        return "" if value in COLOUR_FIRST else f"one of {', '.join(COLOUR_FIRST)}"
    if name in ("invert", "show_keys"):
        return "" if isinstance(value, bool) else "true or false"
    if name == "zoom":
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return "" if is_number and MIN_ZOOM <= value <= MAX_ZOOM else f"a number from {MIN_ZOOM} to {MAX_ZOOM}"
    if name == "settled_seen":
        return "" if aware_time(value) else "a time with its zone, like 2026-12-01T12:00:00Z"
    is_hints = isinstance(value, list) and len(value) <= MAX_HINTS
    is_short = is_hints and all(isinstance(hint, str) and len(hint) <= MAX_HINT_LENGTH for hint in value)
    return "" if is_short else f"a list of at most {MAX_HINTS} names"


def aware_time(value: Any) -> datetime | None:
    """Return the time that this text names with its zone, in UTC; None for anything else.

    PostgreSQL refuses zones of 16 hours and more, and Python times that UTC puts outside the years 1 to 9999.
    """
    try:
        time = parse_datetime(value) if isinstance(value, str) else None
        return time.astimezone(UTC) if time is not None and time.utcoffset() is not None else None
    except (ValueError, OverflowError):
        return None


PREFERENCES = ("theme", "band", "invert", "zoom", "show_keys", "hints_seen", "settled_seen")


def preferences_update(*, user: User, prefs: Mapping[str, Any]) -> dict[str, Any]:
    """Merge display preferences into the user's and return them all; unknown names and values are refused."""
    fields = {}
    for name, value in prefs.items():
        if name not in PREFERENCES:
            raise Refused(
                "unknown_field",
                f"Unknown preference {name!r}. Known: {', '.join(PREFERENCES)}.",
                fields={f"preferences.{name}": ["Unknown preference."]},
            )
        wanted = _problem(name, value)
        if wanted:
            fields[f"preferences.{name}"] = [f"This must be {wanted}."]
    if fields:
        first = next(iter(fields))
        raise Refused("validation_error", f"{first}: {fields[first][0]}", fields=fields)
    with transaction.atomic():
        locked = User.objects.locked(user)
        known = {name: value for name, value in locked.preferences.items() if name in PREFERENCES}
        locked.preferences = {**known, **prefs}
        locked.save(update_fields=["preferences"])
    user.preferences = locked.preferences
    return dict(locked.preferences)
