"""Answers of the API: one dataclass gives both the JSON and the schema."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from rest_framework import serializers

from giz.core.answers import json_of, schema_of

KEY = UUID(int=7)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class OptionsSerializer(serializers.Serializer[Any]):
    theme = serializers.CharField(required=False)


@dataclass(frozen=True, slots=True)
class InnerAnswer:
    label: str
    numbers: dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class OuterAnswer:
    key: UUID
    at: datetime
    verdict: Literal["A", "F"]
    error_deg: Annotated[float | None, "standard error"]
    inner: InnerAnswer | None
    several: list[InnerAnswer]
    options: Annotated[dict[str, Any], OptionsSerializer]


def test_the_json_has_the_fields_in_their_order_and_nested_answers_as_objects() -> None:
    inner = InnerAnswer("one", {"60": [3, 1]})
    found = json_of(OuterAnswer(KEY, NOON, "A", None, inner, [inner], {"theme": "dark"}))
    plain = {"label": "one", "numbers": {"60": [3, 1]}}
    assert list(found) == ["key", "at", "verdict", "error_deg", "inner", "several", "options"]
    assert found["inner"] == plain
    assert found["several"] == [plain]
    assert found["options"] == {"theme": "dark"}
    assert json_of([inner]) == [plain]
    assert json_of(None) is None


def test_the_schema_names_kind_choices_help_and_what_may_be_null() -> None:
    fields = schema_of(OuterAnswer)().fields
    assert schema_of(OuterAnswer).__name__ == "OuterSerializer"
    assert {name for name, field in fields.items() if field.allow_null} == {"error_deg", "inner"}
    assert isinstance(fields["at"], serializers.DateTimeField)
    assert list(fields["verdict"].choices) == ["A", "F"]
    assert fields["error_deg"].help_text == "standard error"
    assert list(fields["inner"].fields) == ["label", "numbers"]
    assert isinstance(fields["inner"].fields["numbers"].child.child, serializers.IntegerField)
    assert isinstance(fields["several"].child, schema_of(InnerAnswer))
    assert isinstance(fields["options"], OptionsSerializer)
