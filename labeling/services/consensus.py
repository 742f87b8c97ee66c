"""Consensus: recompute the targets whose votes changed, retire those that are done, ask again where people disagree."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

from django.db import connection, transaction

from giz.accounts.models import User
from giz.core.errors import Refused
from labeling.aggregation.estimators import ESTIMATORS, Estimate, Estimator, estimator_named, no_calibration
from labeling.aggregation.judgements import ACCEPTED, Judgement, Opinion, UnknownRule, opinions
from labeling.aggregation.judgements import Verdict as VerdictCode
from labeling.aggregation.published import PUBLISHED_RULE, note_of, published_inclination
from labeling.aggregation.retirement import Progress, Status, retirement_rule
from labeling.aggregation.verdict import VERDICT_RULE, VerdictResult, verdict_of
from labeling.models import Campaign, Consensus, CrowdFit, Reason, Target, Vote
from labeling.rules import WEIGHTLESS_FLAGS
from labeling.services.refits import calibration_of, campaign_refit, current_fit
from labeling.services.settling import network_of, settle

BATCH = 200
# Whichever estimator is published: only this one knows who voted, and its errors are calibrated (decision 12).
SURENESS = "robust"
# A refit moves nearly every robust estimate by a little; less than this is no news.
NO_NEWS_DEG = 0.05

_STALE = """
    SELECT id FROM labeling_target
     WHERE stale_since IS NOT NULL AND (%(campaign)s::bigint IS NULL OR campaign_id = %(campaign)s)
     ORDER BY stale_since LIMIT %(batch)s FOR NO KEY UPDATE SKIP LOCKED
"""

_SETTLED = ("state", "quota", "need", "votes_to_go", "doubt", "retired_at", "stale_since")

OnProgress = Callable[[int, int], None]


@dataclass(slots=True)
class _Case:
    """A target with its votes, and what becomes of it."""

    target: Target
    judgements: list[Judgement] = field(default_factory=list)
    opinions: list[Opinion] = field(default_factory=list)
    verdict: VerdictResult = field(default_factory=lambda: verdict_of([]))


def estimator_for(name: str) -> Estimator:
    """Return a registered estimator; raises Refused naming the known ones."""
    try:
        return estimator_named(name)
    except UnknownRule as error:
        raise Refused("unknown_estimator", str(error)) from None


def consensus_refresh(
    *, campaign: Campaign | None = None, max_batches: int | None = None, on_progress: OnProgress | None = None
) -> int:
    """Recompute stale targets (of one campaign or of all) in batches of their own transactions; returns how many.

    Targets that somebody else holds locked are left for the next round.
    """
    total = stale_targets(campaign) if on_progress else 0
    done = 0
    batches = 0
    while max_batches is None or batches < max_batches:
        count = _refresh_batch(campaign)
        done += count
        batches += 1
        if on_progress:
            on_progress(done, max(total, done))
        if count == 0:
            break
    return done


def stale_targets(campaign: Campaign | None = None) -> int:
    """Return how many targets wait for a fresh consensus."""
    stale = Target.objects.filter(stale_since__isnull=False)
    return (stale.filter(campaign=campaign) if campaign else stale).count()


def consensus_mark_stale(*, campaign: Campaign) -> int:
    """Mark every judged target of the campaign, so that the next refresh recomputes it by the rules of now."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE labeling_target SET stale_since = now() WHERE id IN (
                   SELECT id FROM labeling_target target WHERE campaign_id = %s AND stale_since IS NULL
                      AND EXISTS (SELECT FROM labeling_vote vote WHERE vote.target_id = target.id)
                    ORDER BY id FOR NO KEY UPDATE)""",
            [campaign.pk],
        )
        return int(cursor.rowcount)


def _refresh_batch(campaign: Campaign | None) -> int:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_STALE, {"campaign": campaign.pk if campaign else None, "batch": BATCH})
            ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return 0
        cases = _cases(ids)
        by_campaign: dict[int, list[_Case]] = {}
        for case in cases:
            by_campaign.setdefault(case.target.campaign_id, []).append(case)
        fresh = [consensus for group in by_campaign.values() for consensus in _consensuses(group)]
        _keep_history(fresh)
        Target.objects.bulk_update([case.target for case in cases], list(_SETTLED), batch_size=BATCH)
    return len(ids)


def _cases(target_ids: list[int]) -> list[_Case]:
    targets = Target.objects.filter(id__in=target_ids).select_related("campaign", "galaxy")
    cases = {target.pk: _Case(target) for target in targets}
    votes = (
        Vote.objects.filter(target_id__in=target_ids, standing__in=[Vote.Standing.COUNTED, Vote.Standing.REPEAT])
        .exclude(flags__overlap=list(WEIGHTLESS_FLAGS))
        .order_by("created_at", "id")
        .values_list(
            "target_id", "id", "volunteer_id", "verdict", "inclination_deg", "reasons", "comment",
            "volunteer__role", "volunteer__supervisor_rank",
        )
    )  # fmt: skip
    for target_id, vote_id, volunteer_id, verdict, inclination_deg, reasons, comment, role, rank in votes:
        cases[target_id].judgements.append(
            Judgement(
                vote_id=vote_id,
                volunteer_id=volunteer_id,
                verdict=cast(VerdictCode, verdict),
                inclination_deg=inclination_deg,
                reasons=tuple(reasons),
                comment=comment,
                supervisor_rank=max(rank, 1) if role == User.Role.SUPERVISOR else 0,
            )
        )
    for case in cases.values():
        case.opinions = opinions(case.judgements)
        case.verdict = verdict_of(case.opinions)
    return list(cases.values())


def _consensuses(cases: Sequence[_Case]) -> Iterable[Consensus]:
    """The fresh consensuses of targets of one campaign, by every estimator; its own sets the targets' new state."""
    campaign = cases[0].target.campaign
    galaxies = {case.target.pk: case.opinions for case in cases}
    fit = current_fit(campaign)
    people = {opinion.volunteer_id for case in cases for opinion in case.opinions}
    calibration = calibration_of(fit, sorted(people))
    network = network_of(campaign, list(galaxies))
    found = {
        name: estimator.estimate(galaxies, calibration if estimator.needs_calibration else no_calibration())
        for name, estimator in ESTIMATORS.items()
    }
    for name, estimator in ESTIMATORS.items():
        named_fit = fit if estimator.needs_calibration else None
        for case in cases:
            estimate = found[name][case.target.pk]
            progress, status = _status(case, campaign, found[SURENESS][case.target.pk])
            yield _consensus(case, campaign, estimator, estimate, status, named_fit)
            if name == campaign.estimator:
                settle(
                    case.target,
                    status=status,
                    rule=campaign.retirement,
                    progress=progress,
                    verdict=case.verdict.verdict or "",
                    estimate=estimate,
                    network=network,
                    crowd=calibration.crowd,
                )


