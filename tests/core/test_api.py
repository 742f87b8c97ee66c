"""The API's one error shape, and input that must never end in a 500."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client, override_settings
from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from giz.core.api import StrictSerializer, refuse_unknown_query
from giz.core.errors import Refused


class EchoView(APIView):
    permission_classes: list[Any] = []

    class Input(StrictSerializer):
        slot = serializers.IntegerField(min_value=0, max_value=9)
        angle_deg = serializers.FloatField(required=False)
        comment = serializers.CharField(required=False, allow_blank=True, max_length=20)
        reasons = serializers.ListField(child=serializers.CharField(), required=False)

    def get(self, request: Request) -> Response:
        refuse_unknown_query(request, ["limit"])
        return Response({})

    def post(self, request: Request) -> Response:
        given = self.Input(data=request.data)
        given.is_valid(raise_exception=True)
        if given.validated_data["slot"] == 9:
            raise Refused("no_room", "There is no room at slot 9.", status=409, retry_after=7)
        return Response(given.validated_data)


class MineView(APIView):
    def post(self, request: Request) -> Response:
        return Response({})


urlpatterns = [path("echo/", EchoView.as_view()), path("mine/", MineView.as_view())]


@pytest.fixture(autouse=True)
def _these_addresses() -> Iterator[None]:
    with override_settings(ROOT_URLCONF=__name__):
        yield


def post(client: Client, body: bytes | str, content_type: str = "application/json") -> Any:
    return client.post("/echo/", body, content_type=content_type)


def test_good_input_passes(client: Client) -> None:
    answer = post(client, '{"slot": 3, "angle_deg": 59.5}')
    assert (answer.status_code, answer.json()) == (200, {"slot": 3, "angle_deg": 59.5})


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ('{"slot": 3, "is_staff": true}', 400, "unknown_field"),
        ('{"slot": true}', 400, "validation_error"),
        ('{"slot": "3"}', 400, "validation_error"),
        ('{"slot": null}', 400, "validation_error"),
        ('{"slot": 10}', 400, "validation_error"),
        ('{"slot": 9223372036854775808}', 400, "validation_error"),
        ('{"slot": 3, "angle_deg": NaN}', 400, "bad_json"),
        ('{"slot": 3, "angle_deg": Infinity}', 400, "bad_json"),
        ('{"slot": 3, "angle_deg": 1e999}', 400, "validation_error"),
        ('{"slot": 3, "comment": "a\\u0000b"}', 400, "bad_json"),
        ('{"slot": 3, "comment": "\\ud800"}', 400, "validation_error"),
        ('{"slot": 3, "slot": 4}', 400, "bad_json"),
        ('{"slot": 3, "reasons": {"a": 1}}', 400, "validation_error"),
        ("[" * 100_000, 400, "bad_json"),
        ('{"a":' * 5_000, 400, "bad_json"),
        ("", 400, "validation_error"),
        ("[1]", 400, "validation_error"),
        ("{", 400, "bad_json"),
        ('{"slot": 3}'.encode("utf-16"), 400, "bad_json"),
        ('{"slot": 9}', 409, "no_room"),
    ],
)
def test_bad_bodies_are_refused_in_one_shape(client: Client, body: bytes | str, status: int, code: str) -> None:
    answer = post(client, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content[:300]
    assert answer["Content-Type"] == "application/json"
    assert set(answer.json()) <= {"code", "detail", "fields"}
    assert isinstance(answer.json()["detail"], str)


def test_field_errors_name_the_field(client: Client) -> None:
    assert list(post(client, '{"slot": 10}').json()["fields"]) == ["slot"]


def test_a_refusal_can_say_when_to_try_again(client: Client) -> None:
    assert post(client, '{"slot": 9}')["Retry-After"] == "7"


def test_json_sent_as_text_is_refused(client: Client) -> None:
    answer = post(client, '{"slot": 3}', content_type="text/plain")
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_a_body_over_a_megabyte_is_refused_with_words(client: Client) -> None:
    answer = post(client, '{"slot": 3, "comment": "' + "x" * 1_100_000 + '"}')
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.finding("abuse A18")
def test_an_unknown_parameter_is_refused(client: Client) -> None:
    answer = client.get("/echo/?ordering=user__password")
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_filter")


def test_a_wrong_method_is_refused(client: Client) -> None:
    answer = client.delete("/echo/")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_an_absurd_accept_header_is_answered(client: Client) -> None:
    answer = client.get("/echo/", headers={"accept": "text/x," * 9_000})
    assert answer.status_code in {200, 406}


def test_a_stranger_gets_401(client: Client) -> None:
    answer = client.post("/mine/", "{}", content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_a_session_without_csrf_token_gets_403(alice: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = client.post("/mine/", "{}", content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
