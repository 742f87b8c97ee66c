"""Which galaxy is served to whom: need, golden targets, the supervisors' queue; adaptive retirement from end to end."""

import random
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from giz.catalog.models import GalaxyImage, SyntheticTruth
from giz.core.errors import Refused
from giz.core.models import AuditEvent
from labeling.aggregation.retirement import ADAPTIVE_SIGMA_DEG
from labeling.models import Campaign, Consensus, Target, Task, Vote
from labeling.services import leases as task_service
from labeling.services.campaigns import campaign_use_set
from labeling.services.consensus import consensus_rebuild, consensus_refresh
from labeling.services.leases import task_lease
from labeling.services.refits import campaign_refit
from labeling.services.targets import (
    target_reopen,
    targets_make_calibration,
    targets_make_golden,
    targets_make_ordinary,
)
from labeling.services.votes import vote_record
from standards.formats import StandardEntry
from standards.models import Standard
from standards.services import standard_set_publish
from tests.labeling.sky import age_task, client_of, lease, make_campaign, make_volunteer, post, trace_to
from tests.refusals import refuses

pytestmark = pytest.mark.django_db


def judge(volunteer: Any, inclination_deg: float | None) -> Target:
    """The volunteer judges what is served next, in human time; None rejects it."""
    task, _is_new = task_lease(volunteer=volunteer, campaign="sky")
    age_task(task.id, 60)
    said: dict[str, Any] = {"verdict": "rejected", "reasons": ["disturbed"], "trace": None}
    if inclination_deg is not None:
        said = {"verdict": "accepted", "trace": trace_to(inclination_deg)}
    vote_record(volunteer=volunteer, key=uuid.uuid4(), task_id=task.id, **said)
    return Target.objects.get(tasks=task.id)


def served(volunteer: Any) -> Target:
    return Target.objects.get(tasks=task_lease(volunteer=volunteer, campaign="sky")[0].id)


def never_by_chance(monkeypatch: pytest.MonkeyPatch, chance: float) -> None:
    """Fix the chance of golden targets: 0 gives one whenever there is one, 1 never."""
    monkeypatch.setattr(task_service, "random", random.Random())
    monkeypatch.setattr(task_service.random, "random", lambda: chance)


# --- need ----------------------------------------------------------------------------------------------------------
def test_a_galaxy_that_lacks_one_vote_is_served_before_those_that_lack_more(campaign: Campaign) -> None:
    one, two, three = (make_volunteer(number) for number in range(3))
    first = judge(one, 60.5)
    consensus_refresh()
    assert served(two) == first, "begun before fresh"
    Task.objects.filter(volunteer=two).update(state="skipped")
    Target.objects.update(lease_count=0)
    near, begun = Target.objects.exclude(pk=first.pk)[:2]
    Target.objects.filter(pk=near.pk).update(need=1)
    Target.objects.filter(pk=begun.pk).update(need=3)
    assert served(three) == near


def test_priority_given_by_staff_goes_before_need(campaign: Campaign) -> None:
    near, wanted = Target.objects.order_by("pk")[:2]
    Target.objects.filter(pk=near.pk).update(need=1)
    Target.objects.filter(pk=wanted.pk).update(priority=4)
    assert served(make_volunteer()) == wanted


def test_who_has_judged_all_that_is_begun_gets_fresh_galaxies_and_in_the_end_everything(campaign: Campaign) -> None:
    alone = make_volunteer()
    seen = []
    for _number in range(5):
        seen.append(judge(alone, 60.5).pk)
        consensus_refresh()
    assert len(set(seen)) == 5
    with refuses("all_done"):
        task_lease(volunteer=alone, campaign="sky")


def test_many_begun_galaxies_that_one_has_judged_do_not_hide_the_few_left() -> None:
    """More than a stretch of the index: all but one of the needy ones were served to this volunteer."""
    campaign = make_campaign(targets=200)
    alone = make_volunteer()
    Target.objects.update(need=3)
    left = Target.objects.order_by("order_key")[100]
    Task.objects.bulk_create(
        Task(
            target=target,
            volunteer=alone,
            standard_set=campaign.standard_set,
            state="voted",
            due_at="2026-01-01T00:00:00Z",
        )
        for target in Target.objects.exclude(pk=left.pk)
    )
    assert served(alone) == left


