"""What becomes of a target once its consensus is known: it stays open, is done, or waits for a supervisor.

A network has no say in whether people are done; it may only have a supervisor look where it disagrees with them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models.functions import Now

from labeling.aggregation.doubt import UNKNOWN_STANDING, Said, Standing, doubt_of
from labeling.aggregation.estimators import Estimate
from labeling.aggregation.need import need_of
from labeling.aggregation.outlook import votes_to_go
from labeling.aggregation.retirement import Progress, wants_another
from labeling.aggregation.robust_model import Crowd
from labeling.models import Campaign, Consensus, NetworkAnswer, NetworkOrder, Target

MAX_QUOTA = 12


@dataclass(frozen=True, slots=True)
class Network:
    """What the network said of targets, by their ids, and how well it does in their campaign."""

    said: Mapping[int, Said] = field(default_factory=dict)
    standing: Standing = UNKNOWN_STANDING


def network_of(campaign: Campaign, target_ids: Sequence[int]) -> Network:
    """Read what a campaign's network says; nothing where it orders no queue. What staff dismissed is left out."""
    order = NetworkOrder.objects.filter(campaign=campaign).first()
    if order is None:
        return Network()
    answers = NetworkAnswer.objects.filter(target_id__in=target_ids, is_dismissed=False)
    rows = answers.values_list("target_id", "inclination_deg", "sigma_deg", "rejection", "spread_deg")
    return Network({row[0]: Said(*row[1:]) for row in rows}, standing_in(order))


def standing_in(order: NetworkOrder) -> Standing:
    return Standing(order.compared, order.bias_deg, order.error_scale, order.verdicts, order.agreement)


def settle(
    target: Target,
    *,
    status: str,
    rule: str,
    progress: Progress,
    verdict: str,
    estimate: Estimate,
    network: Network,
    crowd: Crowd,
) -> None:
    """Retire the target, hand it to the supervisors, or keep it open and say how much it needs another vote."""
    target.stale_since = None
    if target.purpose != Target.Purpose.LABEL:
        # Everybody judges golden and calibration targets; they are never done.
        target.doubt, target.votes_to_go = "", None
        return
    said = network.said.get(target.pk)
    target.doubt = ""
    target.votes_to_go = 0.0
    if status == Consensus.Status.OPEN:
        target.votes_to_go = votes_to_go(
            rule, progress, inclination_deg=estimate.inclination_deg, said=said, crowd=crowd
        )
        _keep_open(target, rule, progress)
    elif status == Consensus.Status.EXPERT:
        target.retired_at = None
        _ask_supervisor(target)
    else:
        # bulk_update takes expressions; this one is the database's clock.
        target.retired_at = target.retired_at or Now()
        if said is not None and not progress.is_decided:
            target.doubt = doubt_of(
                verdict=verdict,
                inclination_deg=estimate.inclination_deg,
                sigma_deg=estimate.sigma_deg,
                said=said,
                standing=network.standing,
            )
        if target.doubt:
            _ask_supervisor(target)
        else:
            target.state = Target.State.RETIRED


def _keep_open(target: Target, rule: str, progress: Progress) -> None:
    target.state = Target.State.OPEN
    target.retired_at = None
    target.need = need_of(rule, progress, wanted=target.wanted)
    # A quota of 0 marks a target that only holds imported votes and is served to nobody.
    is_full = target.vote_count + target.lease_count >= target.quota > 0
    if wants_another(rule, progress) and is_full and target.lease_count == 0 and target.quota < MAX_QUOTA:
        target.quota += 1


def _ask_supervisor(target: Target) -> None:
    target.state = Target.State.EXPERT
    if target.quota > 0:
        target.quota = max(target.quota, target.vote_count + target.lease_count + 1)
