"""What every API view is built on: one error shape, strict input, pagination."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions, pagination, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import set_rollback

from giz.core.errors import Refused

# The longest number that the database can hold.
MAX_DIGITS = 18
_CODES: dict[type[exceptions.APIException], str] = {
    exceptions.NotAuthenticated: "not_authenticated",
    exceptions.AuthenticationFailed: "not_authenticated",
    exceptions.PermissionDenied: "permission_denied",
    exceptions.NotFound: "not_found",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.NotAcceptable: "not_acceptable",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.Throttled: "too_many_requests",
    exceptions.ParseError: "bad_json",
}


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer that refuses unknown fields, and booleans or non-finite values for numbers."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            writable = {name for name, field in self.fields.items() if not field.read_only}
            unknown = sorted(str(name) for name in data if name not in writable)
            if unknown:
                raise Refused(
                    "unknown_field",
                    f"Unknown field {unknown[0]!r}. Known fields: {', '.join(sorted(writable)) or 'none'}.",
                    fields={name: ["Unknown field."] for name in unknown},
                )
            numbers = (serializers.IntegerField, serializers.FloatField, serializers.DecimalField)
            for name, field in self.fields.items():
                if name not in data or not isinstance(field, numbers):
                    continue
                value = data[name]
                if isinstance(value, bool | str) or (isinstance(value, float) and not math.isfinite(value)):
                    raise serializers.ValidationError({name: ["This must be a number."]})
        return super().to_internal_value(data)


class EmptySerializer(StrictSerializer):
    """An empty object."""


class ErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), required=False
    )


def body_of(serializer: type[StrictSerializer], request: Request) -> dict[str, Any]:
    """Return the validated body of a request; query parameters are refused."""
    refuse_unknown_query(request, ())
    reader = serializer(data=request.data)
    reader.is_valid(raise_exception=True)
    return dict(reader.validated_data)


class Pagination(pagination.LimitOffsetPagination):
    default_limit = 50
    max_limit = 200

    def get_limit(self, request: Request) -> int | None:
        _refuse_unless_whole(request, self.limit_query_param, lowest=1)
        return super().get_limit(request)

    def get_offset(self, request: Request) -> int:
        _refuse_unless_whole(request, self.offset_query_param, lowest=0)
        return super().get_offset(request)


def _refuse_unless_whole(request: Request, name: str, *, lowest: int) -> None:
    """Refuse a limit or offset that is not a whole number; DRF would silently take the default."""
    text = request.query_params.get(name, str(lowest))
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS and int(text) >= lowest):
        wanted = f"This must be a whole number, {lowest} or more."
        raise Refused("validation_error", f"{name}: {wanted}", fields={name: [wanted]})


def refuse_unknown_query(request: Request, known: Sequence[str]) -> None:
    """Refuse query parameters that the view does not know: a typo must not silently return everything."""
    for name in request.query_params:
        if name not in known:
            raise Refused("unknown_filter", f"Unknown parameter {name!r}. Known: {', '.join(known) or 'none'}.")


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn every expected error into ``{code, detail, fields?}``; unexpected ones are logged and answered with 500."""
    answer = _answer_of(error)
    if isinstance(error, exceptions.ParseError) and answer is not None and _is_form(context.get("request")):
        answer.data["code"] = "bad_form"
    if answer is not None:
        set_rollback()
    return answer


def _is_form(request: Request | None) -> bool:
    return request is not None and str(request.content_type).startswith("multipart/")


def _answer_of(error: Exception) -> Response | None:
    if isinstance(error, Refused):
        headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else None
        return _answer(error.code, error.detail, error.status, fields=error.fields, headers=headers)
    if isinstance(error, Http404):
        return _answer("not_found", "Not found.", 404)
    if isinstance(error, PermissionDenied):
        return _answer("permission_denied", "You may not do this.", 403)
    if isinstance(error, RequestDataTooBig):
        return _answer("too_large", "The body is larger than 1 MB.", 413)
    if isinstance(error, OperationalError):
        return _answer(
            "unavailable",
            "The database is busy or restarting. Try again in a moment.",
            503,
            headers={"Retry-After": "5"},
        )
    if isinstance(error, exceptions.ValidationError):
        fields = _flatten(error.detail)
        first = next(iter(fields.items()))
        detail = first[1][0] if first[0] == "non_field_errors" else f"{first[0]}: {first[1][0]}"
        return _answer("validation_error", detail, 400, fields=fields)
    if isinstance(error, exceptions.APIException):
        headers = {}
        if getattr(error, "auth_header", None):
            headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
        if getattr(error, "wait", None):
            headers["Retry-After"] = str(math.ceil(error.wait))  # type: ignore[attr-defined]
        code = _CODES.get(type(error), str(error.default_code))
        return _answer(code, str(error.detail), error.status_code, headers=headers)
    return None


def _answer(
    code: str, detail: str, status: int, *, fields: Any = None, headers: dict[str, str] | None = None
) -> Response:
    body: dict[str, Any] = {"code": code, "detail": detail}
    if fields:
        body["fields"] = fields
    return Response(body, status=status, headers=headers)


def _flatten(detail: Any, prefix: str = "") -> dict[str, list[str]]:
    if isinstance(detail, Mapping):
        found: dict[str, list[str]] = {}
        for name, value in detail.items():
            found.update(_flatten(value, f"{prefix}.{name}" if prefix else str(name)))
        return found
    if isinstance(detail, list):
        if any(isinstance(entry, Mapping | list) for entry in detail):
            found = {}
            for index, entry in enumerate(detail):
                if entry:
                    found.update(_flatten(entry, f"{prefix}.{index}" if prefix else str(index)))
            return found
        return {prefix or "non_field_errors": [str(entry) for entry in detail]}
    return {prefix or "non_field_errors": [str(detail)]}
