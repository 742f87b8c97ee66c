"""Request bodies of the labelling API, read strictly."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from giz.core.api import StrictSerializer
from giz.core.vocabulary import COLOUR_FIRST
from labeling.models import Reason
from labeling.rules import MAX_COMMENT, MAX_SHOWN_MS
from labeling.services.votes import SAID

# Of the token of a round of practice.
MAX_TOKEN = 4_000


class TextUUIDField(serializers.UUIDField):
    """A UUID as text; DRF would accept any whole number."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class TraceStepSerializer(serializers.Serializer[Any]):
    step = serializers.ChoiceField(choices=["A", "B"])
    window = serializers.IntegerField(required=False, help_text="first bin of the window in degrees, step B only")
    draws = serializers.ListField(
        child=serializers.IntegerField(allow_null=True), help_text="nine draw numbers, null where a panel is left out"
    )
    slot = serializers.IntegerField(help_text="0 to the number of visible panels")


class TraceSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    steps = TraceStepSerializer(many=True)


@extend_schema_field(TraceSerializer)
class TraceField(serializers.JSONField):
    """Any JSON; `labeling.comparison` checks it strictly."""


class TaskLeaseSerializer(StrictSerializer):
    campaign = serializers.CharField(max_length=60)
    held = serializers.ListField(child=TextUUIDField(), max_length=20, default=list)


class TasksReleaseSerializer(StrictSerializer):
    tasks = serializers.ListField(child=TextUUIDField(), max_length=20)


class VoteRecordSerializer(StrictSerializer):
    key = TextUUIDField()
    task = TextUUIDField()
    trace = TraceField(allow_null=True, default=None)
    verdict = serializers.ChoiceField(choices=list(SAID))
    reasons = serializers.ListField(
        child=serializers.ChoiceField(choices=Reason.choices), max_length=len(Reason), default=list
    )
    comment = serializers.CharField(max_length=MAX_COMMENT, allow_blank=True, default="")
    shown_ms = serializers.IntegerField(
        min_value=0,
        max_value=MAX_SHOWN_MS,
        allow_null=True,
        required=False,
        help_text="milliseconds that the galaxy was on screen; without it the time since the lease counts",
    )


class RoundBeginSerializer(StrictSerializer):
    kind = serializers.ChoiceField(choices=["free", "daily"], default="free")
    after = serializers.CharField(
        max_length=MAX_TOKEN, allow_blank=True, default="", help_text="token of the round before: other galaxies come"
    )


class RoundKeepSerializer(StrictSerializer):
    token = serializers.CharField(max_length=MAX_TOKEN)


class PracticeJudgeSerializer(RoundKeepSerializer):
    trace = TraceField(allow_null=True, default=None)
    verdict = serializers.ChoiceField(choices=list(SAID))
    reasons = serializers.ListField(
        child=serializers.ChoiceField(choices=Reason.choices), max_length=len(Reason), default=list
    )


class PreferencesSerializer(serializers.Serializer[Any]):
    theme = serializers.ChoiceField(choices=["system", "light", "dark"], required=False)
    band = serializers.ChoiceField(choices=COLOUR_FIRST, required=False)
    invert = serializers.BooleanField(required=False)
    zoom = serializers.FloatField(required=False)
    show_keys = serializers.BooleanField(required=False)
    hints_seen = serializers.ListField(child=serializers.CharField(), required=False)
    settled_seen = serializers.DateTimeField(required=False, help_text="until when settled galaxies have been shown")


@extend_schema_field(PreferencesSerializer)
class PreferencesField(serializers.DictField):
    """giz.accounts.services.preferences_update checks names and values."""


class MeUpdateSerializer(StrictSerializer):
    preferences = PreferencesField()
