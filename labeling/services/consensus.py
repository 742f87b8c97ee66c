"""Consensus: recompute targets whose votes changed, retire finished ones, and ask for more votes if people disagree.

Votes never wait for a computation: targets are read without a lock, computed, and stored only if the target's row has
not been written since (its ``xmin`` is compared); the others are computed again. Storing a consensus also writes the
target's row, so that of two workers one notices the other.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from django.db import connection, transaction
from django.db.models.expressions import RawSQL

from giz.accounts.models import User
from giz.core.errors import Refused
from giz.core.vocabulary import ACCEPTED, REASONS
from giz.core.vocabulary import Verdict as VerdictCode
from labeling.aggregation.estimators import ESTIMATORS, Estimate, Estimator, estimator_named, no_calibration
from labeling.aggregation.judgements import (
    VERDICT_RULE,
    Judgement,
    Opinion,
    UnknownRule,
    VerdictResult,
    opinions,
    verdict_of,
)
from labeling.aggregation.published import PUBLISHED_RULE, note_of, published_inclination
from labeling.aggregation.retirement import Progress, Status, retirement_rule
from labeling.models import Campaign, Consensus, CrowdFit, Target, Vote
from labeling.rules import WEIGHTLESS_FLAGS
from labeling.services.refits import calibration_of, campaign_refit, current_fit
from labeling.services.settling import network_view, settle

BATCH = 200
# Golden and calibration targets have everybody's votes, so fewer of them are computed at once.
BATCH_VOTES = 20_000
# Retirement uses this estimator's errors, whichever is published: they are calibrated (decision 12).
SURENESS = "robust"
# A refit changes nearly every robust estimate slightly. Changes below this, or below this share of the error, are not
# stored.
NO_NEWS_DEG = 0.05
NO_NEWS_SIGMA = 0.1
# The votes to go are for planning only; smaller changes are not stored.
NO_NEWS_VOTES = 0.1
# Golden targets have everybody's comments; only the latest are kept.
PROBE_REMARKS = 20
# An enumeration makes this list again on each access.

_STALE = """
    SELECT id, vote_count FROM labeling_target
     WHERE stale_since IS NOT NULL AND (%(campaign)s::bigint IS NULL OR campaign_id = %(campaign)s)
     ORDER BY stale_since LIMIT %(batch)s
"""

_JUDGED = """
    SELECT id, vote_count FROM labeling_target target
     WHERE campaign_id = %(campaign)s AND id > %(after)s
       AND EXISTS (SELECT FROM labeling_vote vote WHERE vote.target_id = target.id)
     ORDER BY id LIMIT %(batch)s
"""

_HOLD = """
    SELECT target.id FROM labeling_target target JOIN unnest(%s::bigint[], %s::text[]) AS seen(id, version)
        ON seen.id = target.id
     WHERE target.xmin::text = seen.version ORDER BY target.id FOR NO KEY UPDATE OF target SKIP LOCKED
"""

_SETTLE = """
    UPDATE labeling_target target
       SET state = fresh.state, quota = fresh.quota, need = fresh.need, votes_to_go = fresh.votes_to_go,
           doubt = fresh.doubt, stale_since = NULL,
           retired_at = CASE WHEN fresh.is_done THEN COALESCE(target.retired_at, statement_timestamp()) END
      FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::int[], %s::float8[], %s::text[], %s::bool[])
           AS fresh(id, state, quota, need, votes_to_go, doubt, is_done)
     WHERE target.id = fresh.id
"""

OnProgress = Callable[[int, int], None]


@dataclass(slots=True)
class _Case:
    """A target with its votes and the new results; ``before`` holds the values of its row when it was read."""

    target: Target
    before: tuple[Any, ...]
    judgements: list[Judgement] = field(default_factory=list)
    opinions: list[Opinion] = field(default_factory=list)
    verdict: VerdictResult = field(default_factory=lambda: verdict_of([]))
    news: list[Consensus] = field(default_factory=list)
    replaced: list[int] = field(default_factory=list)

    @property
    def version(self) -> str:
        return str(self.target.version)  # type: ignore[attr-defined]  # annotated by _cases

    @property
    def has_changed(self) -> bool:
        """Whether the target's row or a consensus has to be written."""
        *same, to_go, stale_since = self.before
        *same_now, to_go_now, _stale = _row(self.target)
        if self.news or stale_since is not None or same != same_now or (to_go is None) != (to_go_now is None):
            return True
        return to_go is not None and abs(to_go - to_go_now) >= NO_NEWS_VOTES


def _row(target: Target) -> tuple[Any, ...]:
    is_done = target.retired_at is not None
    return target.state, target.quota, target.need, target.doubt, is_done, target.votes_to_go, target.stale_since


