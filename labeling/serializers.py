"""The shapes of the labelling API: what is read strictly, and what is answered (for the schema and its types)."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from giz.core.api import StrictSerializer
from labeling.models import Reason
from labeling.rules import MAX_COMMENT
from labeling.services.votes import SAID


class TextUUIDField(serializers.UUIDField):
    """A UUID as text; DRF would take any whole number for one."""

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
    """Any JSON here; labeling.comparison reads it strictly."""


class TaskLeaseSerializer(StrictSerializer):
    campaign = serializers.CharField(max_length=60)
    held = serializers.ListField(child=TextUUIDField(), max_length=20, default=list)


class VoteRecordSerializer(StrictSerializer):
    key = TextUUIDField()
    task = TextUUIDField()
    trace = TraceField(allow_null=True, default=None)
    verdict = serializers.ChoiceField(choices=list(SAID))
    reasons = serializers.ListField(
        child=serializers.ChoiceField(choices=Reason.choices), max_length=len(Reason), default=list
    )
    comment = serializers.CharField(max_length=MAX_COMMENT, allow_blank=True, default="")


class PreferencesSerializer(serializers.Serializer[Any]):
    theme = serializers.ChoiceField(choices=["system", "light", "dark"], required=False)
    band = serializers.ChoiceField(choices=["gri", "g", "r", "i"], required=False)
    invert = serializers.BooleanField(required=False)
    zoom = serializers.FloatField(required=False)
    show_keys = serializers.BooleanField(required=False)
    hints_seen = serializers.ListField(child=serializers.CharField(), required=False)


@extend_schema_field(PreferencesSerializer)
class PreferencesField(serializers.DictField):
    """giz.accounts.services.preferences_update checks names and values."""


class MeUpdateSerializer(StrictSerializer):
    preferences = PreferencesField()


class CountsSerializer(serializers.Serializer[Any]):
    votes = serializers.IntegerField()
    rejected = serializers.IntegerField()


class MeSerializer(serializers.Serializer[Any]):
    volunteer = serializers.CharField(allow_null=True)
    role = serializers.ChoiceField(choices=["volunteer", "supervisor", "staff"], allow_null=True)
    counts = CountsSerializer()
    preferences = PreferencesSerializer()


class TaskTargetSerializer(serializers.Serializer[Any]):
    label = serializers.CharField()  # type: ignore[assignment]
    images = serializers.DictField(child=serializers.CharField(), help_text="band → stem")
    sizes_px = serializers.ListField(child=serializers.IntegerField())
    image_path = serializers.CharField(help_text="address with {stem} and {size}")


class TaskSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    campaign = serializers.CharField()
    standard_set = serializers.IntegerField()
    due_at = serializers.DateTimeField()
    target = TaskTargetSerializer()
    sources = serializers.DictField(child=serializers.IntegerField(), help_text="grid bin → bin that fills it")
    orders = serializers.DictField(
        child=serializers.ListField(child=serializers.IntegerField()), help_text="source bin → order of its standards"
    )


class DueSerializer(serializers.Serializer[Any]):
    due_at = serializers.DateTimeField()


class SkippedSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    state = serializers.CharField()


class VoteSerializer(serializers.Serializer[Any]):
    key = serializers.UUIDField()
    task = serializers.UUIDField()
    verdict = serializers.ChoiceField(choices=["A", "F", "J"])
    inclination_deg = serializers.FloatField(allow_null=True)
    created_at = serializers.DateTimeField()
    undo_until = serializers.DateTimeField()
    replayed = serializers.BooleanField()


class UndoSerializer(serializers.Serializer[Any]):
    task = TaskSerializer()


class OwnVoteSerializer(serializers.Serializer[Any]):
    key = serializers.UUIDField()
    campaign = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    thumbnail = serializers.CharField(allow_null=True)
    standing = serializers.ChoiceField(choices=["counted", "repeat", "superseded", "surplus"])
    verdict = serializers.ChoiceField(choices=["A", "F", "J"])
    inclination_deg = serializers.FloatField(allow_null=True)
    reasons = serializers.ListField(child=serializers.CharField())
    comment = serializers.CharField()
    created_at = serializers.DateTimeField()
    can_undo = serializers.BooleanField()


class OwnVotesSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = OwnVoteSerializer(many=True)


class CampaignSetSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    version = serializers.IntegerField()


class CampaignSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    state = serializers.ChoiceField(choices=["open", "paused"])
    standard_set = CampaignSetSerializer()
    overlap = serializers.IntegerField()
    galaxies = serializers.IntegerField()
    retired = serializers.IntegerField()
    votes = serializers.IntegerField()


class StatsSerializer(serializers.Serializer[Any]):
    volunteers = serializers.IntegerField()
    galaxies = serializers.IntegerField()
    votes = serializers.IntegerField()
