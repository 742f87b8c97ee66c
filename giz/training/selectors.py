"""Training runs, and which networks are in service."""

from collections.abc import Iterable
from typing import Any

from django.core.cache import cache
from django.db.models import OuterRef, QuerySet, Subquery

from giz.training.models import ModelVersion, Promotion, TrainingRun
from giz.training.nn.kinds import OURS

RETRAINING_KEY = "training-retraining"


def training_runs() -> QuerySet[TrainingRun]:
    """Return every run with its job and its network, newest first."""
    return TrainingRun.objects.select_related("job", "version")


def served_model(role: str = OURS) -> ModelVersion | None:
    """Return the version in service in this role; None if none was ever promoted."""
    newest = Promotion.objects.filter(role=role).select_related("version").order_by("-id").first()
    return newest.version if newest else None


def answering_models() -> dict[str, ModelVersion]:
    """Return the version in service in each role: "ours", "model4", "model41" and so on."""
    newest = Promotion.objects.order_by("role", "-id").distinct("role").select_related("version")
    return {promotion.role: promotion.version for promotion in newest}


def versions_with_answering() -> QuerySet[ModelVersion]:
    """Return every version; `newest_id` is the version in service in this one's last role, None if it never had one."""
    role = Promotion.objects.filter(version=OuterRef(OuterRef("pk"))).order_by("-id").values("role")[:1]
    newest = Promotion.objects.filter(role=Subquery(role)).order_by("-id").values("version_id")[:1]
    return ModelVersion.objects.select_related("run").annotate(newest_id=Subquery(newest))


def retraining_said() -> dict[str, Any] | None:
    """Return what scheduled retraining reported last, and when; None if it never ran."""
    said: dict[str, Any] | None = cache.get(RETRAINING_KEY)
    return said


def served_before(role: str = OURS) -> ModelVersion | None:
    """Return the version that a rollback brings back; None if the one in service is the first."""
    stack = served_stack(Promotion.objects.filter(role=role).order_by("id").values_list("version_id", "kind"))
    return ModelVersion.objects.get(pk=stack[-2]) if len(stack) > 1 else None


def served_stack(history: Iterable[tuple[int, str]]) -> list[int]:
    """Return the versions (from version and kind of each promotion) up to the one in service.

    A rollback removes the last one, so a second rollback goes one further back instead of forth again. In any case the
    newest promotion is the version in service.
    """
    stack: list[int] = []
    for version, kind in history:
        if kind == Promotion.Kind.ROLLBACK and stack:
            stack.pop()
        if not stack or stack[-1] != version:
            stack.append(version)
    return stack
