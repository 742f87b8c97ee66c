"""A network's answers as they come down from inference: they order a campaign's queue, and have doubts looked at.

They are shown to no volunteer and enter no consensus. Galaxies are answered while they are open. Once people are done
only a network that is older than that may answer in place of another (after a rollback): one that has learned from
their votes would only agree with them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import numpy as np
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Now

from giz.catalog.models import GalaxyImage
from giz.core import audit
from giz.core.errors import Refused
from labeling.aggregation.doubt import DOUBT_RULE, Said, Standing, doubt_of, standing_of
from labeling.aggregation.estimators import no_calibration
from labeling.aggregation.need import FIRST_FRESH, FRESH
from labeling.aggregation.outlook import votes_to_go
from labeling.aggregation.retirement import MIN_VOLUNTEERS, Progress
from labeling.aggregation.robust_model import Crowd
from labeling.aggregation.usefulness import USEFULNESS_RULE, Answers, levels, lot_of, usefulness
from labeling.models import Campaign, NetworkAnswer, NetworkOrder, Target
from labeling.services.refits import current_fit

_Row = TypeVar("_Row")

# The standing of a network is measured again after so many more galaxies are done, and this share of those it rests on.
NEW_DONE = 10
NEW_DONE_SHARE = 0.1
# Targets of one transaction: votes wait no longer than for one of these.
BATCH = 500

_TAKE = """
    INSERT INTO labeling_networkanswer AS known
        (target_id, model, inclination_deg, sigma_deg, rejection, spread_deg, is_dismissed)
    SELECT target.id, %(model)s, said.inclination_deg, said.sigma_deg, said.rejection, said.spread_deg, false
      FROM unnest(%(galaxy)s::bigint[], %(inclination_deg)s::float8[], %(sigma_deg)s::float8[],
                  %(rejection)s::float8[], %(spread_deg)s::float8[])
           AS said (galaxy_id, inclination_deg, sigma_deg, rejection, spread_deg)
      JOIN labeling_target target ON target.campaign_id = %(campaign)s AND target.galaxy_id = said.galaxy_id
      LEFT JOIN labeling_networkanswer old ON old.target_id = target.id
     WHERE target.purpose = 'label'
       AND (target.state = 'open' OR old.target_id IS NULL
            OR (target.retired_at > %(made_at)s::timestamptz AND NOT old.is_dismissed))
    ON CONFLICT (target_id) DO UPDATE
       SET model = EXCLUDED.model, inclination_deg = EXCLUDED.inclination_deg, sigma_deg = EXCLUDED.sigma_deg,
           rejection = EXCLUDED.rejection, spread_deg = EXCLUDED.spread_deg, is_dismissed = false, created_at = now()
"""

# Locked in one order, as everywhere; only what changes is written.
_ORDER = f"""
    WITH fresh AS (
        SELECT * FROM unnest(%(ids)s::bigint[], %(wanted)s::smallint[], %(to_go)s::float8[]) AS new (id, wanted, to_go)
    ), held AS (
        SELECT target.id FROM labeling_target target JOIN fresh ON fresh.id = target.id
         WHERE target.wanted <> fresh.wanted
            OR (target.need >= {FIRST_FRESH} AND target.votes_to_go IS DISTINCT FROM fresh.to_go)
         ORDER BY target.id FOR NO KEY UPDATE OF target
    )
    UPDATE labeling_target target
       SET wanted = fresh.wanted,
           votes_to_go = CASE WHEN need >= {FIRST_FRESH} THEN fresh.to_go ELSE votes_to_go END,
           need = CASE WHEN need >= {FIRST_FRESH} THEN fresh.wanted ELSE need END
      FROM fresh, held WHERE target.id = held.id AND target.id = fresh.id
