"""Apply a new consensus to its target: keep it open, retire it, or let it wait for a supervisor.

A network has no influence on when a galaxy is finished; it can only make a supervisor look if it disagrees with people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models.functions import Now

from labeling.aggregation.doubt import NO_RECORD, NetworkEstimate, TrackRecord, doubt_of
from labeling.aggregation.estimators import Estimate
from labeling.aggregation.need import need_of
from labeling.aggregation.outlook import votes_to_go
from labeling.aggregation.retirement import Progress
from labeling.aggregation.robust_model import Crowd
from labeling.models import Campaign, Consensus, NetworkAnswer, NetworkOrder, Target


@dataclass(frozen=True, slots=True)
class NetworkView:
    """A network's predictions by target id, and its performance in the campaign."""

    predictions: Mapping[int, NetworkEstimate] = field(default_factory=dict)
    record: TrackRecord = NO_RECORD


def network_view(campaign: Campaign, target_ids: Sequence[int]) -> NetworkView:
    """Read the predictions of a campaign's network without those that staff dismissed; empty if it orders no queue."""
    order = NetworkOrder.objects.filter(campaign=campaign).first()
    if order is None:
        return NetworkView()
    answers = NetworkAnswer.objects.filter(target_id__in=target_ids, is_dismissed=False)
    rows = answers.values_list("target_id", "inclination_deg", "sigma_deg", "rejection", "spread_deg")
    record = TrackRecord(order.compared, order.bias_deg, order.error_scale, order.verdicts, order.agreement)
    return NetworkView({row[0]: NetworkEstimate(*row[1:]) for row in rows}, record)


def settle(
    target: Target,
    *,
    status: str,
    rule: str,
    progress: Progress,
    verdict: str,
    estimate: Estimate,
    network: NetworkView,
    crowd: Crowd,
) -> None:
    """Retire the target, pass it to the supervisors, or keep it open with its need of another vote."""
    target.stale_since = None
    if target.purpose != Target.Purpose.LABEL:
        # Everybody judges golden and calibration targets; they are never finished.
        target.doubt, target.votes_to_go = "", None
        return
    prediction = network.predictions.get(target.pk)
    target.doubt = ""
    target.votes_to_go = 0.0
    if status == Consensus.Status.OPEN:
        target.votes_to_go = votes_to_go(
            rule, progress, inclination_deg=estimate.inclination_deg, prediction=prediction, crowd=crowd
        )
        _keep_open(target, rule, progress)
    elif status == Consensus.Status.EXPERT:
        target.retired_at = None
        _ask_supervisor(target)
    else:
        # The time comes from the database's clock, and stays if the target was retired before.
        target.retired_at = target.retired_at or Now()
        if prediction is not None and not progress.is_decided:
            target.doubt = doubt_of(
                verdict=verdict,
                inclination_deg=estimate.inclination_deg,
                sigma_deg=estimate.sigma_deg,
                prediction=prediction,
                record=network.record,
            )
        if target.doubt:
            _ask_supervisor(target)
        else:
            target.state = Target.State.RETIRED


def _keep_open(target: Target, rule: str, progress: Progress) -> None:
    target.state = Target.State.OPEN
    target.retired_at = None
    target.need = need_of(rule, progress, wanted=target.wanted)
    # A quota of 0 marks a target with imported votes only, which is served to nobody. There is no other limit: the rule
    # comes to an end, and votes without weight must not use up the slots of others.
    is_full = target.vote_count + target.lease_count >= target.quota > 0
    if is_full and target.lease_count == 0:
        target.quota += 1


def _ask_supervisor(target: Target) -> None:
    target.state = Target.State.EXPERT
    if target.quota > 0:
        target.quota = max(target.quota, target.vote_count + target.lease_count + 1)
