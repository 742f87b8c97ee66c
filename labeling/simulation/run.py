"""Run a simulated crowd: it leases, votes and skips through the same services as the API."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from django.contrib.auth.hashers import make_password
from django.db.models import Count, Q, Sum

from giz.accounts.models import User
from giz.catalog.models import SyntheticTruth
from giz.core.errors import Refused
from labeling.aggregation.agreement import errors_against
from labeling.aggregation.estimators import ESTIMATORS
from labeling.aggregation.outlook import votes_to_go
from labeling.aggregation.retirement import Progress
from labeling.leased_task import LeasedTask
from labeling.models import Campaign, Target, Vote
from labeling.reports.data import labels_of
from labeling.rules import SIMULATED_SOURCE, WEIGHTLESS_FLAGS
from labeling.selectors import VOTES_TO_GO
from labeling.services.consensus import consensus_follow_fit, consensus_refresh
from labeling.services.leases import task_lease, task_skip
from labeling.services.plausibility import suspicion_confirm, suspicions_find
from labeling.services.refits import calibration_of, campaign_refit, current_fit
from labeling.services.votes import vote_record
from labeling.simulation.clock import age_lease, age_retirements, age_vote
from labeling.simulation.comparison_player import ComparisonPlayer
from labeling.simulation.crowd import Perception, Truth, perceive, person
from standards.selectors import set_standards

# The consensus is refreshed after this many votes, the volunteers are refitted after a fifth more votes than before. (A
# site refits after a twentieth more, which would take longer than everything else here.)
VOTES_A_ROUND = 50
REFIT_GROWTH = 1.2
LEASE_SHARE = 0.9

_PICKS = 3
_KEYS = uuid.UUID("5d5ab3f7-3f0b-4d5e-9f5c-3f6f1f0c7a51")

OnProgress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class CrowdOptions:
    """A simulated crowd and its votes, which are spread over the last ``days`` days."""

    volunteers: int
    votes: int
    seed: int = 1
    robots: float = 0.0
    days: float = 0.0


class SimulatedCrowd:
    """One run. The seed decides who votes when; the services choose the galaxies."""

    def __init__(self, campaign: Campaign, options: CrowdOptions) -> None:
        self._campaign = campaign
        self._options = options
        self._truths = _truths(campaign)
        self._habits = [person(options.seed, n, robots=options.robots) for n in range(options.volunteers)]
        self._accounts = _accounts(options.seed, options.volunteers)
        self._has_work = np.ones(options.volunteers, dtype=bool)
        self._skipped: set[uuid.UUID] = set()
        self._left = 1
        # Votes by others and by earlier runs; the votes of this run that the last fit has seen, None before the first.
        self._earlier = 0
        self._fitted: int | None = None
        self._ago_s = 0.0

    def run(self, on_progress: OnProgress, *, done: int = 0, after_round: Callable[[int], None]) -> int:
        """Give the missing votes; call ``after_round`` with their number after each round.

        Returns the final number, which is smaller than asked for if nobody has a galaxy left.
        """
        given = done
        self._earlier = Vote.objects.filter(target__campaign=self._campaign).count() - done
        self._look_ahead(done)
        self._ago_s = timedelta(days=self._options.days).total_seconds() * self._left / (done + self._left)
        for given in self._votes(done):
            if given % VOTES_A_ROUND == 0:
                consensus_refresh(campaign=self._campaign)
                seen = done if self._fitted is None else self._fitted
                if self._earlier + given > REFIT_GROWTH * (self._earlier + seen):
                    self._refit(given)
                after_round(given)
                self._look_ahead(given)
            on_progress(given, self._options.votes, "")
        if given != self._fitted:
            self._refit(given)
        after_round(given)
        return given

    def _votes(self, done: int) -> Iterator[int]:
        """Yield the number of votes after each vote, until all are given or nobody has a galaxy left.

        The consensus asks for more votes if people disagree, and a refit if it finds robots or larger errors; then
        everybody tries again.
        """
        given = turn = done
        given_before = -1
        while given < self._options.votes:
            who = self._next_person(turn)
            turn += 1
            if who is None:
                if given != given_before:
                    consensus_refresh(campaign=self._campaign)
                elif given != self._fitted:
                    self._refit(given)
                else:
                    return
                given_before = given
                self._has_work[:] = True
                continue
            if self._turn(who):
                given += 1
                yield given

    def _next_person(self, turn: int) -> int | None:
        """Choose a person at random by eagerness, among those who still have galaxies to judge."""
        eagerness = np.array([habits.eagerness for habits in self._habits]) * self._has_work
        if not eagerness.any():
            return None
        rng = np.random.default_rng([self._options.seed, _PICKS, turn])
        return int(rng.choice(eagerness.size, p=eagerness / eagerness.sum()))

    def _turn(self, who: int) -> bool:
        """Serve one person a galaxy; return whether they voted."""
        account = self._accounts[who]
        try:
            task, _is_new = task_lease(volunteer=account, campaign=self._campaign.name)
        except Refused as refused:
            if refused.code not in ("all_done", "busy"):
                raise
            self._has_work[who] = refused.code == "busy"
            return False
        pgc, truth = self._truths[task.galaxy_id]
        seen, rng = perceive(self._habits[who], truth, seed=self._options.seed, number=who, pgc=pgc)
        if seen.is_skipped:
            task_skip(volunteer=account, task_id=task.id)
            # Skipped galaxies are served again once nothing else is left; these people would only skip them again.
            self._has_work[who] = task.id not in self._skipped
            self._skipped.add(task.id)
            return False
        self._vote(account, task, seen, rng)
        if self._options.days:
            self._ago_s *= 1 - 1 / self._left
            self._left = max(self._left - 1, 1)
            age_vote(task.id, self._ago_s)
        return True

    def _look_ahead(self, given: int) -> None:
        """Estimate how many votes are left: with ``days``, each takes an equal share of the time until now."""
        self._left = max(min(self._options.votes - given, _missing_votes(self._campaign)), 1)

    def _vote(self, account: User, task: LeasedTask, seen: Perception, rng: np.random.Generator) -> None:
        longest_s = LEASE_SHARE * 60 * self._campaign.lease_minutes
        age_lease(task.id, min(seen.seconds, longest_s))
        key = uuid.uuid5(_KEYS, str(task.id))
        if seen.reasons:
            vote_record(
                volunteer=account, key=key, task_id=task.id, trace=None, verdict="rejected", reasons=seen.reasons
            )
            return
        shown = set_standards(task.standard_set_id).for_target(task.galaxy_id)
        player = ComparisonPlayer(shown.sources, shown.orders(task.seed), rng)
        said, trace = player.place(seen.perceived_deg)
        vote_record(volunteer=account, key=key, task_id=task.id, trace=trace, verdict=said)

    def _refit(self, given: int) -> None:
        """Do what staff and the refit job do: discount robots, refit the volunteers, update the consensuses."""
        self._fitted = given
        for suspicion in suspicions_find(campaign=self._campaign):
            # On a real site staff decide; here it is known which accounts are simulated.
            if suspicion.volunteer.import_source == SIMULATED_SOURCE:
                suspicion_confirm(suspicion=suspicion)
        campaign_refit(campaign=self._campaign)
        consensus_follow_fit(campaign=self._campaign)
        if self._options.days:
            age_retirements(self._campaign)


def _missing_votes(campaign: Campaign) -> int:
    """Return about how many votes are still needed, including those due to disagreement."""
    open_ones = Target.objects.filter(campaign=campaign, purpose=Target.Purpose.LABEL, state=Target.State.OPEN)
    unplanned = open_ones.filter(votes_to_go=None, vote_count=0).count()
    progress = Progress(volunteer_count=0, overlap=campaign.overlap, is_split=False, sigma_deg=None)
    crowd = calibration_of(current_fit(campaign), []).crowd
    each = votes_to_go(campaign.retirement, progress, inclination_deg=None, prediction=None, crowd=crowd)
    begun = open_ones.exclude(votes_to_go=None, vote_count=0).aggregate(votes=Sum(VOTES_TO_GO))["votes"] or 0
    return round(unplanned * each + begun)


def refuse_real_galaxies(campaign: Campaign) -> None:
    """Raise Refused if the campaign has real galaxies: simulated votes on them could be mistaken for people's."""
    real = Target.objects.filter(campaign=campaign, galaxy__truth__isnull=True)
    first = real.select_related("galaxy").first()
    if first is not None:
        raise Refused(
            "real_galaxies",
            f"Campaign {campaign.name} has {real.count()} galaxies whose true inclination is unknown ({first.galaxy} "
            "for one). Simulated people judge synthetic galaxies only, so that no made-up vote is ever taken for a "
            "person's. `manage.py demo` makes a campaign for them.",
            status=409,
        )
    if not Target.objects.filter(campaign=campaign).exists():
        raise Refused("no_targets", f"Campaign {campaign.name} has no galaxies to judge.", status=409)