"""  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True)
class GalaxyAnswer:
    """What a network says of a galaxy: degrees, and the probability of a rejection (or face-on)."""

    galaxy_id: int
    inclination_deg: float
    sigma_deg: float
    rejection: float
    spread_deg: float = 0.0


def galaxies_to_ask(*, campaign: Campaign, model: str, made_at: datetime | None = None) -> list[int]:
    """Galaxies that this version of the network has still to look at: the open ones, and those never looked at.

    made_at : when the version came to be. Of a galaxy that people were done with only later it can have learned
        nothing: there its answer takes the place of another version's, as after a rollback.
    """
    to_ask = _to_ask(campaign, model, made_at)
    return list(to_ask.order_by("state", "need", "pk").values_list("galaxy_id", flat=True))


def _to_ask(campaign: Campaign, model: str, made_at: datetime | None) -> QuerySet[Target]:
    """Without a picture there is nothing to look at: such galaxies wait, and count as soon as they have one."""
    pictures = GalaxyImage.objects.filter(galaxy=OuterRef("galaxy"), is_current=True)
    of_label = Target.objects.filter(Exists(pictures), campaign=campaign, purpose=Target.Purpose.LABEL)
    renewable = Q(state=Target.State.OPEN)
    if made_at:
        renewable |= Q(retired_at__gt=made_at, network_answer__is_dismissed=False)
    return of_label.filter(Q(network_answer__isnull=True) | (renewable & ~Q(network_answer__model=model)))


def queue_is_due(*, campaign: Campaign, model: str, made_at: datetime | None = None) -> bool:
    """Whether the queue waits for this network, or its standing among people rests on much less than there is now."""
    order = NetworkOrder.objects.filter(campaign=campaign).first()
    if order is None or order.model != model:
        return True
    if _to_ask(campaign, model, made_at).count() > order.unanswered:
        return True
    done = _done(campaign).count()
    return done - order.verdicts >= max(NEW_DONE, NEW_DONE_SHARE * order.verdicts)


def answers_take(
    *, campaign: Campaign, model: str, answers: Sequence[GalaxyAnswer], made_at: datetime | None = None
) -> int:
    """Keep what a network says of the campaign's galaxies; returns how many answers were kept.

    Left aside: galaxies that are no targets here, golden and calibration ones, and those that people were done with
    before `made_at` and that have an answer, or whose doubt somebody has dismissed. `queue_order` puts them to use.
    """
    kept = 0
    for some in _batches(answers):
        values: dict[str, Any] = {"campaign": campaign.pk, "model": model, "made_at": made_at}
        values["galaxy"] = [one.galaxy_id for one in some]
        for name in ("inclination_deg", "sigma_deg", "rejection", "spread_deg"):
            values[name] = [float(getattr(one, name)) for one in some]
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, values)
            kept += cursor.rowcount
    return kept


def queue_order(*, campaign: Campaign, model: str, made_at: datetime | None = None) -> NetworkOrder:
    """Order the campaign's fresh galaxies by what this network said, and look for doubts about those that are done.

    Raises
    ------
    Refused
        409 ``network_off``: staff switched the network off meanwhile. Nothing of the order is left then.
    """
    standing = _standing(campaign)
    answered = _order_fresh(campaign, model)
    told = {
        "model": model,
        "rule_version": f"{USEFULNESS_RULE}+{DOUBT_RULE}",
        "answers": answered,
        "unanswered": _to_ask(campaign, model, made_at).count(),
        "compared": standing.compared,
        "bias_deg": standing.bias_deg,
        "error_scale": standing.error_scale,
        "verdicts": standing.verdicts,
        "agreement": standing.agreement,
        "ordered_at": Now(),
    }
    with transaction.atomic():
        # Whoever switches the network off writes this row, and takes the order back afterwards: before us or after us.
        is_on = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk).uses_network
        if is_on:
            order, _ = NetworkOrder.objects.update_or_create(campaign=campaign, defaults=told)
    if not is_on:
        queue_unorder(campaign=campaign)
        raise network_off(campaign)
    _mark_changed_doubts(campaign, standing)
    return order


def network_off(campaign: Campaign) -> Refused:
    return Refused("network_off", f"In campaign {campaign.name} no network orders the queue.", status=409)


def queue_unorder(*, campaign: Campaign, actor: Any = None) -> None:
    """Take the network's order and doubts back; its answers stay, so that it can be ordered again at once."""
    NetworkOrder.objects.filter(campaign=campaign).delete()
    ids = list(
        Target.objects.filter(campaign=campaign).exclude(wanted=FRESH).order_by("pk").values_list("pk", flat=True)
    )
    for some in _batches(ids):
        _write_order(some, [FRESH] * len(some), [None] * len(some))
    with transaction.atomic():
        _mark_stale(Target.objects.filter(campaign=campaign).exclude(doubt="").values_list("pk", flat=True))
    audit.record("queue_unordered", actor=actor, subject=campaign.name)


def doubt_dismiss(*, target: Target, actor: Any = None) -> None:
    """People are right about this galaxy: it is done, whatever the network said."""
    with transaction.atomic():
        NetworkAnswer.objects.filter(target=target).update(is_dismissed=True)
        _mark_stale([target.pk])
        audit.record("doubt_dismissed", actor=actor, subject=f"target {target.pk}", doubt=target.doubt)