def estimator_for(name: str) -> Estimator:
    """Return a registered estimator; raises Refused, which lists the known ones."""
    try:
        return estimator_named(name)
    except UnknownRule as error:
        raise Refused("unknown_estimator", str(error)) from None


def consensus_refresh(
    *, campaign: Campaign | None = None, max_batches: int | None = None, on_progress: OnProgress | None = None
) -> int:
    """Recompute stale targets, oldest first; return how many. Those written meanwhile wait for the next round."""
    total = stale_targets(campaign) if on_progress else 0
    done = 0
    batches = 0
    while max_batches is None or batches < max_batches:
        ids, is_last = _ids(_STALE, campaign=campaign.pk if campaign else None)
        settled = len(ids) - len(_recompute(ids))
        done += settled
        batches += 1
        if on_progress:
            on_progress(done, max(total, done))
        if is_last or settled == 0:
            break
    return done


def stale_targets(campaign: Campaign | None = None) -> int:
    """Return how many targets need a new consensus."""
    stale = Target.objects.filter(stale_since__isnull=False)
    return (stale.filter(campaign=campaign) if campaign else stale).count()


def consensus_follow_fit(
    *,
    campaign: Campaign,
    no_news_sigma: float = NO_NEWS_SIGMA,
    rest: float = 0.0,
    on_progress: OnProgress | None = None,
) -> int:
    """Recompute every judged target of a campaign with its current fit, in small batches by id; return how many.

    New votes take precedence: the targets that they change are recomputed before each batch. A consensus is replaced if
    it changed by more than ``no_news_sigma`` times its standard error. After each batch the function sleeps ``rest``
    times as long as the batch took, because it shares the cores with people who vote.
    """
    total = Target.objects.filter(campaign=campaign, vote_count__gt=0).count() if on_progress else 0
    done = after = 0
    is_last = False
    while not is_last:
        consensus_refresh()
        ids, is_last = _ids(_JUDGED, campaign=campaign.pk, after=after)
        if not ids:
            break
        began = time.monotonic()
        left = _recompute(ids, no_news_sigma=no_news_sigma)
        if left:
            Target.mark_stale(left)
        after = ids[-1]
        done += len(ids)
        if on_progress:
            on_progress(done, max(total, done))
        time.sleep(rest * (time.monotonic() - began))
    consensus_refresh(campaign=campaign)
    return done


def _ids(statement: str, **values: Any) -> tuple[list[int], bool]:
    """Return the next targets to recompute, of at most `BATCH_VOTES` votes together, and whether they are the last."""
    with connection.cursor() as cursor:
        cursor.execute(statement, {**values, "batch": BATCH})
        rows = cursor.fetchall()
    ids: list[int] = []
    votes = 0
    for target_id, vote_count in rows:
        votes += vote_count
        if ids and votes > BATCH_VOTES:
            return ids, False
        ids.append(target_id)
    return ids, len(rows) < BATCH


def _recompute(target_ids: Sequence[int], *, no_news_sigma: float = 0.0) -> list[int]:
    """Recompute targets and store what changed; return those that were written by others in the meantime."""
    if not target_ids:
        return []
    cases = _cases(target_ids)
    by_campaign: dict[int, list[_Case]] = {}
    for case in cases.values():
        by_campaign.setdefault(case.target.campaign_id, []).append(case)
    fresh = [consensus for group in by_campaign.values() for consensus in _consensuses(group)]
    _sort_out_news(cases, fresh, no_news_sigma)
    return _store([case for case in cases.values() if case.has_changed])


def _store(cases: Sequence[_Case]) -> list[int]:
    """Write the changes in one short transaction; return the ids of targets that others have written."""
    if not cases:
        return []
    with transaction.atomic(), connection.cursor() as cursor:
        fits = {consensus.fit_id for case in cases for consensus in case.news if consensus.fit_id is not None}
        cursor.execute("SELECT id FROM labeling_crowdfit WHERE id = ANY(%s) FOR KEY SHARE", [list(fits)])
        if len(cursor.fetchall()) < len(fits):
            # The next fit has deleted this one, to which nothing referred: everything must be recomputed with the new
            # one.
            return [case.target.pk for case in cases]
        cursor.execute(_HOLD, [[case.target.pk for case in cases], [case.version for case in cases]])
        held = {row[0] for row in cursor.fetchall()}
        mine = [case for case in cases if case.target.pk in held]
        Consensus.objects.filter(pk__in=[pk for case in mine for pk in case.replaced]).update(is_current=False)
        Consensus.objects.bulk_create([consensus for case in mine for consensus in case.news], batch_size=2 * BATCH)
        targets = [case.target for case in mine]
        columns = [
            [getattr(target, name) for target in targets]
            for name in ("pk", "state", "quota", "need", "votes_to_go", "doubt")
        ]
        cursor.execute(_SETTLE, [*columns, [target.retired_at is not None for target in targets]])
    return [case.target.pk for case in cases if case.target.pk not in held]


