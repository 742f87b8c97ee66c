"""Answers of the API: a dataclass declares a shape once; its JSON and its OpenAPI schema both come from it.

A field's type hint says what it holds: str, int, float, bool, UUID, datetime, a Literal, a list, a dict with string
keys, another such dataclass, or one of these ``| None``. ``Annotated`` adds a text that describes the field, or a
serializer that replaces what the type says.
"""

from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

from rest_framework import serializers

_PLAIN: dict[Any, type[serializers.Field[Any, Any, Any, Any]]] = {
    str: serializers.CharField,
    int: serializers.IntegerField,
    float: serializers.FloatField,
    bool: serializers.BooleanField,
    UUID: serializers.UUIDField,
    datetime: serializers.DateTimeField,
}


def json_of(answer: Any) -> Any:
    """Return an answer as data for the JSON renderer; values that are not answers stay as they are."""
    if is_dataclass(answer):
        return {field.name: json_of(getattr(answer, field.name)) for field in fields(answer)}
    return (
        [json_of(item) for item in answer]
        if isinstance(answer, list) and answer and is_dataclass(answer[0])
        else answer
    )


@cache
def schema_of(answer: type) -> type[serializers.Serializer[Any]]:
    """Return the serializer that describes a dataclass in the schema; a class ``TaskAnswer`` is called Task there."""
    hints = get_type_hints(answer, include_extras=True)
    members = {field.name: _field(hints[field.name]) for field in fields(answer)}
    name = f"{answer.__name__.removesuffix('Answer')}Serializer"
    return cast("type[serializers.Serializer[Any]]", type(name, (serializers.Serializer,), members))


def _field(hint: Any, **options: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        kind, meaning = arguments
        return _field(kind, help_text=meaning, **options) if isinstance(meaning, str) else meaning(**options)
    if origin in (Union, UnionType):
        (known,) = (kind for kind in arguments if kind is not NoneType)
        return _field(known, allow_null=True, **options)
    if origin is Literal:
        return serializers.ChoiceField(choices=list(arguments), **options)
    if origin is list and is_dataclass(arguments[0]):
        return schema_of(cast(type, arguments[0]))(many=True, **options)
    if origin is list:
        return serializers.ListField(child=_field(arguments[0]), **options)
    if origin is dict:
        return serializers.DictField(child=_field(arguments[1]), **options)
    if is_dataclass(hint):
        return schema_of(cast(type, hint))(**options)
    return _PLAIN[hint](**options)
