"""Store a network's predictions for a campaign: they order its queue and tell supervisors where to look.

No volunteer sees them and no consensus depends on them. Open galaxies are predicted by the newest network. Once a
galaxy is finished, its prediction is replaced only by a network that is older than that (after a rollback), because a
network that has learned from people's votes would only agree with them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import numpy as np
from django.db import connection, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from giz.catalog.models import GalaxyImage
from giz.core import audit
from giz.core.errors import Refused
from giz.core.words import n_galaxies
from labeling.aggregation.doubt import DOUBT_RULE, NetworkEstimate, TrackRecord, doubt_of, track_record_of
from labeling.aggregation.estimators import no_calibration
from labeling.aggregation.need import FIRST_FRESH, FRESH
from labeling.aggregation.outlook import votes_to_go
from labeling.aggregation.prior import LEAST_FINISHED, prior_factor, rejection_rate, with_prior
from labeling.aggregation.retirement import MIN_VOLUNTEERS, Progress
from labeling.aggregation.robust_model import Crowd
from labeling.aggregation.usefulness import USEFULNESS_RULE, NetworkEstimates, levels, lot_of, usefulness
from labeling.models import Campaign, Consensus, NetworkAnswer, NetworkOrder, Target
from labeling.services.refits import current_fit

_Row = TypeVar("_Row")

# A network's track record is measured again after this many more finished galaxies, and this share of the former ones.
NEW_DONE = 10
NEW_DONE_SHARE = 0.1
# Targets per transaction: votes wait for one transaction at most.
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

# Rows are locked by id, as always; only changes are written.
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
    """A network's prediction for a galaxy: degrees, and the probability of a rejection (or of face-on)."""

    galaxy_id: int
    inclination_deg: float
    sigma_deg: float
    rejection: float
    spread_deg: float = 0.0


def galaxies_to_ask(*, campaign: Campaign, model: str, made_at: datetime | None = None) -> list[int]:
    """Return the galaxies that this version of the network has yet to predict: open ones, and those without prediction.

    made_at : when the version was made. It cannot have learned from galaxies that were finished later, so its
    prediction
        replaces that of another version there, as after a rollback.
    """
    to_ask = _to_ask(campaign, model, made_at)
    return list(to_ask.order_by("state", "need", "pk").values_list("galaxy_id", flat=True))


def _to_ask(campaign: Campaign, model: str, made_at: datetime | None) -> QuerySet[Target]:
    """Return the targets to predict; galaxies without a picture are left out until they have one."""
    pictures = GalaxyImage.objects.filter(galaxy=OuterRef("galaxy"), is_current=True)
    of_label = Target.objects.filter(Exists(pictures), campaign=campaign, purpose=Target.Purpose.LABEL)
    renewable = Q(state=Target.State.OPEN)
    if made_at:
        renewable |= Q(retired_at__gt=made_at, network_answer__is_dismissed=False)
    return of_label.filter(Q(network_answer__isnull=True) | (renewable & ~Q(network_answer__model=model)))


def queue_is_due(*, campaign: Campaign, model: str, made_at: datetime | None = None) -> bool:
    """Whether this network has not ordered the queue yet, or its track record rests on much fewer galaxies than now."""
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
    """Store a network's predictions for the campaign's galaxies; return how many were stored. `queue_order` uses them.

    Probabilities of a rejection are stored as they are in this campaign (`labeling.aggregation.prior`).

    Not stored are predictions for galaxies that

    - are not targets of the campaign,
    - are golden or calibration targets,
    - were finished before ``made_at`` and have a prediction, or
    - have a prediction that staff dismissed.
    """
    kept = 0
    for some in _batches(answers):
        values: dict[str, Any] = {"campaign": campaign.pk, "model": model, "made_at": made_at}
        values["galaxy"] = [one.galaxy_id for one in some]
        for name in ("inclination_deg", "sigma_deg", "spread_deg"):
            values[name] = [float(getattr(one, name)) for one in some]
        # The lock makes whoever changes the prior wait until these rows are there to be changed, too.
        with transaction.atomic(), connection.cursor() as cursor:
            prior = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk).rejection_prior
            values["rejection"] = [with_prior(float(one.rejection), prior) for one in some]
            cursor.execute(_TAKE, values)
            kept += cursor.rowcount
    return kept