def _truths(campaign: Campaign) -> dict[int, tuple[int, Truth]]:
    """Return the PGC number and the truth of each target's galaxy, by galaxy id."""
    rows = SyntheticTruth.objects.filter(galaxy__targets__campaign=campaign)
    return {
        galaxy_id: (pgc, Truth(inclination_deg, reason))
        for galaxy_id, pgc, inclination_deg, reason in rows.values_list(
            "galaxy_id", "galaxy__pgc", "inclination_deg", "reject_reason"
        )
    }


def _accounts(seed: int, count: int) -> list[User]:
    """Return a crowd's accounts, created if missing: without e-mail and password, marked by their origin."""
    names = [f"{seed}-{number}" for number in range(count)]
    of_crowd = User.objects.filter(import_source=SIMULATED_SOURCE, import_name__in=names)
    known = set(of_crowd.values_list("import_name", flat=True))
    User.objects.bulk_create(
        [
            User(email=None, import_source=SIMULATED_SOURCE, import_name=name, password=make_password(None))
            for name in names
            if name not in known
        ],
        ignore_conflicts=True,
    )
    by_name = {user.import_name: user for user in of_crowd.all()}
    return [by_name[name] for name in names]


def campaign_score(campaign: Campaign) -> dict[str, Any]:
    """Return errors by estimator over the accepted galaxies of known inclination, and counts of galaxies and votes."""
    errors = {}
    for name in ESTIMATORS:
        labels = labels_of(campaign, name)
        found = errors_against(labels.inclination_deg, labels.sigma_deg, labels.truth_deg)
        errors[name] = asdict(found) if found else None
    counts = Target.objects.filter(campaign=campaign).aggregate(
        galaxies=Count("id"),
        judged=Count("id", filter=Q(vote_count__gt=0)),
        retired=Count("id", filter=Q(state=Target.State.RETIRED)),
        counted=Sum("vote_count"),
    )
    votes = Vote.objects.filter(target__campaign=campaign, volunteer__import_source=SIMULATED_SOURCE)
    discounted = votes.filter(flags__overlap=list(WEIGHTLESS_FLAGS))
    return {
        "errors": errors,
        **counts,
        "votes_a_galaxy": (counts["counted"] or 0) / counts["judged"] if counts["judged"] else 0.0,
        "implausible": discounted.values("volunteer").distinct().count(),
    }
