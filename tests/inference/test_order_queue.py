"""The served network orders a campaign's queue: a job, once a version; it goes on where it was killed."""

from typing import Any

import pytest

from giz.catalog.models import GalaxyImage
from giz.catalog.storage import StorageError
from giz.core.errors import Refused
from giz.core.jobs import run_job
from giz.core.models import Job
from giz.inference import tasks
from giz.inference.jobs import order_queue_job
from giz.inference.models import Prediction
from giz.inference.services.queues import campaigns_to_order
from giz.training.models import ModelVersion
from giz.training.services.registry import shipped_register
from labeling.aggregation.need import FRESH, WANTED_LEVELS
from labeling.models import Campaign, NetworkAnswer, NetworkOrder, Target
from labeling.services.campaigns import campaign_create, campaign_open, targets_add
from tests.catalog.silence import no_answer
from tests.inference.sky import galaxy_with_pictures
from tests.labeling.sky import make_set
from tests.refusals import refuses

pytestmark = pytest.mark.django_db
GALAXIES = 6


@pytest.fixture
def network(db: None) -> ModelVersion:
    """The network that comes with GIZ."""
    version = shipped_register()
    assert version is not None
    return version


@pytest.fixture
def campaign(db: None) -> Campaign:
    galaxies = [galaxy_with_pictures(1000 + number, name="") for number in range(GALAXIES)]
    campaign = campaign_create(name="sky", standard_set=make_set())
    targets_add(campaign=campaign, galaxy_ids=[galaxy.pk for galaxy in galaxies])
    return campaign_open(campaign=campaign)


def order(campaign: Campaign, model: ModelVersion, **options: Any) -> Job:
    return run_job(order_queue_job(campaign=campaign, model=model.sha256), **options)


def test_what_the_network_says_is_kept_as_predictions_and_orders_the_queue(
    campaign: Campaign, network: ModelVersion
) -> None:
    job = order(campaign, network)
    assert job.result == {"answers": GALAXIES, "unanswered": 0, "compared": 0}
    assert set(Target.objects.values_list("need", flat=True)) <= set(WANTED_LEVELS)
    said = dict(NetworkAnswer.objects.values_list("target__galaxy_id", "inclination_deg"))
    kept = Prediction.objects.filter(model=network, origin="bulk").values_list("galaxy_id", "inclination_deg")
    assert dict(kept) == said
    assert NetworkOrder.objects.get().model == network.sha256


def test_a_second_round_asks_about_new_galaxies_alone(campaign: Campaign, network: ModelVersion) -> None:
    order(campaign, network)
    assert campaigns_to_order() == []
    new = galaxy_with_pictures(2000, name="")
    targets_add(campaign=campaign, galaxy_ids=[new.pk])
    assert campaigns_to_order() == [(campaign, network.sha256)]
    totals = []
    order(campaign, network, on_progress=lambda _done, total, _message: totals.append(total))
    assert set(totals) == {1}
    assert NetworkAnswer.objects.count() == GALAXIES + 1


def test_an_interrupted_job_goes_on_where_it_was(
    campaign: Campaign, network: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("giz.inference.services.queues.GALAXIES_A_RUN", 2)

    def stop(done: int, _total: int, _message: str) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        order(campaign, network, on_progress=stop)
    assert NetworkAnswer.objects.count() == 4
    assert not NetworkOrder.objects.exists()
    Job.objects.update(lease_until="2026-01-01T00:00:00Z")
    seen = []
    order(campaign, network, on_progress=lambda done, total, _message: seen.append((done, total)))
    assert seen[-1] == (2, 2)
    assert NetworkAnswer.objects.count() == GALAXIES


def test_a_galaxy_without_readable_pictures_is_passed_over_and_not_asked_again_and_again(
    campaign: Campaign, network: ModelVersion
) -> None:
    GalaxyImage.objects.filter(galaxy__pgc=1000).update(stem="zz/gone")
    assert order(campaign, network).result == {"answers": GALAXIES - 1, "unanswered": 1, "compared": 0}
    assert campaigns_to_order() == []


def test_galaxies_whose_pictures_come_later_are_asked_about_as_soon_as_they_have_some(
    campaign: Campaign, network: ModelVersion
) -> None:
    later = GalaxyImage.objects.filter(galaxy__pgc__in=[1000, 1001])
    later.update(is_current=False)
    assert order(campaign, network).result == {"answers": GALAXIES - 2, "unanswered": 0, "compared": 0}
    assert campaigns_to_order() == []
    later.update(is_current=True)
    assert campaigns_to_order() == [(campaign, network.sha256)]
    assert order(campaign, network).result["answers"] == GALAXIES


def test_a_storage_that_does_not_answer_leaves_the_round_to_another_attempt(
    campaign: Campaign, network: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as silent:
        silent.setattr("giz.inference.storage.display_file_read", no_answer)
        with pytest.raises(StorageError, match="SlowDown"):
            order(campaign, network)
    assert not NetworkOrder.objects.exists()
    assert campaigns_to_order() == [(campaign, network.sha256)]
    assert order(campaign, network).result["answers"] == GALAXIES


def test_switched_off_while_it_orders_the_network_leaves_no_order_behind(
    campaign: Campaign, network: ModelVersion
) -> None:
    def switch_off(_done: int, _total: int, _message: str) -> None:
        Campaign.objects.update(uses_network=False)

    with pytest.raises(Refused, match="no network orders the queue"):
        order(campaign, network, on_progress=switch_off)
    assert not NetworkOrder.objects.exists()
    assert set(Target.objects.values_list("wanted", flat=True)) == {FRESH}
    assert set(Target.objects.values_list("need", flat=True)) == {FRESH}


def test_the_schedule_makes_one_job_for_each_campaign_that_waits(campaign: Campaign, network: ModelVersion) -> None:
    assert tasks.order_queues() == 1
    assert tasks.order_queues() == 1
    assert Job.objects.filter(kind="order_queue").count() == 1
    run_job(Job.objects.get(kind="order_queue"))
    assert tasks.order_queues() == 0


@pytest.mark.parametrize("change", [{"uses_network": False}, {"state": "draft"}, {"state": "closed"}])
def test_campaigns_without_a_network_and_closed_ones_are_left_alone(
    campaign: Campaign, network: ModelVersion, change: dict[str, Any]
) -> None:
    Campaign.objects.update(**change)
    assert campaigns_to_order() == []


def test_nothing_is_done_while_nothing_is_served(campaign: Campaign) -> None:
    assert campaigns_to_order() == []


def test_a_job_for_a_network_that_is_not_served_any_more_says_so(campaign: Campaign, network: ModelVersion) -> None:
    with refuses("other_model"):
        run_job(order_queue_job(campaign=campaign, model="b" * 64))
    Campaign.objects.update(uses_network=False)
    with pytest.raises(Refused, match="no network orders the queue"):
        run_job(order_queue_job(campaign=campaign, model=network.sha256))
