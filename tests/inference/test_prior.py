"""Predictions of a campaign's galaxies assume its share of rejections: on the page, by the API and in bulk."""

from typing import Any

import pyarrow.parquet as pq
import pytest
from django.test import Client

from giz.core.jobs import run_job
from giz.inference.jobs import predict_jobs
from giz.inference.models import Prediction
from labeling.aggregation.prior import with_prior
from labeling.models import Campaign, Target
from labeling.services.campaigns import campaign_create, campaign_open, targets_add
from tests.inference.sky import galaxy_with_pictures
from tests.labeling.sky import make_set
from tests.refusals import refuses

pytestmark = pytest.mark.django_db(transaction=True)
PGC = 4258


@pytest.fixture
def campaign(db: None) -> Campaign:
    galaxy = galaxy_with_pictures(PGC)
    campaign = campaign_create(name="sky", standard_set=make_set())
    targets_add(campaign=campaign, galaxy_ids=[galaxy.pk])
    return campaign_open(campaign=campaign)


def said(client: Client) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(f"/api/v1/predict/pgc/{PGC}/").json()
    return answer


def probabilities(answer: dict[str, Any]) -> list[float]:
    opinions = [one["rejection_probability"] for one in (*answer["models"], *answer["views"])]
    return [answer["rejection"]["probability"], *opinions]


def test_the_page_adapts_every_probability_and_states_the_share(client, network, campaign):
    plain = said(client)
    assert plain["rejection"]["prior"] is None
    Campaign.objects.update(rejection_prior=0.1)
    # A galaxy that people have finished stays one of the campaign.
    Target.objects.update(state=Target.State.RETIRED)
    adapted = said(client)
    assert adapted["rejection"]["prior"] == 0.1
    wanted = [with_prior(probability, 0.1) for probability in probabilities(plain)]
    assert probabilities(adapted) == pytest.approx(wanted, abs=1e-4)
    assert probabilities(adapted)[0] < probabilities(plain)[0]
    assert adapted["inclination_deg"] == plain["inclination_deg"]
    # The kept row is what the network says, and is shared.
    assert adapted["id"] == plain["id"]
    assert Prediction.objects.get().rejection == plain["rejection"]["probability"]
    Campaign.objects.update(state=Campaign.State.CLOSED)
    assert probabilities(said(client)) == probabilities(plain)


def test_bulk_predictions_of_a_campaign_assume_it_and_others_do_not(network, campaign, tmp_path):
    def answered(name: str, **described: str) -> dict[str, Any]:
        out = tmp_path / f"{name}.parquet"
        (job,) = predict_jobs(described=described, out=out)
        run_job(job)
        row: dict[str, Any] = next(row for row in pq.read_table(out).to_pylist() if row["pgc"] == PGC)
        return row

    plain = answered("plain", campaign="sky")
    assert plain["rejection_prior"] is None
    Campaign.objects.update(rejection_prior=0.1)
    adapted = answered("adapted", campaign="sky")
    assert adapted["rejection_prior"] == 0.1
    assert adapted["rejection"] == pytest.approx(with_prior(plain["rejection"], 0.1), abs=1e-4)
    numbers = tmp_path / "numbers.parquet"
    pq.write_table(pq.read_table(tmp_path / "plain.parquet", columns=["pgc"]), numbers)
    assert answered("of-numbers", table=str(numbers))["rejection"] == plain["rejection"]


def test_a_table_of_another_prior_is_not_taken_for_this_one(network, campaign, tmp_path):
    out = tmp_path / "answers.parquet"
    (job,) = predict_jobs(described={"campaign": "sky"}, out=out)
    run_job(job)
    Campaign.objects.update(rejection_prior=0.1)
    with refuses("exists"):
        predict_jobs(described={"campaign": "sky"}, out=out)