def _order_fresh(campaign: Campaign, model: str) -> int:
    """Give every target that this network has looked at its place among the fresh ones; returns how many."""
    answers = NetworkAnswer.objects.filter(target__campaign=campaign, target__purpose="label", model=model)
    columns = ("target_id", "target__galaxy__pgc", "inclination_deg", "sigma_deg", "rejection", "spread_deg")
    rows = list(answers.order_by("target_id").values_list(*columns))
    ids = [row[0] for row in rows]
    found = np.array([row[2:] for row in rows], dtype=float).reshape(-1, 4)
    useful = usefulness(Answers(*found.T), people=max(campaign.overlap, MIN_VOLUNTEERS))
    wanted = levels(useful, [lot_of(campaign.seed, row[1]) for row in rows]).tolist()
    crowd = _crowd(campaign)
    fresh = Progress(volunteer_count=0, overlap=campaign.overlap, is_split=False, sigma_deg=None)
    to_go = [
        votes_to_go(campaign.retirement, fresh, inclination_deg=None, said=Said(*row[2:]), crowd=crowd) for row in rows
    ]
    for some in _batches(list(zip(ids, wanted, to_go, strict=True))):
        _write_order(*zip(*some, strict=True))
    return len(rows)


def _write_order(ids: Sequence[int], wanted: Sequence[int], to_go: Sequence[float | None]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ORDER, {"ids": list(ids), "wanted": list(wanted), "to_go": list(to_go)})


def _batches(rows: Sequence[_Row]) -> Iterator[Sequence[_Row]]:
    return (rows[begin : begin + BATCH] for begin in range(0, len(rows), BATCH))


def _crowd(campaign: Campaign) -> Crowd:
    fit = current_fit(campaign)
    return Crowd.from_json(fit.crowd) if fit else no_calibration().crowd


@dataclass(frozen=True, slots=True)
class _Compared:
    """A target that people are done with, and what they and the network say of it."""

    target_id: int
    doubt: str
    verdict: str
    inclination_deg: float | None
    sigma_deg: float | None
    said: Said


def _done(campaign: Campaign) -> QuerySet[NetworkAnswer]:
    """The answers on galaxies that people are done with."""
    return NetworkAnswer.objects.filter(
        target__campaign=campaign,
        target__purpose=Target.Purpose.LABEL,
        target__consensuses__is_current=True,
        target__consensuses__estimator=campaign.estimator,
        target__consensuses__status="retired",
        is_dismissed=False,
    )


def _compared(campaign: Campaign) -> Iterator[_Compared]:
    columns = ("target_id", "target__doubt", *(f"target__consensuses__{name}" for name in _OF_PEOPLE), *_OF_NETWORK)
    for row in _done(campaign).values_list(*columns).iterator(2000):
        target_id, doubt, verdict, inclination_deg, sigma_deg, *said = row
        yield _Compared(target_id, doubt, verdict, inclination_deg, sigma_deg, Said(*said))


_OF_PEOPLE = ("verdict", "inclination_deg", "sigma_deg")
_OF_NETWORK = ("inclination_deg", "sigma_deg", "rejection", "spread_deg")


def _standing(campaign: Campaign) -> Standing:
    rows = list(_compared(campaign))
    return standing_of(
        people_deg=np.array([row.inclination_deg for row in rows], dtype=float),
        people_sigma_deg=np.array([row.sigma_deg for row in rows], dtype=float),
        network_deg=np.array([row.said.inclination_deg for row in rows], dtype=float),
        network_error_deg=np.array([row.said.error_deg for row in rows], dtype=float),
        people_accept=np.array([row.verdict == "A" for row in rows], dtype=bool),
        rejection=np.array([row.said.rejection for row in rows], dtype=float),
    )


def _mark_changed_doubts(campaign: Campaign, standing: Standing) -> None:
    """Have the consensus of those targets looked at again whose doubt is another now: it alone changes their state."""
    changed = [
        row.target_id
        for row in _compared(campaign)
        if row.doubt
        != doubt_of(
            verdict=row.verdict,
            inclination_deg=row.inclination_deg,
            sigma_deg=row.sigma_deg,
            said=row.said,
            standing=standing,
        )
    ]
    for some in _batches(changed):
        with transaction.atomic():
            _mark_stale(some)


def _mark_stale(ids: Iterable[int]) -> None:
    held = list(Target.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk").values_list("pk"))
    Target.objects.filter(pk__in=[row[0] for row in held]).update(stale_since=Coalesce(F("stale_since"), Now()))
