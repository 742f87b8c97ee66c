"""The request bodies of the prediction API, and the responses that no dataclass declares."""

from typing import Any

from rest_framework import serializers

from giz.catalog.formats.numbers import LAST_OWN_NUMBER
from giz.core.answers import schema_of
from giz.core.api import StrictSerializer
from giz.core.errors import Refused
from giz.inference.services.documents import PredictedGalaxySerializer, PredictionAnswer
from giz.inference.services.queries import GalaxyQuery, query_of_name
from giz.inference.view import LEAST_ZOOM, MOST_ANGLE_DEG, MOST_SHIFT, MOST_ZOOM, View


class StrictFloatField(serializers.FloatField):
    """A finite number; inside a list DRF would accept the text "75" and true."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool | str):
            self.fail("invalid")
        value = super().to_internal_value(data)
        if value != value or value in (float("inf"), float("-inf")):
            self.fail("invalid")
        return value


class TextField(serializers.CharField):
    """Text; DRF would accept a number."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class SourceOpenSerializer(StrictSerializer):
    """One of: `pgc`; `name`; `ra_deg`, `dec_deg` and `size_arcmin`."""

    pgc = serializers.IntegerField(min_value=1, max_value=LAST_OWN_NUMBER, required=False)
    name = TextField(max_length=80, required=False)
    ra_deg = serializers.FloatField(min_value=0, max_value=359.9999999, required=False)
    dec_deg = serializers.FloatField(min_value=-90, max_value=90, required=False)
    size_arcmin = serializers.FloatField(
        min_value=0.1, max_value=120, required=False, help_text="side of the field: about twice the galaxy's diameter"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = frozenset(attrs)
        if given not in ({"pgc"}, {"name"}, {"ra_deg", "dec_deg", "size_arcmin"}):
            raise Refused("bad_wish", "Give pgc, or name, or ra_deg, dec_deg and size_arcmin; one of the three.")
        return attrs

    def query(self) -> GalaxyQuery:
        given = dict(self.validated_data)
        return query_of_name(given["name"]) if "name" in given else GalaxyQuery(**given)


class FilesSerializer(serializers.Serializer[Any]):
    """One to four pictures: the band by the field, or `file` with the band in its name or none at all."""

    file = serializers.FileField(required=False, help_text="several are allowed")
    g = serializers.FileField(required=False)
    r = serializers.FileField(required=False)
    i = serializers.FileField(required=False)
    gri = serializers.FileField(required=False, help_text="colour")


class ViewSerializer(StrictSerializer):
    angle_deg = serializers.FloatField(
        min_value=-MOST_ANGLE_DEG, max_value=MOST_ANGLE_DEG, default=0.0, help_text="turns the picture clockwise"
    )
    zoom = serializers.FloatField(min_value=LEAST_ZOOM, max_value=MOST_ZOOM, default=1.0, help_text="1: all of it")
    shift = serializers.ListField(
        child=StrictFloatField(min_value=-MOST_SHIFT, max_value=MOST_SHIFT),
        min_length=2,
        max_length=2,
        default=lambda: [0.0, 0.0],
        help_text="moves the turned and magnified picture right and down, in shares of the view's side",
    )
    is_inverted = serializers.BooleanField(default=False, help_text="greys light on dark")

    def validate_is_inverted(self, value: Any) -> bool:
        if not isinstance(self.initial_data.get("is_inverted", False), bool):
            raise serializers.ValidationError("True or false is needed here.")
        return bool(value)

    def view(self) -> View:
        asked = self.validated_data
        x, y = asked["shift"]
        return View(asked["angle_deg"], asked["zoom"], (x, y), asked["is_inverted"])


class StraightAnswerSerializer(schema_of(PredictionAnswer)):  # type: ignore[misc]
    galaxy = PredictedGalaxySerializer()
    pictures = serializers.DictField(child=serializers.CharField(), help_text="address by band; empty for uploads")


class PredictErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), required=False
    )
