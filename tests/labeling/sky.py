"""A small made-up sky for the tests of labelling: galaxies with picture rows, a published set, a campaign."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import F, Model
from django.test import Client

from giz.accounts.models import User
from giz.catalog.models import Galaxy, GalaxyImage
from labeling.models import Campaign, Task
from labeling.services.campaigns import campaign_create, campaign_open, targets_add
from standards.formats import StandardEntry
from standards.models import StandardSet
from standards.services import standard_set_publish

FIRST_TARGET = 1_000
FIRST_STANDARD = 500_000
LOGIN = "allauth.account.auth_backends.AuthenticationBackend"


def make_galaxies(first_pgc: int, count: int, *, with_images: bool = True) -> list[Galaxy]:
    first = Galaxy.objects.create(pgc=first_pgc)
    _copy(first, "generate_series(1, %s) number", [count - 1], pgc="made.pgc + number")
    galaxies = list(Galaxy.objects.filter(pgc__gte=first_pgc, pgc__lt=first_pgc + count).order_by("pgc"))
    if with_images:
        image = GalaxyImage.objects.create(
            galaxy=first,
            band="gri",
            stem=f"ab/{first_pgc}gri",
            sizes_px=[128, 256],
            content_sha256="0" * 64,
            origin="test",
            source_width_px=256,
            source_height_px=256,
        )
        _copy(
            image,
            "catalog_galaxy galaxy, unnest(ARRAY['gri', 'g']) color "
            "WHERE galaxy.id = ANY(%s) AND (galaxy.id, color) <> (made.galaxy_id, made.band)",
            [[galaxy.pk for galaxy in galaxies]],
            galaxy_id="galaxy.id",
            band="color",
            stem="concat('ab/', galaxy.pgc, color)",
        )
    return galaxies


def _copy(made: Model, source: str, parameters: list[Any], **changed: str) -> None:
    """Insert a copy of a row for every row of ``source``, in the database: most tests of labelling need 300 rows."""
    columns = [field.column for field in made._meta.concrete_fields if not field.primary_key]
    chosen = ", ".join(changed.get(column, f"made.{column}") for column in columns)
    where = " AND" if " WHERE " in source else " WHERE"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {made._meta.db_table} ({', '.join(columns)}) "
            f"SELECT {chosen} FROM {made._meta.db_table} made, {source}{where} made.id = %s",
            [*parameters, made.pk],
        )


def make_set(
    name: str = "ruler", *, bins: Sequence[int] = range(45, 91), per_bin: int = 3, first_pgc: int = FIRST_STANDARD
) -> StandardSet:
    make_galaxies(first_pgc, len(bins) * per_bin)
    entries = [
        StandardEntry(first_pgc + number, float(bin_deg))
        for number, bin_deg in enumerate(bin_deg for bin_deg in bins for _ in range(per_bin))
    ]
    return standard_set_publish(name=name, entries=entries).standard_set


def make_campaign(name: str = "sky", *, targets: int = 5, overlap: int = 3, **extra: Any) -> Campaign:
    standard_set = extra.pop("standard_set", None) or make_set()
    campaign = campaign_create(name=name, standard_set=standard_set, overlap=overlap, **extra)
    first = FIRST_TARGET + Galaxy.objects.filter(pgc__lt=FIRST_STANDARD).count()
    galaxies = make_galaxies(first, targets)
    targets_add(campaign=campaign, galaxy_ids=[galaxy.pk for galaxy in galaxies])
    return campaign_open(campaign=campaign)


def make_volunteer(number: int = 0, **extra: Any) -> User:
    user = User(email=f"volunteer{number}@example.org", **extra)
    user.set_unusable_password()
    user.save()
    return user


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=LOGIN)
    return client


def trace_to(inclination_deg: float) -> dict[str, Any]:
    """The trace of a person who ends beside ``inclination_deg`` (45.5 to 89.5) on a set without empty bins."""
    left = int(inclination_deg - 0.5)
    interval = min(left - left % 5, 85)
    window = min(max(interval - 2, 45), 82)
    return {
        "version": 1,
        "steps": [
            {"step": "A", "draws": [0] * 9, "slot": (interval - 45) // 5 + 1},
            {"step": "B", "window": window, "draws": [1] * 9, "slot": left - window + 1},
        ],
    }


FACE_ON_TRACE = {"version": 1, "steps": [{"step": "A", "draws": [0] * 9, "slot": 0}]}


def vote_body(task_id: Any, inclination_deg: float = 59.5, **changes: Any) -> dict[str, Any]:
    body = {"key": str(uuid.uuid4()), "task": str(task_id), "trace": trace_to(inclination_deg), "verdict": "accepted"}
    return {**body, **changes}


def age_task(task_id: Any, seconds: float) -> None:
    """Let time pass for a task: the database's clock can't be moved, so the lease is."""
    Task.objects.filter(pk=task_id).update(
        checked_out_at=F("checked_out_at") - timedelta(seconds=seconds), due_at=F("due_at") - timedelta(seconds=seconds)
    )


def post(client: Client, path: str, body: Any = None) -> Any:
    return client.post(f"/api/v1/{path}", body if body is not None else {}, content_type="application/json")


def lease(client: Client, campaign: str = "sky", held: Sequence[str] = ()) -> dict[str, Any]:
    answer = post(client, "tasks/", {"campaign": campaign, "held": list(held)})
    assert answer.status_code in (200, 201), answer.content
    return answer.json()
