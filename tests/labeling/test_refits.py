"""Full fits of a campaign: stored by version, named by every consensus, done again when worth it; weightless votes."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from giz.core.jobs import run_job
from labeling.jobs import refit_job
from labeling.models import Campaign, Consensus, CrowdFit, Target, VolunteerFit, Vote
from labeling.services.consensus import consensus_follow_fit, consensus_rebuild, consensus_refresh
from labeling.services.plausibility import suspicion_confirm, suspicion_dismiss, suspicions_find
from labeling.services.refits import campaign_refit, campaigns_to_refit
from tests.history import history_unlocked
from tests.labeling.sky import make_campaign, make_volunteer, trace_to

pytestmark = pytest.mark.django_db


def store(campaign: Campaign, volunteer: Any, target: Target, inclination_deg: float | None, **extra: Any) -> Vote:
    """A counted vote as `vote_record` stores it; None is a rejection."""
    values: dict[str, Any] = {"verdict": "J", "reasons": ["disturbed"]}
    if inclination_deg is not None:
        values = {
            "verdict": "A",
            "inclination_deg": inclination_deg,
            "inclination_rounded_deg": int(inclination_deg),
            "trace": trace_to(inclination_deg),
        }
    values |= {"key": uuid.uuid4(), "body_hash": "0" * 64, **extra}
    return Vote.objects.create(target=target, volunteer=volunteer, standard_set=campaign.standard_set, **values)


@pytest.fixture
def judged(db: None) -> Campaign:
    """Thirty galaxies; three people judge each, the third two degrees too high."""
    campaign = make_campaign(targets=30)
    people = [make_volunteer(number) for number in range(3)]
    for number, target in enumerate(Target.objects.order_by("pk")):
        for person, offset_deg in zip(people, (0, 0, 2), strict=True):
            store(campaign, person, target, 50.5 + number + offset_deg)
    return campaign


def robust_of(target: Target) -> Consensus:
    return Consensus.objects.get(target=target, estimator="robust", is_current=True)


def test_both_estimators_are_computed_and_robust_names_its_fit(judged: Campaign) -> None:
    assert consensus_rebuild(campaign=judged) == 30
    assert Consensus.objects.filter(is_current=True, estimator="median", fit=None).count() == 30
    fit = CrowdFit.objects.get()
    robust = Consensus.objects.filter(is_current=True, estimator="robust", fit=fit)
    assert robust.count() == 30
    found = robust.first()
    assert found is not None
    assert found.rule_version == "robust-2+verdict-1+fixed-2+published-1"
    assert len(found.vote_ids) == 3
    assert found.sigma_deg is not None


def test_a_fit_keeps_what_it_learnt_of_each_volunteer(judged: Campaign) -> None:
    fit = campaign_refit(campaign=judged)
    assert fit is not None
    assert (fit.vote_count, fit.galaxy_count, fit.volunteer_count) == (90, 30, 3)
    offsets = list(VolunteerFit.objects.filter(fit=fit).order_by("volunteer_id").values_list("offset_deg", flat=True))
    assert offsets[2] > max(offsets[:2]) + 0.5


def test_a_later_fit_takes_over_and_unnamed_ones_are_forgotten(judged: Campaign) -> None:
    first, second = campaign_refit(campaign=judged), campaign_refit(campaign=judged)
    assert first is not None
    assert second is not None
    assert list(CrowdFit.objects.all()) == [second]
    consensus_rebuild(campaign=judged)
    campaign_refit(campaign=judged)
    assert CrowdFit.objects.filter(is_current=True).count() == 1
    assert CrowdFit.objects.count() == 2


def test_a_refit_that_moves_nothing_makes_no_history(judged: Campaign) -> None:
    consensus_rebuild(campaign=judged)
    consensus_rebuild(campaign=judged)
    settled = Consensus.objects.count()
    consensus_rebuild(campaign=judged)
    assert Consensus.objects.count() - settled <= 2


@pytest.mark.finding("review 4.6")
def test_a_refit_keeps_what_moved_within_its_error_and_aggregating_by_hand_does_not(judged: Campaign) -> None:
    consensus_rebuild(campaign=judged)
    consensus_rebuild(campaign=judged)
    rows = Consensus.objects.count()
    robust = Consensus.objects.filter(estimator="robust", is_current=True)
    robust.update(inclination_deg=F("inclination_deg") + 0.08 * F("sigma_deg"))
    consensus_follow_fit(campaign=judged)
    assert Consensus.objects.count() == rows
    robust.update(inclination_deg=F("inclination_deg") + 0.08 * F("sigma_deg"))
    consensus_follow_fit(campaign=judged)
    assert Consensus.objects.count() == rows + 30, "small moves do not add up unseen"
    robust.update(inclination_deg=F("inclination_deg") + 0.08 * F("sigma_deg"))
    consensus_rebuild(campaign=judged)
    assert Consensus.objects.count() >= rows + 60


def test_before_the_first_fit_the_priors_serve(judged: Campaign) -> None:
    target = Target.objects.order_by("pk")[5]
    Target.objects.filter(pk=target.pk).update(stale_since="2026-01-01T00:00:00Z")
    assert consensus_refresh(campaign=judged) == 1
    found = robust_of(target)
    assert found.fit is None
    assert found.inclination_deg == pytest.approx(56.2, abs=2)


def test_a_galaxy_whose_people_all_reject_gets_no_robust_inclination(judged: Campaign) -> None:
    target = Target.objects.order_by("pk")[0]
    with history_unlocked():
        Vote.objects.filter(target=target).delete()
    for person in range(3):
        store(judged, make_volunteer(10 + person), target, None)
    consensus_rebuild(campaign=judged)
    found = robust_of(target)
    assert (found.verdict, found.inclination_deg, found.sigma_deg) == ("J", None, None)


def test_campaigns_are_fitted_again_after_enough_new_votes(judged: Campaign) -> None:
    assert campaigns_to_refit() == [judged]
    campaign_refit(campaign=judged)
    assert campaigns_to_refit() == []
    person = make_volunteer(20)
    for target in Target.objects.order_by("pk")[:20]:
        store(judged, person, target, 60.5)
    assert campaigns_to_refit() == [judged]


def test_the_refit_job_fits_and_refreshes(judged: Campaign) -> None:
    done = run_job(refit_job(campaign=judged))
    assert done.state == "done"
    assert (done.result["votes"], done.result["targets"], done.result["suspected"]) == (90, 30, 0)
    empty = run_job(refit_job(campaign=make_campaign("void", targets=1, standard_set=judged.standard_set)))
    assert empty.result == {"votes": 0}


def test_a_robot_loses_its_weight_by_staffs_word_and_gets_it_back(judged: Campaign) -> None:
    consensus_rebuild(campaign=judged)
    target = Target.objects.order_by("pk")[25]
    before = robust_of(target).inclination_deg
    robot = make_volunteer(30)
    for other in Target.objects.order_by("pk"):
        store(judged, robot, other, 47.5)
    (found,) = suspicions_find(campaign=judged)
    assert (found.volunteer, found.state) == (robot, "open")
    consensus_rebuild(campaign=judged)
    assert robust_of(target).volunteer_count == 4, "a suspicion takes no weight"
    assert suspicion_confirm(suspicion=found) == 30
    consensus_rebuild(campaign=judged)
    assert robust_of(target).inclination_deg == pytest.approx(before, abs=0.05)
    assert robust_of(target).volunteer_count == 3
    assert suspicion_dismiss(suspicion=found) == 30
    assert suspicions_find(campaign=judged) == []
    consensus_rebuild(campaign=judged)
    assert robust_of(target).volunteer_count == 4


@pytest.mark.finding("review 14")
def test_no_trace_is_read_to_find_who_does_not_look(judged: Campaign) -> None:
    with CaptureQueriesContext(connection) as queries:
        suspicions_find(campaign=judged)
    assert not [query for query in queries if "trace" in query["sql"]]


def test_a_refresh_asks_the_database_as_often_for_many_galaxies_as_for_few(judged: Campaign) -> None:
    consensus_rebuild(campaign=judged)
    counts = []
    for galaxies in (2, 20):
        chosen = Target.objects.order_by("pk").values_list("pk", flat=True)[:galaxies]
        Target.objects.filter(pk__in=list(chosen)).update(stale_since="2026-01-01T00:00:00Z")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            consensus_refresh(campaign=judged, max_batches=1)
        counts.append(len(queries))
    assert counts[0] == counts[1]