def rejection_prior_set(*, campaign: Campaign, prior: float | None, actor: Any = None) -> None:
    """Set the share of galaxies that the campaign's people reject; None is the share in training.

    What the network has said of its galaxies is adapted at once, and the queue is ordered again in the next round.
    """
    with transaction.atomic():
        before = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk).rejection_prior
        if before != prior:
            Campaign.objects.filter(pk=campaign.pk).update(rejection_prior=prior)
            factor, rejection = prior_factor(prior, before), F("rejection")
            NetworkAnswer.objects.filter(target__campaign=campaign).update(
                rejection=rejection * factor / (rejection * factor + (1.0 - rejection))
            )
            NetworkOrder.objects.filter(campaign=campaign).delete()
            audit.record("rejection_prior_set", actor=actor, subject=campaign.name, before=before, prior=prior)
    campaign.rejection_prior = prior


def rejection_prior_of_labels(campaign: Campaign) -> float:
    """Return the share of rejections, face-on ones included, among the campaign's finished galaxies.

    Raises
    ------
    Refused
        409 ``too_few_labels``.
    """
    finished = Consensus.objects.filter(
        target__campaign=campaign,
        target__purpose=Target.Purpose.LABEL,
        estimator=campaign.estimator,
        is_current=True,
        status=Consensus.Status.RETIRED,
        is_split=False,
    )
    accepted = Count("pk", filter=Q(verdict="A"))
    counts = finished.aggregate(finished=Count("pk"), accepted=accepted)
    if counts["finished"] < LEAST_FINISHED:
        raise Refused(
            "too_few_labels",
            f"People have finished {n_galaxies(counts['finished'])} of {campaign.name}; a share of rejections needs "
            f"{LEAST_FINISHED}.",
            status=409,
        )
    return rejection_rate(counts["finished"] - counts["accepted"], counts["finished"])


def queue_order(*, campaign: Campaign, model: str, made_at: datetime | None = None) -> NetworkOrder:
    """Order the campaign's fresh galaxies by this network's predictions, and find doubts about finished ones.

    Raises
    ------
    Refused
        409 ``network_off``: staff have switched the network off; no order remains.
    """
    record = _track_record(campaign)
    answered = _order_fresh(campaign, model)
    values = {
        "model": model,
        "rule_version": f"{USEFULNESS_RULE}+{DOUBT_RULE}",
        "answers": answered,
        "unanswered": _to_ask(campaign, model, made_at).count(),
        "compared": record.compared,
        "bias_deg": record.bias_deg,
        "error_scale": record.error_scale,
        "verdicts": record.verdicts,
        "agreement": record.agreement,
        "ordered_at": Now(),
    }
    with transaction.atomic():
        # Switching the network off writes this row first and then deletes the order, so this lock settles who comes
        # first.
        is_on = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk).uses_network
        if is_on:
            order, _ = NetworkOrder.objects.update_or_create(campaign=campaign, defaults=values)
    if not is_on:
        queue_unorder(campaign=campaign)
        raise network_off(campaign)
    _mark_changed_doubts(campaign, record)
    return order


def network_off(campaign: Campaign) -> Refused:
    return Refused("network_off", f"In campaign {campaign.name} no network orders the queue.", status=409)


def queue_unorder(*, campaign: Campaign, actor: Any = None) -> None:
    """Remove the network's order and doubts; its predictions remain, so that the order can be restored at once."""
    NetworkOrder.objects.filter(campaign=campaign).delete()
    ids = list(
        Target.objects.filter(campaign=campaign).exclude(wanted=FRESH).order_by("pk").values_list("pk", flat=True)
    )
    for some in _batches(ids):
        _write_order(some, [FRESH] * len(some), [None] * len(some))
    Target.mark_stale(Target.objects.filter(campaign=campaign).exclude(doubt="").values_list("pk", flat=True))
    audit.record("queue_unordered", actor=actor, subject=campaign.name)