def _status(case: _Case, campaign: Campaign, sure: Estimate) -> tuple[Progress, Status]:
    """Where the target stands and what the campaign's rule makes of that, by the votes alone.

    ``sure`` is the estimate whose standard error says whether more votes are wanted.
    """
    progress = Progress(
        volunteer_count=len(case.opinions),
        overlap=campaign.overlap,
        is_split=case.verdict.is_split,
        sigma_deg=sure.sigma_deg if case.verdict.verdict == ACCEPTED else None,
        asked=case.target.asked,
        is_decided=any(opinion.supervisor_rank > 0 for opinion in case.opinions),
        # People are done with a galaxy in doubt, too: a network's doubt must not move the rule.
        is_retired=case.target.state == Target.State.RETIRED or bool(case.target.doubt),
    )
    return progress, retirement_rule(campaign.retirement)[1](progress)


def _consensus(
    case: _Case, campaign: Campaign, estimator: Estimator, estimate: Estimate, status: Status, fit: CrowdFit | None
) -> Consensus:
    version = retirement_rule(campaign.retirement)[0]
    count = len(case.opinions)
    reasons = Counter(reason for judgement in case.judgements for reason in judgement.reasons)
    return Consensus(
        target=case.target,
        estimator=estimator.name,
        fit=fit,
        rule_version="+".join((estimator.rule_version, VERDICT_RULE, version, PUBLISHED_RULE)),
        inclination_deg=estimate.inclination_deg,
        sigma_deg=estimate.sigma_deg,
        inclination_published_deg=published_inclination(
            verdict=case.verdict.verdict,
            inclination_deg=estimate.inclination_deg,
            volunteer_count=count,
            campaign_seed=campaign.seed,
            pgc=case.target.galaxy.pgc,
        ),
        verdict=case.verdict.verdict or "",
        is_split=case.verdict.is_split,
        status=status,
        volunteer_count=count,
        verdict_counts=case.verdict.counts,
        reason_counts=dict(sorted(reasons.items())),
        note=note_of(reasons, (judgement.comment for judgement in case.judgements), Reason.values),
        vote_ids=[judgement.vote_id for judgement in case.judgements],
    )


_SAME: tuple[str, ...] = (
    "rule_version", "inclination_published_deg", "verdict", "is_split", "status",
    "volunteer_count", "verdict_counts", "reason_counts", "note", "vote_ids",
)  # fmt: skip


def _keep_history(fresh: Sequence[Consensus]) -> None:
    """Store what changed; the consensus it replaces stays as history, an unchanged one stays current."""
    current = {
        (old.target_id, old.estimator): old
        for old in Consensus.objects.filter(target_id__in=[new.target_id for new in fresh], is_current=True)
    }
    changed = [new for new in fresh if not _is_same(current.get((new.target_id, new.estimator)), new)]
    replaced = [current[key] for new in changed if (key := (new.target_id, new.estimator)) in current]
    Consensus.objects.filter(pk__in=[old.pk for old in replaced]).update(is_current=False)
    Consensus.objects.bulk_create(changed, batch_size=BATCH)


def _is_same(old: Consensus | None, new: Consensus) -> bool:
    if old is None or any(getattr(old, name) != getattr(new, name) for name in _SAME):
        return False
    figures = ((old.inclination_deg, new.inclination_deg), (old.sigma_deg, new.sigma_deg))
    return all(_is_no_news(before, after) for before, after in figures)


def _is_no_news(before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        return before is after
    return abs(before - after) < NO_NEWS_DEG


def consensus_rebuild(
    *, campaign: Campaign, estimator: str | None = None, on_progress: OnProgress | None = None
) -> int:
    """Fit the volunteers and recompute the whole campaign; ``estimator`` becomes the campaign's. Returns how many."""
    if estimator is not None and estimator != campaign.estimator:
        estimator_for(estimator)
        campaign.estimator = estimator
        campaign.save(update_fields=["estimator"])
    estimator_for(campaign.estimator)
    campaign_refit(campaign=campaign)
    consensus_mark_stale(campaign=campaign)
    return consensus_refresh(campaign=campaign, on_progress=on_progress)
