"""The shapes of the prediction API: what is read strictly, and what is answered (for the schema and its types)."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from giz.core.api import StrictSerializer
from giz.core.errors import Refused
from giz.inference.services.sources import Wish, wish_of_name
from giz.inference.view import LEAST_ZOOM, MOST_ANGLE_DEG, MOST_SHIFT, MOST_ZOOM, View
from giz.training.nn.data import REASON_CODES

BANDS = ("gri", "g", "r", "i")
MOST_PGC = 10**9


class StrictFloatField(serializers.FloatField):
    """A finite number; DRF would take the text "75" and true for one inside a list."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool | str):
            self.fail("invalid")
        value = super().to_internal_value(data)
        if value != value or value in (float("inf"), float("-inf")):
            self.fail("invalid")
        return value


class TextField(serializers.CharField):
    """Text; DRF would take a number for it."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class SourceOpenSerializer(StrictSerializer):
    """One of: `pgc`; `name`; `ra_deg`, `dec_deg` and `size_arcmin`."""

    pgc = serializers.IntegerField(min_value=1, max_value=MOST_PGC, required=False)
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

    def wish(self) -> Wish:
        given = dict(self.validated_data)
        return wish_of_name(given["name"]) if "name" in given else Wish(**given)


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


class PredictedGalaxySerializer(serializers.Serializer[Any]):
    pgc = serializers.IntegerField(required=False)
    name = serializers.CharField(required=False)
    ra_deg = serializers.FloatField(required=False)
    dec_deg = serializers.FloatField(required=False)
    size_arcmin = serializers.FloatField(required=False, help_text="side of the picture on the sky")
    position_angle_deg = serializers.FloatField(required=False, help_text="of the major axis; it lies level")
    survey = serializers.CharField(required=False)
    survey_title = serializers.CharField(required=False, help_text="the survey in words")
    campaign = serializers.CharField(required=False, help_text="an open campaign that still asks for judgements of it")


class SourceSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="the key to these pictures: who does not have it finds nothing")
    state = serializers.ChoiceField(choices=["ready", "fetching", "failed"])
    code = serializers.CharField(allow_null=True, help_text="why it failed, for programs")
    detail = serializers.CharField(allow_null=True, help_text="why it failed, for people")
    galaxy = PredictedGalaxySerializer()
    size_px = serializers.IntegerField(allow_null=True, help_text="side of the smallest picture")
    bands = serializers.ListField(child=serializers.ChoiceField(choices=BANDS))
    pictures = serializers.DictField(child=serializers.CharField(), help_text="address by band")
    expires_at = serializers.DateTimeField()


class ExampleSerializer(serializers.Serializer[Any]):
    pgc = serializers.IntegerField()
    name = serializers.CharField()
    picture_url = serializers.CharField()


@extend_schema_field({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2})
class PairField(serializers.ListField):
    """Two numbers."""


class PredictionModelSerializer(serializers.Serializer[Any]):
    version = serializers.CharField()
    network = serializers.CharField()
    trained_on = serializers.CharField()
    card_url = serializers.CharField()


class RejectionSerializer(serializers.Serializer[Any]):
    probability = serializers.FloatField(allow_null=True)
    reason = serializers.ChoiceField(choices=REASON_CODES, allow_null=True, help_text="the likeliest")
    reasons = serializers.DictField(child=serializers.FloatField(), help_text="probability by code")


class OpinionSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    inclination_deg = serializers.FloatField(allow_null=True)
    interval_68_deg = PairField(allow_null=True)
    rejection_probability = serializers.FloatField(allow_null=True)


class ModelOpinionSerializer(OpinionSerializer):
    version = serializers.CharField()


class DisagreementSerializer(serializers.Serializer[Any]):
    is_alarming = serializers.BooleanField()
    spread_deg = serializers.FloatField(
        help_text="between networks that say an inclination; where only one does, between the views"
    )


class EllipseSerializer(serializers.Serializer[Any]):
    axial_ratio = serializers.FloatField()
    angle_deg = serializers.FloatField(help_text="of the major axis in the view, clockwise from level")
    centre = PairField(help_text="shares of the view's side from its upper left")
    semi_major = serializers.FloatField(help_text="share of the view's side")
    is_measured = serializers.BooleanField(help_text="false: nothing was found on the picture, the usual place")


class PanelSerializer(serializers.Serializer[Any]):
    inclination_deg = serializers.FloatField()
    pgc = serializers.IntegerField()
    picture_url = serializers.CharField()
    rotation_deg = serializers.FloatField(help_text="turn the picture clockwise by this")
    zoom = serializers.FloatField()


class GridSerializer(serializers.Serializer[Any]):
    set_id = serializers.IntegerField()
    place = serializers.IntegerField(help_text="slot: 0 left of the first panel, 9 right of the last")
    panels = PanelSerializer(many=True)


class PredictionSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    model = PredictionModelSerializer()
    inclination_deg = serializers.FloatField(allow_null=True)
    sigma_deg = serializers.FloatField(allow_null=True)
    interval_68_deg = PairField(allow_null=True)
    interval_95_deg = PairField(allow_null=True)
    rejection = RejectionSerializer()
    models = ModelOpinionSerializer(many=True, help_text="each network that answers, the served one first")
    views = OpinionSerializer(many=True, help_text="the served network on all bands (`all`), then on each band alone")
    disagreement = DisagreementSerializer()
    ellipse = EllipseSerializer(allow_null=True)
    grid = GridSerializer(allow_null=True)
    seen = serializers.DictField(child=serializers.CharField(), help_text="what the network saw, data URL by band")
    judge_url = serializers.CharField(allow_null=True)


class StraightAnswerSerializer(PredictionSerializer):
    galaxy = PredictedGalaxySerializer()
    pictures = serializers.DictField(child=serializers.CharField(), help_text="address by band; empty for uploads")


class ModelCardSerializer(serializers.Serializer[Any]):
    version = serializers.CharField()
    sha256 = serializers.CharField()
    network = serializers.CharField()
    byte_count = serializers.IntegerField()
    card = serializers.DictField(help_text="data, versions and settings, as in the file")
    report = serializers.DictField(help_text="figures on the test galaxies")
    created_at = serializers.DateTimeField()


class PredictErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), required=False
    )
