"""Export everything that the site holds about a person, as one JSON document written row by row.

Every table that refers to a person is read, also those of apps above this one, so tables added later are included
automatically. A model may name columns of related rows in ``OWN_DATA``, as ``{name: lookup}``.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import ManyToOneRel, Model, Q
from django.utils import timezone
from rest_framework.utils.encoders import JSONEncoder

from giz.accounts.models import User
from giz.core.models import AuditEvent

FORMAT = "giz-own-data-1"
ROWS_AT_ONCE = 500
# Secrets, and the solution of a quiz that the person must not know.
_KEPT_BACK = {
    "mfa.authenticator": {"data"},
    "accounts.accesstoken": {"secret_sha256"},
    "core.job": {"lease_token"},
    "catalog.realismtrial": {"truth"},
}
# Django's tables of groups and permissions, which are empty; the role says it.
_LEFT_OUT = {"accounts.user_groups", "accounts.user_user_permissions"}
_ACCOUNT = (
    *("volunteer_number", "email", "role", "supervisor_rank", "is_superuser", "is_active", "date_joined"),
    *("last_login", "preferences", "import_source", "import_name"),
)


def own_data(user: User) -> Iterator[str]:
    """Yield the document in pieces, with at most ``ROWS_AT_ONCE`` rows in memory."""
    account = User.objects.values(*_ACCOUNT).get(pk=user.pk)
    yield _text({"format": FORMAT, "made_at": timezone.now(), "account": account})[:-1]
    for name, rows in _tables(user):
        yield f',\n"{name}":'
        before = "["
        for row in rows:
            yield f"{before}\n{_text(row)}"
            before = ","
        yield "[]" if before == "[" else "]"
    yield "}\n"


def relations_to_people() -> dict[type[Model], list[str]]:
    """Return the models that refer to a person, with the names of those fields."""
    found: dict[type[Model], list[str]] = {}
    for relation in User._meta.get_fields(include_hidden=True):
        if isinstance(relation, ManyToOneRel) and relation.related_model._meta.label_lower not in _LEFT_OUT:
            found.setdefault(relation.related_model, []).append(relation.field.name)
    return found


def sessions_of(user: User, address: str = "") -> Iterator[Session]:
    """Yield the sessions of a person: logged in, during a log-in, or with the address in them.

    All sessions are read, because only a decoded one names its user.
    """
    for session in Session.objects.order_by("pk").iterator(chunk_size=ROWS_AT_ONCE):
        held = session.get_decoded()
        if str(held.get("_auth_user_id", "")) == str(user.pk) or (
            address and f'"{address}"' in json.dumps(held).lower()
        ):
            yield session


def _tables(user: User) -> Iterator[tuple[str, Iterable[dict[str, Any]]]]:
    yield "sessions", ({"ends_at": session.expire_date} for session in sessions_of(user))
    for model, fields in sorted(relations_to_people().items(), key=lambda item: item[0]._meta.label_lower):
        name = str(model._meta.verbose_name_plural).replace(" ", "_")
        yield name, _rows(model, fields, user)
    names = (user.public_name, *(f"{kind} {user.pk}" for kind in ("accounts.user", "labeling.volunteer", "volunteer")))
    events = AuditEvent.objects.filter(Q(actor_number=user.volunteer_number) | Q(subject__in=names)).order_by("pk")
    yield "audit_events", (dict(event) for event in events.values().iterator(chunk_size=ROWS_AT_ONCE))


def _rows(model: type[Model], fields: list[str], user: User) -> Iterator[dict[str, Any]]:
    kept_back = _KEPT_BACK.get(model._meta.label_lower, set())
    columns = [field.attname for field in model._meta.concrete_fields if field.name not in {*fields, *kept_back}]
    more: dict[str, str] = getattr(model, "OWN_DATA", {})
    theirs = Q()
    for field in fields:
        theirs |= Q(**{field: user.pk})
    found = model._default_manager.filter(theirs).order_by("pk").values(*columns, *more.values())
    for row in found.iterator(chunk_size=ROWS_AT_ONCE):
        yield {**{column: row[column] for column in columns}, **{name: row[lookup] for name, lookup in more.items()}}


def _text(value: Any) -> str:
    return json.dumps(value, cls=JSONEncoder, ensure_ascii=False)