# --- golden and calibration targets --------------------------------------------------------------------------------
def test_golden_targets_are_mixed_in_by_chance_and_never_run_out(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    golden = Target.objects.order_by("pk")[0]
    SyntheticTruth.objects.create(galaxy=golden.galaxy, galaxy_type="Sb", seed=1, inclination_deg=61.2)
    assert targets_make_golden(campaign=campaign, target_ids=[target.pk for target in Target.objects.all()]) == 1
    never_by_chance(monkeypatch, 0)
    for number in range(5):
        assert judge(make_volunteer(number), 60.5) == golden
    consensus_refresh()
    golden.refresh_from_db()
    assert (golden.state, golden.known_deg, golden.vote_count) == ("open", 61.2, 5)
    never_by_chance(monkeypatch, 1)
    other = make_volunteer(9)
    assert [judge(other, 60.5).purpose for _number in range(5)] == ["label"] * 4 + ["golden"]


def test_golden_targets_tell_the_fit_where_the_truth_is(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody says 5° too much of everything: only known galaxies can tell."""
    for target in Target.objects.all():
        SyntheticTruth.objects.create(galaxy=target.galaxy, galaxy_type="Sb", seed=1, inclination_deg=60)
    people = [make_volunteer(number) for number in range(3)]
    for person in people:
        for _number in range(5):
            judge(person, 64.5)
    blind = campaign_refit(campaign=campaign)
    assert abs(blind.volunteers.first().offset_deg) < 0.5
    targets_make_golden(campaign=campaign, target_ids=list(Target.objects.values_list("pk", flat=True)))
    seeing = campaign_refit(campaign=campaign)
    assert seeing.volunteers.first().offset_deg > 1.5, "drawn to 0 by its prior"


def test_calibration_targets_are_for_everybody_until_staff_takes_them_back(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = Target.objects.order_by("pk")[0]
    targets_make_calibration(campaign=campaign, target_ids=[chosen.pk])
    never_by_chance(monkeypatch, 0)
    assert [judge(make_volunteer(number), 60.5) for number in range(4)] == [chosen] * 4
    targets_make_ordinary(campaign=campaign, target_ids=[chosen.pk])
    consensus_refresh()
    chosen.refresh_from_db()
    assert (chosen.purpose, chosen.state, chosen.quota) == ("label", "retired", 4)


def test_a_golden_target_may_rest_on_a_sure_consensus_but_on_no_other(campaign: Campaign) -> None:
    target = Target.objects.order_by("pk")[0]
    Consensus.objects.create(
        target=target, estimator="median", rule_version="t", verdict="A", inclination_deg=70.2, sigma_deg=1.2,
        status="retired", volunteer_count=9,
    )  # fmt: skip
    other = Target.objects.order_by("pk")[1]
    assert targets_make_golden(campaign=campaign, target_ids=[target.pk, other.pk]) == 1
    target.refresh_from_db()
    assert target.known_deg == 70.2


def test_leasing_takes_at_most_five_statements_with_golden_targets_experience_and_a_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    campaign = make_campaign(targets=30)
    ids = list(Target.objects.values_list("pk", flat=True))
    targets_make_calibration(campaign=campaign, target_ids=ids[:5])
    Target.objects.filter(pk__in=ids[5:10]).update(state="expert", quota=4)
    for number, target_id in enumerate(ids[10:20]):
        Target.objects.filter(pk=target_id).update(need=1 + number % 3)
    never_by_chance(monkeypatch, 0)
    served(make_volunteer())  # reads the standards once a process
    for role in ("volunteer", "supervisor"):
        client: Client = client_of(make_volunteer(1 + (role == "supervisor"), role=role))
        with CaptureQueriesContext(connection) as statements:
            assert post(client, "tasks/", {"campaign": "sky"}).status_code == 201
        own = [entry["sql"] for entry in statements if not entry["sql"].startswith(("SAVEPOINT", "RELEASE"))]
        assert len(own) <= 5, own


# --- adaptive retirement -------------------------------------------------------------------------------------------
@pytest.fixture
def adaptive(db: None) -> Campaign:
    return make_campaign(targets=1, retirement="adaptive", estimator="robust")


def one() -> Target:
    return Target.objects.get()


def test_an_inclination_needs_three_people_however_well_two_agree(adaptive: Campaign) -> None:
    assert one().quota == 2
    for number in range(2):
        judge(make_volunteer(number), 88.5)
    consensus_refresh()
    assert (one().state, one().quota) == ("open", 3)
    assert set(Consensus.objects.values_list("inclination_published_deg", flat=True)) == {None}
    judge(make_volunteer(2), 88.5)
    consensus_refresh()
    assert (one().state, one().vote_count) == ("retired", 3)
    found = Consensus.objects.get(is_current=True, estimator="robust")
    assert found.inclination_published_deg in (88, 89)
    assert found.rule_version.count("adaptive-5") == 1


def test_two_people_who_both_reject_a_galaxy_are_enough(adaptive: Campaign) -> None:
    for number in range(2):
        judge(make_volunteer(number), None)
        consensus_refresh()
    assert (one().state, one().vote_count) == ("retired", 2)


def test_the_robust_error_says_when_to_stop_though_the_median_is_published(adaptive: Campaign) -> None:
    Campaign.objects.update(estimator="median")
    for number, value_deg in enumerate((56.5, 60.5, 65.5)):
        judge(make_volunteer(number), value_deg)
        consensus_refresh()
    assert one().state == "retired"
    stored = {found.estimator: found for found in Consensus.objects.filter(is_current=True)}
    assert {found.status for found in stored.values()} == {"retired"}
    assert stored["median"].sigma_deg > ADAPTIVE_SIGMA_DEG > stored["robust"].sigma_deg


def test_who_is_unsure_asks_one_more_at_a_time_until_the_cap_then_a_supervisor(adaptive: Campaign) -> None:
    for number in range(6):
        judge(make_volunteer(number), (46.5, 75.5)[number % 2])
        consensus_refresh()
        if 1 <= number < 5:
            assert (one().state, one().quota) == ("open", number + 2)
    assert (one().state, one().retired_at) == ("expert", None)
    with refuses("all_done"):
        task_lease(volunteer=make_volunteer(8), campaign="sky")
    consensus_rebuild(campaign=adaptive)
    assert (one().state, one().quota) == ("expert", 7), "recomputing asks nobody"
    supervisor = make_volunteer(9, role="supervisor", supervisor_rank=1)
    judge(supervisor, 60.5)
    consensus_refresh()
    assert one().state == "retired"
    statuses = Consensus.objects.filter(estimator="robust").order_by("id").values_list("status", flat=True)
    assert list(statuses)[-1] == "retired"
    assert "expert" in statuses
    assert Vote.objects.count() == 7


def test_staff_reopens_a_galaxy_and_its_history_stays(adaptive: Campaign, bob: Any) -> None:
    for number in range(3):
        judge(make_volunteer(number), 88.5)
        consensus_refresh()
    before = Consensus.objects.count()
    target_reopen(target=one(), people=2, actor=bob)
    consensus_refresh()
    assert (one().state, one().retired_at, one().quota, one().asked) == ("open", None, 5, 5)
    consensus_rebuild(campaign=adaptive)
    assert one().state == "open", "a refit does not end what staff asked for"
    for number in range(3, 5):
        judge(make_volunteer(number), 88.5)
        consensus_refresh()
    assert one().state == "retired"
    assert Consensus.objects.filter(is_current=False).count() >= before
    assert AuditEvent.objects.get(action="target_reopened").detail == {"people": 2}
    with refuses("bad_number", "1", "20"):
        target_reopen(target=one(), people=0)


def test_an_open_galaxy_needs_no_reopening(adaptive: Campaign) -> None:
    with refuses("wrong_state"):
        target_reopen(target=one())


def test_staff_asks_again_by_a_button_and_for_many_at_once(adaptive: Campaign, bob_client: Client) -> None:
    Target.objects.update(state="expert")
    page = bob_client.get(f"/staff/labeling/target/{one().pk}/change/").content.decode()
    assert "Ask one more person" in page
    said = bob_client.post(f"/staff/labeling/target/{one().pk}/press/ask/", follow=True).content.decode()
    assert "waits for one more person" in said
    assert one().state == "open"
    Target.objects.update(state="retired")
    chosen = {"action": "ask_one_more", "_selected_action": [one().pk]}
    said = bob_client.post("/staff/labeling/target/", chosen, follow=True).content.decode()
    assert "asked about 1 galaxy;" in said
    assert one().state == "open"


def test_a_volunteer_learns_nothing_of_what_is_golden(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    golden = Target.objects.order_by("pk")[0]
    SyntheticTruth.objects.create(galaxy=golden.galaxy, galaxy_type="Sb", seed=1, inclination_deg=61.25)
    targets_make_golden(campaign=campaign, target_ids=[golden.pk])
    never_by_chance(monkeypatch, 0)
    task = lease(client_of(make_volunteer()))
    assert "61.25" not in str(task)
    assert "golden" not in str(task)


@pytest.mark.finding("review 4.10", "security S13")
def test_a_standard_of_the_campaign_is_not_made_golden(campaign: Campaign, bob_client: Client) -> None:
    """Its own order of standards is shorter by one, which tells it from all others."""
    standard, other = Target.objects.order_by("pk")[:2]
    standard.galaxy = Standard.objects.filter(standard_set=campaign.standard_set)[0].galaxy
    standard.save(update_fields=["galaxy"])
    for target in (standard, other):
        SyntheticTruth.objects.create(galaxy=target.galaxy, galaxy_type="Sb", seed=1, inclination_deg=61.25)
    assert targets_make_golden(campaign=campaign, target_ids=[standard.pk, other.pk]) == 1
    assert [target.purpose for target in Target.objects.order_by("pk")[:2]] == ["label", "golden"]
    page = bob_client.post(f"/staff/labeling/target/{standard.pk}/press/golden/", follow=True)
    assert "is a standard of this campaign" in page.content.decode()


@pytest.mark.finding("review 4.10", "security S13")
@pytest.mark.parametrize(("golden_px", "others_px"), [([128, 256], [128, 256, 512]), ([128, 256, 512], [128, 256])])
def test_golden_pictures_can_not_be_told_by_their_sizes(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, golden_px: list[int], others_px: list[int]
) -> None:
    golden = Target.objects.order_by("pk")[0]
    GalaxyImage.objects.filter(galaxy__targets__campaign=campaign).update(sizes_px=others_px)
    GalaxyImage.objects.filter(galaxy=golden.galaxy).update(sizes_px=golden_px)
    SyntheticTruth.objects.create(galaxy=golden.galaxy, galaxy_type="Sb", seed=1, inclination_deg=61.25)
    targets_make_golden(campaign=campaign, target_ids=[golden.pk])

    def sizes_served(chance: float) -> tuple[bool, list[int]]:
        never_by_chance(monkeypatch, chance)
        task = lease(client_of(make_volunteer(int(chance))))
        return Target.objects.get(tasks=task["id"]) == golden, task["target"]["sizes_px"]

    assert sizes_served(0) == (True, [128, 256])
    assert sizes_served(1) == (False, [128, 256])
    targets_make_ordinary(campaign=campaign, target_ids=[golden.pk])
    campaign.refresh_from_db()
    assert campaign.golden_sizes_px is None


def test_a_golden_target_can_not_become_a_standard_of_its_own_campaign(campaign: Campaign) -> None:
    golden = Target.objects.order_by("pk")[0]
    SyntheticTruth.objects.create(galaxy=golden.galaxy, galaxy_type="Sb", seed=1, inclination_deg=61.0)
    entries = [StandardEntry(one.galaxy.pgc, one.inclination_deg) for one in campaign.standard_set.standards.all()]
    other = standard_set_publish(name="other", entries=[*entries, StandardEntry(golden.galaxy.pgc, 61.0)]).standard_set
    targets_make_golden(campaign=campaign, target_ids=[golden.pk])
    with pytest.raises(Refused) as refused:
        campaign_use_set(campaign=campaign, standard_set=other)
    assert refused.value.code == "is_standard"
    targets_make_ordinary(campaign=campaign, target_ids=[golden.pk])
    assert campaign_use_set(campaign=campaign, standard_set=other).standard_set == other