def _cases(target_ids: Sequence[int]) -> dict[int, _Case]:
    # The version is read before the votes, so that a vote in between is noticed.
    targets = Target.objects.filter(id__in=target_ids).select_related("campaign", "galaxy")
    versioned = targets.annotate(version=RawSQL("labeling_target.xmin::text", []))
    cases = {target.pk: _Case(target, _row(target)) for target in versioned}
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
    return cases


def _consensuses(cases: Sequence[_Case]) -> Iterable[Consensus]:
    """Yield one campaign's new consensuses by every estimator; the campaign's own sets the targets' state."""
    campaign = cases[0].target.campaign
    galaxies = {case.target.pk: case.opinions for case in cases}
    fit = current_fit(campaign)
    people = {opinion.volunteer_id for case in cases for opinion in case.opinions}
    calibration = calibration_of(fit, sorted(people))
    network = network_view(campaign, list(galaxies))
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
    """Return the target's progress, and the status by the campaign's rule; ``sure`` has the error that decides."""
    progress = Progress(
        volunteer_count=len(case.opinions),
        overlap=campaign.overlap,
        is_split=case.verdict.is_split,
        sigma_deg=sure.sigma_deg if case.verdict.verdict == ACCEPTED else None,
        asked=case.target.asked,
        is_decided=any(opinion.supervisor_rank > 0 for opinion in case.opinions),
        # A galaxy in doubt counts as finished: a network's doubt must not influence the rule.
        is_retired=case.target.state == Target.State.RETIRED or bool(case.target.doubt),
    )
    return progress, retirement_rule(campaign.retirement)[1](progress)


def _consensus(
    case: _Case, campaign: Campaign, estimator: Estimator, estimate: Estimate, status: Status, fit: CrowdFit | None
) -> Consensus:
    version = retirement_rule(campaign.retirement)[0]
    count = len(case.opinions)
    is_probe = case.target.purpose != Target.Purpose.LABEL
    remarks = [judgement.comment for judgement in case.judgements if judgement.comment]
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
        note=note_of(reasons, remarks[-PROBE_REMARKS:] if is_probe else remarks, REASONS),
        # Everybody votes on golden and calibration targets, so lists of their votes would grow without bound.
        vote_ids=[] if is_probe else [judgement.vote_id for judgement in case.judgements],
    )


_SAME: tuple[str, ...] = (
    "rule_version", "verdict", "is_split", "status",
    "volunteer_count", "verdict_counts", "reason_counts", "note", "vote_ids",
)  # fmt: skip


def _sort_out_news(cases: Mapping[int, _Case], fresh: Sequence[Consensus], no_news_sigma: float) -> None:
    """Give each case the consensuses that differ from its current ones, which then become history."""
    current = {
        (old.target_id, old.estimator): old for old in Consensus.objects.filter(target_id__in=cases, is_current=True)
    }
    for new in fresh:
        old = current.get((new.target_id, new.estimator))
        if not _is_same(old, new, no_news_sigma):
            cases[new.target_id].news.append(new)
            cases[new.target_id].replaced += [old.pk] if old else []


def _is_same(old: Consensus | None, new: Consensus, no_news_sigma: float) -> bool:
    if old is None or any(getattr(old, name) != getattr(new, name) for name in _SAME):
        return False
    published = old.inclination_published_deg, new.inclination_published_deg
    # The exact rule also compares the published whole degree.
    if (None in published or no_news_sigma == 0) and published[0] != published[1]:
        return False
    least_deg = max(NO_NEWS_DEG, no_news_sigma * (old.sigma_deg or 0.0))
    figures = ((old.inclination_deg, new.inclination_deg), (old.sigma_deg, new.sigma_deg))
    return all(
        before is after if before is None or after is None else abs(before - after) < least_deg
        for before, after in figures
    )


def consensus_rebuild(
    *, campaign: Campaign, estimator: str | None = None, on_progress: OnProgress | None = None
) -> int:
    """Refit the volunteers and recompute the whole campaign; return how many targets were recomputed.

    ``estimator``, if given, becomes the campaign's. People call this by hand, so it is exact: a consensus that changed
    by 0.05° is replaced.
    """
    if estimator is not None and estimator != campaign.estimator:
        estimator_for(estimator)
        campaign.estimator = estimator
        campaign.save(update_fields=["estimator"])
    estimator_for(campaign.estimator)
    campaign_refit(campaign=campaign)
    return consensus_follow_fit(campaign=campaign, no_news_sigma=0.0, on_progress=on_progress)
