"""A simulated crowd goes through the real services, and the labels come out near the truth."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F, Max, Min
from django.db.models.functions import Now

from giz.accounts.models import User
from giz.core.jobs import run_job
from labeling.models import Consensus, Target, Task, Vote
from labeling.rules import SIMULATED_SOURCE
from labeling.selectors import site_stats
from labeling.services.figures import figures_count
from labeling.simulation.crowd import person
from labeling.simulation.jobs import simulate_job
from tests.labeling.simulation.sky import make_known_campaign
from tests.labeling.sky import make_campaign
from tests.refusals import refuses

pytestmark = pytest.mark.django_db


def simulated(campaign: Any, **options: Any) -> dict[str, Any]:
    job = simulate_job(campaign=campaign, **{"volunteers": 12, "votes": 120, **options})
    return run_job(job).result


def test_a_crowd_judges_a_whole_campaign_and_its_labels_are_near_the_truth() -> None:
    campaign = make_known_campaign()
    result = simulated(campaign, votes=500)
    assert result["votes"] >= 3 * 40
    assert result["judged"] == result["retired"] == 40
    assert Vote.objects.filter(standing="counted", trace__steps__isnull=False, flags=[]).count() > 80
    assert not Vote.objects.filter(flags__overlap=["too_fast", "late"]).exists()
    for errors in result["errors"].values():
        assert errors["count"] >= 25
        assert errors["rms_deg"] < 5.5, "one vote alone scatters by 5° at low inclination, three by less"
        assert abs(errors["bias_deg"]) < 3
    assert Consensus.objects.filter(is_current=True, estimator="median", verdict="J").count() >= 5


def test_adaptive_retirement_asks_three_people_for_an_inclination_two_to_reject_and_six_at_most() -> None:
    campaign = make_known_campaign(retirement="adaptive", estimator="robust")
    simulated(campaign, votes=500, volunteers=20)
    assert Target.objects.filter(state="open").count() <= 5, "the last fit may ask for one more vote here and there"
    counts = set(Target.objects.values_list("vote_count", flat=True))
    assert min(counts) == 2
    assert max(counts) <= 6
    assert set(Target.objects.filter(state="expert").values_list("vote_count", flat=True)) <= {6}
    done = Consensus.objects.filter(is_current=True, status="retired")
    accepted = done.filter(verdict="A")
    assert accepted.count() >= 20
    assert not accepted.filter(volunteer_count__lt=3).exists()
    assert not accepted.filter(inclination_published_deg=None).exists(), "whoever is done and accepted is published"
    by_two = done.filter(volunteer_count=2)
    assert by_two.exists()
    assert set(by_two.values_list("verdict", flat=True)) <= {"J", "F"}


def test_simulated_people_are_accounts_that_nobody_can_log_in_to_and_no_statistic_counts() -> None:
    simulated(make_known_campaign(), votes=20)
    people = User.objects.filter(import_source=SIMULATED_SOURCE)
    assert people.count() == 12
    assert not any(user.has_usable_password() or user.email for user in people)
    figures_count()
    assert site_stats() == {"volunteers": 0, "galaxies": 0, "votes": 0}


def test_the_same_crowd_goes_on_where_it_was_and_another_seed_is_another_crowd() -> None:
    campaign = make_known_campaign()
    simulated(campaign, votes=30)
    simulated(campaign, votes=20)
    assert User.objects.filter(import_source=SIMULATED_SOURCE).count() == 12
    assert Vote.objects.count() == 50
    simulated(campaign, votes=10, seed=2)
    assert User.objects.filter(import_source=SIMULATED_SOURCE).count() == 24


def test_an_interrupted_run_goes_on_after_its_last_round(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make_known_campaign()
    job = simulate_job(campaign=campaign, volunteers=12, votes=90)

    def stop_at(done: int, _total: int, _text: str) -> None:
        if done == 70:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job(job, on_progress=stop_at)
    again = simulate_job(campaign=campaign, volunteers=12, votes=90)
    assert again.pk == job.pk
    assert run_job(again).result["votes"] == 90
    assert 90 <= Vote.objects.count() <= 110


def test_robots_are_found_and_their_votes_have_no_weight() -> None:
    result = simulated(make_known_campaign(targets=60), robots=0.4, votes=700, volunteers=10, seed=3)
    robots = User.objects.filter(votes__flags__overlap=["implausible", "too_fast"]).distinct().count()
    assert result["robots"] == 4
    assert result["implausible"] == robots >= 2
    assert result["retired"] == 60, "whose robots' votes were taken away is judged again"
    assert result["errors"]["robust"]["rms_deg"] < 5.5


def test_a_share_of_robots_is_that_share_of_the_accounts() -> None:
    for count, share, expected in ((40, 0.1, 4), (30, 0.1, 3), (10, 0.29, 2), (5, 1.0, 5), (20, 0.0, 0)):
        assert sum(bool(person(1, number, robots=share).robot) for number in range(count)) == expected


def test_votes_can_be_spread_over_days() -> None:
    simulated(make_known_campaign(), votes=60, days=10)
    span = Vote.objects.aggregate(first=Min("created_at"), last=Max("created_at"))
    assert 9 < (span["last"] - span["first"]).total_seconds() / 86_400 < 10.1
    ended = Task.objects.filter(state="voted").aggregate(first=Min("checked_in_at"))["first"]
    assert abs((ended - span["first"]).total_seconds()) < 5


def test_votes_that_disagreement_asks_for_get_their_share_of_the_days_too() -> None:
    simulated(make_known_campaign(retirement="adaptive", estimator="robust"), votes=500, volunteers=20, days=10)
    votes = Vote.objects.filter(standing="counted")
    lately = votes.filter(created_at__gt=Now() - timedelta(days=1)).count()
    assert lately < votes.count() / 3, "a tenth would be even; all that the quota did not foresee was of the last day"


def test_with_the_votes_spread_over_days_each_galaxy_is_done_when_its_last_vote_was_given() -> None:
    simulated(make_known_campaign(), votes=500, days=10)
    done = Target.objects.filter(state="retired").annotate(last=Max("votes__created_at"))
    assert done.count() == 40
    assert not done.exclude(retired_at=F("last")).exists()
    span = done.aggregate(first=Min("retired_at"), last=Max("retired_at"))
    assert (span["last"] - span["first"]).days >= 3, "the curve of galaxies done rises day by day"


def test_real_galaxies_are_refused() -> None:
    make_campaign()
    with refuses("real_galaxies"):
        call_command("simulate", campaign="sky")
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"campaign": "dmo"}, "There is no campaign 'dmo'"),
        ({"volunteers": 0}, "--volunteers must lie between 1 and 5,000, not 0"),
        ({"robots": 1.5}, "--robots must lie between 0 and 1, not 1.5"),
    ],
)
def test_a_slip_is_answered_with_one_sentence(options: dict[str, Any], said: str) -> None:
    make_known_campaign()
    with pytest.raises(CommandError, match=said):
        call_command("simulate", **{"campaign": "sky", **options})


def test_the_command_tells_errors_against_the_truth(capsys: pytest.CaptureFixture[str]) -> None:
    make_known_campaign(targets=8)
    call_command("simulate", campaign="sky", volunteers=6, votes=100)
    out = capsys.readouterr().out
    assert "nobody had a galaxy left" in out
    assert "median   RMS" in out
    assert Target.objects.filter(state="retired").count() == 8
