"""From people to the network and back, real at every step: votes, labels, training, gate, answers, the queue."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from giz.core.models import Job
from giz.inference import tasks
from giz.labelset import LabelSet as FrozenSet
from giz.training.jobs import training_job
from giz.training.models import ModelVersion, TrainingRun
from giz.training.selectors import served_model
from giz.training.services.registry import model_promote
from labeling.aggregation.need import FIRST_FRESH, FRESH, WANTED_LEVELS
from labeling.jobs import labels_freeze_job
from labeling.models import Campaign, Consensus, LabelSet, NetworkAnswer, NetworkOrder, Target
from labeling.services.campaigns import campaign_create, campaign_open, targets_add
from labeling.services.consensus import consensus_rebuild, consensus_refresh
from labeling.services.labelsets import labelset_root
from labeling.services.leases import task_lease
from labeling.simulation.jobs import simulate_job
from standards.selectors import set_standards
from tests.inference.loop_site import FIRST_PGC, SIZE_PX, celery_worker, done_by_worker, recipes, render_sky, spiral
from tests.inference.sky import ask
from tests.labeling.sky import make_set, make_volunteer

pytestmark = pytest.mark.django_db(transaction=True)
# Spirals and galaxies to be rejected on each side; the gate wants fifty test galaxies that people accept.
SIDES = {"test": (64, 18), "validation": (20, 8), "train": (72, 28)}
GALAXIES = sum(map(sum, SIDES.values()))
FRESH_GALAXIES = 20
VOTES_EACH = 3
STEPS_OF_A_BAD_ONE, STEPS = 1, 100


@pytest.fixture
def campaign(db: None) -> Campaign:
    set_standards.cache_clear()
    ids = render_sky(recipes(SIDES))
    campaign = campaign_create(name="sky", standard_set=make_set(), estimator="robust", overlap=VOTES_EACH)
    targets_add(campaign=campaign, galaxy_ids=ids)
    return campaign_open(campaign=campaign)


def predicted(client: Client, pgc: int) -> Any:
    source = ask(client, "sources/", {"pgc": pgc}).json()
    return ask(client, f"sources/{source['id']}/evaluate/", {})


def gate(job: Job) -> dict[str, Any]:
    found = TrainingRun.objects.get(job=job).gate
    assert found is not None
    return dict(found)


def test_votes_teach_a_network_that_orders_the_queue(
    campaign: Campaign, client: Client, bob: Any, tmp_path: Path
) -> None:
    log = tmp_path / "worker.log"
    with celery_worker(log):
        # People judge, labels come of it, and are frozen.
        done_by_worker(simulate_job(campaign=campaign, volunteers=12, votes=VOTES_EACH * GALAXIES), log)
        consensus_rebuild(campaign=campaign)
        assert Target.objects.filter(state="retired").count() > 0.8 * GALAXIES
        done_by_worker(labels_freeze_job(campaign=campaign, size_px=SIZE_PX), log)
        folder = labelset_root() / LabelSet.objects.get().name
        labels = FrozenSet.open(folder).column("inclination_deg").tolist()

        # A network that has learned next to nothing is refused, and nothing answers.
        bad = done_by_worker(training_job(labelset=folder, network="ours", steps=STEPS_OF_A_BAD_ONE), log)
        assert not gate(bad)["passed"]
        assert "a constant guess" in gate(bad)["why"]
        assert served_model() is None
        pgc = Target.objects.order_by("pk")[0].galaxy.pgc
        assert predicted(client, pgc).json()["code"] == "no_model"
        assert tasks.order_queues() == 0

        # Staff has it answer all the same; then a better one comes, is promoted, and answers.
        poor = ModelVersion.objects.get(sha256=bad.result["model"])
        model_promote(version=poor, why="for want of a better one", actor=bob)
        good = done_by_worker(training_job(labelset=folder, network="ours", steps=STEPS), log)
        assert gate(good)["passed"], gate(good)["why"]
        assert gate(good)["rival"] == poor.sha256
        version = ModelVersion.objects.get(sha256=good.result["model"])
        assert served_model() == version
        answer = predicted(client, pgc)
        assert answer.status_code == 200, answer.content
        assert answer.json()["model"]["version"] == version.sha256[:12]

        # New galaxies come: the network looks at them, and the queue is another.
        fresh = render_sky([spiral(FIRST_PGC + 900_000 + number, number) for number in range(FRESH_GALAXIES)])
        targets_add(campaign=campaign, galaxy_ids=fresh)
        new = Target.objects.filter(galaxy_id__in=fresh)
        assert set(new.values_list("need", flat=True)) == {FRESH}
        before = list(Consensus.objects.order_by("pk").values("pk", "inclination_deg", "sigma_deg", "status"))
        assert tasks.order_queues() == 1
        done_by_worker(Job.objects.get(kind="order_queue"), log)

    assert NetworkOrder.objects.get().model == version.sha256
    assert NetworkAnswer.objects.filter(target__in=new).count() == FRESH_GALAXIES
    needs = list(new.values_list("need", flat=True))
    assert set(needs) <= set(WANTED_LEVELS)
    assert len(set(needs)) > 2, "placed by what the network said"
    Target.objects.filter(need__lt=FIRST_FRESH).update(state="retired")
    task, _is_new = task_lease(volunteer=make_volunteer(500), campaign="sky")
    first = min(Target.objects.filter(state="open").values_list("need", flat=True))
    assert Target.objects.get(galaxy_id=task.galaxy_id).need == first == WANTED_LEVELS[0]

    # Nothing of what it said is in a label.
    consensus_refresh(campaign=campaign)
    assert list(Consensus.objects.order_by("pk").values("pk", "inclination_deg", "sigma_deg", "status")) == before
    assert FrozenSet.open(folder).column("inclination_deg").tolist() == pytest.approx(labels, nan_ok=True)
    assert (Path(settings.GIZ_HOME) / "models" / version.file_name).exists()
