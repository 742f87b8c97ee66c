"""What an account remembers of the comparison page: known names, sensible values, merged."""

from typing import Any

import pytest
from django.test import Client

from giz.accounts.erasure import account_erase
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
        ({"settled_seen": "0001-01-01T00:00:00+23:59"}, "validation_error"),
        ({"settled_seen": "9999-12-31T23:59:59-23:59"}, "validation_error"),
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


@pytest.mark.parametrize("zone", ["+23:59", "-16:00"])
def test_a_time_in_a_zone_that_postgresql_refuses_is_that_time(alice_client: Client, zone: str) -> None:
    seen = {"preferences": {"settled_seen": f"2026-12-01T12:00:00{zone}"}}
    assert alice_client.patch("/api/v1/me/", seen, content_type="application/json").status_code == 200
    assert alice_client.get("/api/v1/me/settled/").status_code == 200


def test_a_request_that_was_on_its_way_writes_nothing_to_an_erased_account(alice: User) -> None:
    account_erase(user=User.objects.get(pk=alice.pk))
    with pytest.raises(Refused) as refused:
        preferences_update(user=alice, prefs={"theme": "dark"})
    assert refused.value.code == "not_authenticated"
    alice.refresh_from_db()
    assert alice.preferences == {}
