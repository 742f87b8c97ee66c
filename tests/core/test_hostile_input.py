"""Input that nobody types ends in a refusal, never in a 500; and private answers are kept by nobody."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from rest_framework.exceptions import ParseError

from giz.core.parsers import StrictJSONParser
from giz.core.staff_admin import StaffAdmin


class Stream:
    def __init__(self, text: str | bytes) -> None:
        self.raw = text if isinstance(text, bytes) else text.encode()

    def read(self) -> bytes:
        return self.raw


@pytest.mark.finding("security S15", "abuse A29")
@pytest.mark.parametrize(
    "text",
    [
        r'"\ud800"',
        r'["\udfff"]',
        r'{"\uDBFF": 1}',
        r'{"a": ["\ud83d\u0041"]}',
        b'"\xed\xa0\x80"',
        "9223372036854775808",
        "-9223372036854775809",
        "1" + 400 * "0",
        "-1" + 5000 * "0",
        "1e400",
        "-1e99999",
        "NaN",
        "Infinity",
        '"\\u0000"',
        "[" * 100_000,
        '{"a": 1, "a": 2}',
        b"\xff\xfe1\x00",
    ],
)
def test_what_can_not_be_stored_is_no_json_of_ours(text: str | bytes) -> None:
    with pytest.raises(ParseError):
        StrictJSONParser().parse(Stream(text))


@pytest.mark.finding("security S15")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\ud83c\udf00 \u00e9"', "🌀 é"),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775807", -(2**63) + 1),
        ("1e308", 1e308),
        ("0.1", 0.1),
        (r'"a\\ud800"', r"a\ud800"),
    ],
)
def test_what_can_be_stored_is_read(text: str, value: Any) -> None:
    assert StrictJSONParser().parse(Stream(text)) == value


@pytest.mark.finding("security S15", "abuse A29")
@pytest.mark.parametrize("said", [r'{"hints_seen": ["\ud800"]}', '{"zoom": 1' + 400 * "0" + "}", '{"zoom": 1e400}'])
def test_preferences_that_can_not_be_stored_are_refused(alice_client: Client, said: str) -> None:
    answer = alice_client.patch("/api/v1/me/", f'{{"preferences": {said}}}', content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")


@pytest.mark.finding("flow F18")
@pytest.mark.parametrize("name", ["limit", "offset"])
@pytest.mark.parametrize("value", ["abc", "-1", "", "1.5", "٣", "9" * 30, "%00", "1e3"])
def test_a_count_that_is_none_is_refused(alice_client: Client, name: str, value: str) -> None:
    answer = alice_client.get(f"/api/v1/me/votes/?{name}={value}")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
    assert name in answer.json()["fields"]


@pytest.mark.finding("flow F18")
def test_a_limit_of_none_at_all_is_refused_and_an_offset_of_none_is_the_beginning(alice_client: Client) -> None:
    assert alice_client.get("/api/v1/me/votes/?limit=0").status_code == 400
    assert alice_client.get("/api/v1/me/votes/?offset=0&limit=1").status_code == 200


def staff_lists() -> list[str]:
    return sorted(
        f"admin:{model._meta.app_label}_{model._meta.model_name}"
        for model, page in admin.site._registry.items()
        if isinstance(page, StaffAdmin)
    )


BAD_FILTERS = (
    *("created_at__contains=%00", "created_at__regex=(", "created_at__iregex=[", "state__exact=%00", "origin=%00"),
    *(
        "kind=%00",
        "at__year=99999",
        "created_at__year=99999",
        "created_at__gte=%00",
        "pk__exact=%00",
        "id__exact=" + "9" * 40,
    ),
    *("q=%00", "o=%00", "p=99999999999999999999", "p=-1", "o=99999999999999", "campaign__id__exact=" + "9" * 40),
    *("kind__regex=(", "name__iregex=[", "%00=1", "created_at__gte=" + "9" * 300, "at__gte=x", "at__month=99"),
)


@pytest.mark.finding("security S15")
@pytest.mark.parametrize("name", staff_lists())
def test_no_filter_of_a_staff_list_ends_in_an_error(bob_client: Client, name: str) -> None:
    bob_client.raise_request_exception = False
    for query in BAD_FILTERS:
        answer = bob_client.get(f"{reverse(f'{name}_changelist')}?{query}")
        assert answer.status_code in (200, 302, 400, 403), query
        if answer.status_code == 302:
            assert bob_client.get(answer["Location"]).status_code == 200, query


@pytest.mark.finding("security S15")
@pytest.mark.parametrize("name", staff_lists())
def test_no_key_of_a_staff_page_ends_in_an_error(bob_client: Client, name: str) -> None:
    bob_client.raise_request_exception = False
    for key in ("not-an-id", "%00", "9" * 40, "_5F", "1/2", "\ufffd"):
        page = reverse(f"{name}_changelist")
        for answer in (
            bob_client.post(f"{page}{key}/press/anything/"),
            bob_client.get(f"{page}{key}/change/"),
            bob_client.get(f"{page}{key}/history/"),
        ):
            assert answer.status_code in (302, 403, 404), (key, answer.request["PATH_INFO"])


@pytest.mark.finding("security S16", "abuse A30")
@pytest.mark.parametrize(
    "path", ["/api/v1/me/", "/api/v1/me/votes/", "/api/v1/tasks/", "/api/v1/nothing/", "/accounts/email/"]
)
def test_no_browser_or_proxy_keeps_what_is_one_persons(alice_client: Client, path: str) -> None:
    assert "no-store" in alice_client.get(path)["Cache-Control"]
    assert "private" in alice_client.get(path)["Cache-Control"]


@pytest.mark.finding("security S16")
def test_what_is_for_everybody_may_still_be_kept(client: Client, db: None) -> None:
    assert "max-age" in client.get("/api/v1/predict/examples/")["Cache-Control"]
