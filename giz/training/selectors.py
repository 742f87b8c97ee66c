"""Which networks answer, and what was promoted when."""

from typing import Any

from django.core.cache import cache
from django.db.models import OuterRef, QuerySet, Subquery

from giz.training.models import ModelVersion, Promotion, TrainingRun
from giz.training.nn.names import OURS
from giz.training.promotions import Step, served_stack

RETRAINING_KEY = "training-retraining"


def training_runs() -> QuerySet[TrainingRun]:
    """Every run with its job and what it made, the newest first."""
    return TrainingRun.objects.select_related("job", "version")


def served_model(role: str = OURS) -> ModelVersion | None:
    """The version that answers in this role; None where nothing was ever promoted."""
    newest = Promotion.objects.filter(role=role).select_related("version").order_by("-id").first()
    return newest.version if newest else None


def answering_models() -> dict[str, ModelVersion]:
    """The version that answers in each role, by role: "ours", and "model4", "model41" and so on beside it."""
    newest = Promotion.objects.order_by("role", "-id").distinct("role").select_related("version")
    return {promotion.role: promotion.version for promotion in newest}


def versions_with_answering() -> QuerySet[ModelVersion]:
    """Every version; `newest_id` is that of the version which answers where this one last did, None if it never did."""
    role = Promotion.objects.filter(version=OuterRef(OuterRef("pk"))).order_by("-id").values("role")[:1]
    newest = Promotion.objects.filter(role=Subquery(role)).order_by("-id").values("version_id")[:1]
    return ModelVersion.objects.select_related("run").annotate(newest_id=Subquery(newest))


def retraining_said() -> dict[str, Any] | None:
    """What scheduled retraining said last, and when; None where it never ran."""
    said: dict[str, Any] | None = cache.get(RETRAINING_KEY)
    return said


def served_before(role: str = OURS) -> ModelVersion | None:
    """The version that a rollback brings back; None where the served one is the first."""
    stack = served_stack([Step(*row) for row in Promotion.objects.filter(role=role).order_by("id").values_list(
        "version_id", "kind"
    )])  # fmt: skip
    return ModelVersion.objects.get(pk=stack[-2]) if len(stack) > 1 else None
