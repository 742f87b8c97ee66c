"""The registry: keep a network's file for ever, say which version answers, take that back; every step is history."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from giz.core import audit
from giz.core.errors import Refused
from giz.labelset.files import whole_file
from giz.training.models import ModelVersion, Promotion, TrainingRun
from giz.training.nn.errors import TrainingError
from giz.training.nn.names import OURS
from giz.training.nn.predictor import Predictor
from giz.training.selectors import served_before, served_model
from giz.training.storage import SHIPPED_FILE, model_path, models_folder


def model_register(
    path: Path, *, card: dict[str, Any], report: dict[str, Any], run: TrainingRun | None = None
) -> ModelVersion:
    """Keep the file under its checksum and make its row; the same file again answers the row it has."""
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    kept = models_folder() / f"{digest}.onnx"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(kept) as out:
            out.write(data)
    version, _ = ModelVersion.objects.get_or_create(
        sha256=digest,
        defaults={
            "network": card["network"],
            "run": run,
            "is_shipped": run is None,
            "byte_count": len(data),
            "card": card,
            "report": report,
        },
    )
    return version


def model_promote(
    *,
    version: ModelVersion,
    why: str,
    actor: Any = None,
    kind: Promotion.Kind = Promotion.Kind.STAFF,
    gate: dict[str, Any] | None = None,
) -> Promotion:
    """Have this version answer in its role from now on. What is served already stays as it is.

    Raises
    ------
    Refused
        ``model_missing``, ``model_changed``: the file is not here, or not what was registered.
    """
    model_path(version)
    with transaction.atomic():
        role_lock(version.role)
        newest = Promotion.objects.filter(role=version.role).order_by("-id").first()
        if newest and newest.version_id == version.pk:
            return newest
        return _append(version, kind, why, actor, gate or {})


def model_rollback(*, role: str = OURS, actor: Any = None, why: str = "") -> Promotion:
    """Have the version answer again that did before the present one; once more goes one further back.

    Raises
    ------
    Refused
        ``nothing_before`` (409): the served version is the first one. ``model_missing``, ``model_changed``.
    """
    with transaction.atomic():
        role_lock(role)
        now, before = served_model(role), served_before(role)
        if now is None or before is None:
            raise Refused("nothing_before", f"No version was served as {role} before this one.", status=409)
        model_path(before)
        return _append(before, Promotion.Kind.ROLLBACK, why or f"rolled back from {now}", actor, {})


def shipped_register() -> ModelVersion | None:
    """Register the network that came with GIZ; None where none is there.

    It answers where nothing does yet, and in place of an older one that came with GIZ. What was trained here and what
    staff chose since stays: each shipped file is brought forward once.
    """
    if not SHIPPED_FILE.exists():
        return None
    digest = hashlib.sha256(SHIPPED_FILE.read_bytes()).hexdigest()
    version = ModelVersion.objects.filter(sha256=digest).first()
    if version is None or not (models_folder() / version.file_name).exists():
        try:
            card = Predictor(SHIPPED_FILE, threads=1).card
        except TrainingError as error:
            raise Refused(error.code, error.detail) from None
        version = model_register(SHIPPED_FILE, card=card, report=card.get("report", {}))
    with transaction.atomic():
        role_lock(version.role)
        served = served_model(version.role)
        if not version.promotions.exists() and (served is None or served.is_shipped):
            model_promote(version=version, kind=Promotion.Kind.SHIPPED, why="It came with this version of GIZ.")
    return version


def _append(version: ModelVersion, kind: Promotion.Kind, why: str, actor: Any, gate: dict[str, Any]) -> Promotion:
    audit.record("model_promoted", actor=actor, subject=str(version), role=version.role, kind=kind.value, why=why)
    return Promotion.objects.create(
        role=version.role,
        version=version,
        kind=kind,
        actor_number=getattr(actor, "volunteer_number", None),
        why=why,
        gate=gate,
    )


def role_lock(role: str) -> None:
    """Two promotions of one role one after the other; the lock ends with the transaction, and may be taken again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"promotion {role}"])
