"""What an account remembers of the comparison page: known names, sensible values, merged."""

from typing import Any

import pytest

from giz.accounts.models import User
from giz.accounts.services import preferences_update
from giz.core.errors import Refused

pytestmark = pytest.mark.django_db


def test_choices_are_merged_and_kept(alice: User) -> None:
    preferences_update(user=alice, prefs={"theme": "dark", "zoom": 2})
    assert preferences_update(user=alice, prefs={"band": "g"}) == {"theme": "dark", "zoom": 2, "band": "g"}
    alice.refresh_from_db()
    assert alice.preferences["band"] == "g"


@pytest.mark.parametrize(
    ("prefs", "code"),
    [
        ({"is_staff": True}, "unknown_field"),
        ({"theme": "pink"}, "validation_error"),
        ({"band": 3}, "validation_error"),
        ({"zoom": True}, "validation_error"),
        ({"zoom": float("nan")}, "validation_error"),
        ({"zoom": 1e308}, "validation_error"),
        ({"invert": "yes"}, "validation_error"),
        ({"hints_seen": ["x"] * 101}, "validation_error"),
        ({"hints_seen": ["x" * 41]}, "validation_error"),
    ],
)
def test_anything_else_is_refused_and_changes_nothing(alice: User, prefs: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as refused:
        preferences_update(user=alice, prefs={"theme": "dark", **prefs})
    assert refused.value.code == code
    alice.refresh_from_db()
    assert alice.preferences == {}
