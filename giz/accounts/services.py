"""What an account remembers for its owner."""

import math
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from giz.accounts.models import User
from giz.core.errors import Refused

THEMES = ("system", "light", "dark")
BANDS = ("gri", "g", "r", "i")
MIN_ZOOM, MAX_ZOOM = 0.5, 8
MAX_HINTS = 100
MAX_HINT_LENGTH = 40


def _problem(name: str, value: Any) -> str:
    """Why a value can't be this preference; empty where it can."""
    if name == "theme":
        return "" if value in THEMES else f"one of {', '.join(THEMES)}"
    if name == "band":
        return "" if value in BANDS else f"one of {', '.join(BANDS)}"
    if name in ("invert", "show_keys"):
        return "" if isinstance(value, bool) else "true or false"
    if name == "zoom":
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        return "" if is_number and MIN_ZOOM <= value <= MAX_ZOOM else f"a number from {MIN_ZOOM} to {MAX_ZOOM}"
    is_hints = isinstance(value, list) and len(value) <= MAX_HINTS
    is_short = is_hints and all(isinstance(hint, str) and len(hint) <= MAX_HINT_LENGTH for hint in value)
    return "" if is_short else f"a list of at most {MAX_HINTS} names"


PREFERENCES = ("theme", "band", "invert", "zoom", "show_keys", "hints_seen")


def preferences_update(*, user: User, prefs: Mapping[str, Any]) -> dict[str, Any]:
    """Merge display preferences into the user's; returns them all. Unknown names and values are refused."""
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
        locked = User.objects.select_for_update(no_key=True).only("id", "preferences").get(pk=user.pk)
        known = {name: value for name, value in locked.preferences.items() if name in PREFERENCES}
        locked.preferences = {**known, **prefs}
        locked.save(update_fields=["preferences"])
    user.preferences = locked.preferences
    return dict(locked.preferences)
