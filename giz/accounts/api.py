"""The API of personal data: download everything, erase the account."""

import tempfile
import time
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from django.contrib.auth import logout
from django.http import FileResponse, HttpRequest
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from giz.accounts.erasure import account_erase
from giz.accounts.models import User
from giz.accounts.own_data import own_data
from giz.core.api import ErrorSerializer, StrictSerializer, body_of, refuse_unknown_query
from giz.core.errors import Refused
from giz.core.throttle import count_up

DOWNLOADS_AN_HOUR = 10
_IN_MEMORY = 1_000_000
ERRORS = dict.fromkeys((400, 401, 403, 409, 429), ErrorSerializer)


class EraseSerializer(StrictSerializer):
    password = serializers.CharField(
        required=False, trim_whitespace=False, help_text="required unless you have just logged in"
    )
    keep_comments = serializers.BooleanField(default=False, help_text="keep your remarks on galaxies")


class ErasedSerializer(serializers.Serializer[Any]):
    erased = serializers.BooleanField()


class OwnDataView(APIView):
    @extend_schema(operation_id="my_data", responses={200: OpenApiTypes.OBJECT, **ERRORS})
    def get(self, request: Request) -> FileResponse:
        """Everything that the site holds about you, as a JSON file. Needs a log-in within the last five minutes."""
        refuse_unknown_query(request, ())
        if not recently_authenticated(request._request):
            raise _ask_again()
        return own_data_file(signed_in(request._request))


class EraseView(APIView):
    @extend_schema(operation_id="me_erase", request=EraseSerializer, responses={200: ErasedSerializer, **ERRORS})
    def post(self, request: Request) -> Response:
        """Erase your account: the votes stay under a new number, the rest is deleted. It can't be undone."""
        said = body_of(EraseSerializer, request)
        user, django_request = signed_in(request._request), request._request
        if not recently_authenticated(django_request):
            if "password" not in said:
                raise _ask_again()
            if not get_adapter(django_request).reauthenticate(user, said["password"]):
                raise Refused("wrong_password", "Wrong password.", status=403)
        account_erase(user=user, keeps_comments=said["keep_comments"])
        logout(django_request)
        return Response({"erased": True})


def recently_authenticated(request: HttpRequest) -> bool:
    """Return whether a password or code was entered in this session in the last few minutes."""
    records = get_authentication_records(request, request.user)
    return any(time.time() - record["at"] < app_settings.REAUTHENTICATION_TIMEOUT for record in records)


def own_data_file(user: User) -> FileResponse:
    """Return the download, written to a file first: a slow client must not hold a database connection."""
    counted = count_up("own-data", str(user.pk), per_seconds=3600)
    if counted and counted.count > DOWNLOADS_AN_HOUR:
        detail = "You have downloaded your data several times in the last hour. Please try again later."
        raise Refused("too_many_requests", detail, status=429, retry_after=counted.wait_seconds)
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the response closes it
    for piece in own_data(user):
        file.write(piece.encode())
    file.seek(0)
    headers = {"Cache-Control": "no-store, private"}
    return FileResponse(
        file, as_attachment=True, filename="giz-my-data.json", content_type="application/json", headers=headers
    )


def signed_in(request: HttpRequest) -> User:
    """Return the user of a request that only logged-in users can make."""
    assert isinstance(request.user, User)
    return request.user


def _ask_again() -> Refused:
    return Refused("reauthentication_required", "Please enter your password again (at /accounts/data/).", status=403)
