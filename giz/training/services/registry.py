"""The registry of networks: keep their files, put versions in service, roll back; every step is recorded."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from giz.core import audit
from giz.core.errors import Refused
from giz.labelset.files import whole_file
from giz.training.models import ModelVersion, Promotion, TrainingRun
from giz.training.nn.data import TrainingError
from giz.training.nn.kinds import OURS
from giz.training.nn.predictor import Predictor
from giz.training.selectors import served_before, served_model
from giz.training.storage import SHIPPED_FILE, model_path, models_folder


def model_register(
    path: Path,
    *,
    card: dict[str, Any],
    report: dict[str, Any],
    run: TrainingRun | None = None,
    is_shipped: bool = False,
) -> ModelVersion:
    """Keep the file under its checksum and create its row; the same file again returns the existing row."""
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
            "is_shipped": is_shipped,
            "byte_count": len(data),
            "card": card,
            "report": report,
        },
    )
    return version


def file_register(path: Path, *, is_shipped: bool = False) -> ModelVersion:
    """Register a network from its file, with the card and the figures inside.

    Raises
    ------
    Refused
        ``bad_model``, ``bad_path``.
    """
    try:
        card = Predictor(path, threads=1).card
        return model_register(path, card=card, report=card.get("report", {}), is_shipped=is_shipped)
    except TrainingError as error:
        raise Refused(error.code, error.detail) from None
    except OSError as error:
        raise Refused("bad_path", f"{path} can't be read ({error.strerror}).") from None


def model_found(name: str) -> ModelVersion:
    """Return the version in service, for ``served``, or the one whose checksum begins with these characters.

    Raises
    ------
    Refused
        ``bad_checksum``: no version, or several.
    """
    served = served_model() if name == "served" else None
    found = [served] if served else list(ModelVersion.objects.filter(sha256__startswith=name.lower()))
    if len(found) != 1:
        many = "Several networks begin" if found else "No network begins"
        raise Refused("bad_checksum", f"{many} with {name!r}. manage.py models lists them all.")
    return found[0]


def model_promote(
    *,
    version: ModelVersion,
    why: str,
    actor: Any = None,
    kind: Promotion.Kind = Promotion.Kind.STAFF,
    gate: dict[str, Any] | None = None,
) -> Promotion:
    """Put this version in service in its role; nothing changes if it is already.

    Raises
    ------
    Refused
        ``model_missing``, ``model_changed``: the file is missing, or not what was registered.
    """
    model_path(version)
    with transaction.atomic():
        role_lock(version.role)
        newest = Promotion.objects.filter(role=version.role).order_by("-id").first()
        if newest and newest.version_id == version.pk:
            return newest
        return _append(version, kind, why, actor, gate or {})


def model_rollback(*, role: str = OURS, actor: Any = None, why: str = "") -> Promotion:
    """Put the previous version back in service; another rollback goes one further back.

    Raises
    ------
    Refused
        ``nothing_before`` (409): the version in service is the first one. ``model_missing``, ``model_changed``.
    """
    with transaction.atomic():
        role_lock(role)
        now, before = served_model(role), served_before(role)
        if now is None or before is None:
            raise Refused("nothing_before", f"No version was served as {role} before this one.", status=409)
        model_path(before)
        return _append(before, Promotion.Kind.ROLLBACK, why or f"rolled back from {now}", actor, {})


def shipped_register() -> ModelVersion | None:
    """Register the network that came with GIZ; None if there is none.

    It goes into service if none is, or in place of an older one that came with GIZ. Networks trained here and choices
    of staff are kept: each shipped file is promoted only once.
    """
    if not SHIPPED_FILE.exists():
        return None
    digest = hashlib.sha256(SHIPPED_FILE.read_bytes()).hexdigest()
    version = ModelVersion.objects.filter(sha256=digest).first()
    if version is None or not (models_folder() / version.file_name).exists():
        version = file_register(SHIPPED_FILE, is_shipped=True)
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
    """Serialise promotions of one role until the end of the transaction; may be called again within it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"promotion {role}"])