def doubt_dismiss(*, target: Target, actor: Any = None) -> None:
    """Decide that people are right about a galaxy: it is finished, whatever the network predicts."""
    with transaction.atomic():
        NetworkAnswer.objects.filter(target=target).update(is_dismissed=True)
        Target.mark_stale([target.pk])
        audit.record("doubt_dismissed", actor=actor, subject=f"target {target.pk}", doubt=target.doubt)


def _order_fresh(campaign: Campaign, model: str) -> int:
    """Set the level of every target that this network has predicted; return how many."""
    answers = NetworkAnswer.objects.filter(target__campaign=campaign, target__purpose="label", model=model)
    columns = ("target_id", "target__galaxy__pgc", "inclination_deg", "sigma_deg", "rejection", "spread_deg")
    rows = list(answers.order_by("target_id").values_list(*columns))
    ids = [row[0] for row in rows]
    found = np.array([row[2:] for row in rows], dtype=float).reshape(-1, 4)
    useful = usefulness(NetworkEstimates(*found.T), people=max(campaign.overlap, MIN_VOLUNTEERS))
    wanted = levels(useful, [lot_of(campaign.seed, row[1]) for row in rows]).tolist()
    fit = current_fit(campaign)
    crowd = Crowd.from_json(fit.crowd) if fit else no_calibration().crowd
    fresh = Progress(volunteer_count=0, overlap=campaign.overlap, is_split=False, sigma_deg=None)
    to_go = [
        votes_to_go(campaign.retirement, fresh, inclination_deg=None, prediction=NetworkEstimate(*row[2:]), crowd=crowd)
        for row in rows
    ]
    for some in _batches(list(zip(ids, wanted, to_go, strict=True))):
        _write_order(*zip(*some, strict=True))
    return len(rows)


def _write_order(ids: Sequence[int], wanted: Sequence[int], to_go: Sequence[float | None]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ORDER, {"ids": list(ids), "wanted": list(wanted), "to_go": list(to_go)})


def _batches(rows: Sequence[_Row]) -> Iterator[Sequence[_Row]]:
    return (rows[begin : begin + BATCH] for begin in range(0, len(rows), BATCH))


@dataclass(frozen=True, slots=True)
class _Compared:
    """A finished target with people's label and the network's prediction."""

    target_id: int
    doubt: str
    verdict: str
    inclination_deg: float | None
    sigma_deg: float | None
    prediction: NetworkEstimate


def _done(campaign: Campaign) -> QuerySet[NetworkAnswer]:
    """Return the predictions for finished galaxies."""
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
        target_id, doubt, verdict, inclination_deg, sigma_deg, *prediction = row
        yield _Compared(target_id, doubt, verdict, inclination_deg, sigma_deg, NetworkEstimate(*prediction))


_OF_PEOPLE = ("verdict", "inclination_deg", "sigma_deg")
_OF_NETWORK = ("inclination_deg", "sigma_deg", "rejection", "spread_deg")


def _track_record(campaign: Campaign) -> TrackRecord:
    rows = list(_compared(campaign))
    return track_record_of(
        people_deg=np.array([row.inclination_deg for row in rows], dtype=float),
        people_sigma_deg=np.array([row.sigma_deg for row in rows], dtype=float),
        network_deg=np.array([row.prediction.inclination_deg for row in rows], dtype=float),
        network_error_deg=np.array([row.prediction.error_deg for row in rows], dtype=float),
        people_accept=np.array([row.verdict == "A" for row in rows], dtype=bool),
        rejection=np.array([row.prediction.rejection for row in rows], dtype=float),
    )


def _mark_changed_doubts(campaign: Campaign, record: TrackRecord) -> None:
    """Mark targets whose doubt has changed as stale: only a new consensus changes their state."""
    changed = [
        row.target_id
        for row in _compared(campaign)
        if row.doubt
        != doubt_of(
            verdict=row.verdict,
            inclination_deg=row.inclination_deg,
            sigma_deg=row.sigma_deg,
            prediction=row.prediction,
            record=record,
        )
    ]
    for some in _batches(changed):
        Target.mark_stale(some)
