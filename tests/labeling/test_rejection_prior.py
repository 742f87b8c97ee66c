"""A campaign states how often its people reject: by the form or from its labels; its queue's answers are adapted."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from giz.core.models import AuditEvent
from labeling.aggregation.prior import LEAST_FINISHED, with_prior
from labeling.models import Campaign, Consensus, NetworkAnswer, NetworkOrder, Target
from labeling.services.network import queue_is_due, rejection_prior_of_labels, rejection_prior_set
from tests.labeling.sky import make_campaign
from tests.labeling.test_network import MODEL, answer, take
from tests.refusals import refuses

pytestmark = pytest.mark.django_db


def finished(campaign: Campaign, verdicts: str) -> None:
    """Give the campaign's galaxies these verdicts by people, in turn; a space is an even split."""
    targets = Target.objects.filter(campaign=campaign).order_by("pk")
    Consensus.objects.bulk_create(
        Consensus(
            target=target, estimator="median", rule_version="x", verdict=verdict.strip(), is_split=verdict == " ",
            inclination_deg=60.0 if verdict == "A" else None, sigma_deg=2.0 if verdict == "A" else None,
            inclination_published_deg=60 if verdict == "A" else None, status="retired", volunteer_count=3,
        )
        for target, verdict in zip(targets, verdicts, strict=False)
    )  # fmt: skip


def press(client: Client, campaign: Campaign) -> Any:
    return client.post(reverse("admin:labeling_campaign_press", args=[campaign.pk, "prior"]), follow=True)


def test_the_button_takes_the_share_of_finished_galaxies(bob_client: Client) -> None:
    campaign = make_campaign(targets=44)
    finished(campaign, "AAAJ" * 8 + "FFAAAAAA" + "    ")
    assert press(bob_client, campaign).status_code == 200
    campaign.refresh_from_db()
    assert campaign.rejection_prior == round((10 + 0.5) / (40 + 1), 3)
    assert AuditEvent.objects.filter(action="rejection_prior_set", subject="sky").count() == 1


def test_few_finished_galaxies_give_no_share(bob_client: Client) -> None:
    campaign = make_campaign(targets=LEAST_FINISHED)
    finished(campaign, "A" * (LEAST_FINISHED - 1))
    with refuses("too_few_labels"):
        rejection_prior_of_labels(campaign)
    press(bob_client, campaign)
    campaign.refresh_from_db()
    assert campaign.rejection_prior is None


def test_staff_set_and_clear_it_in_the_form(bob_client: Client) -> None:
    campaign = make_campaign()
    page = reverse("admin:labeling_campaign_change", args=[campaign.pk])
    form = {"title": "Sky", "lease_minutes": "15", "estimator": "median", "uses_network": "on"}
    for text, stored in (("0.2", 0.2), ("", None)):
        assert bob_client.post(page, {**form, "rejection_prior": text}).status_code == 302
        campaign.refresh_from_db()
        assert campaign.rejection_prior == stored
    for wrong in ("0", "1", "20", "nan"):
        assert bob_client.post(page, {**form, "rejection_prior": wrong}).status_code == 200
    campaign.refresh_from_db()
    assert campaign.rejection_prior is None


@pytest.mark.parametrize("wrong", [0.0, 1.0, -0.1, float("nan")])
def test_the_database_takes_shares_only(wrong: float) -> None:
    make_campaign()
    with pytest.raises(IntegrityError), transaction.atomic():
        Campaign.objects.update(rejection_prior=wrong)


def test_what_the_network_said_is_adapted_and_the_queue_ordered_again() -> None:
    campaign = make_campaign(targets=3)
    targets = list(Target.objects.order_by("pk"))
    said = [0.0, 0.6, 1.0]
    answers = [answer(target, rejection=rejection) for target, rejection in zip(targets, said, strict=True)]
    take(campaign, answers)
    for prior in (0.2, 0.05, None):
        rejection_prior_set(campaign=campaign, prior=prior)
        assert rejections() == pytest.approx([with_prior(rejection, prior) for rejection in said])
        assert not NetworkOrder.objects.exists()
        assert queue_is_due(campaign=campaign, model=MODEL)
    # Answers that come later are adapted as they are stored.
    rejection_prior_set(campaign=campaign, prior=0.2)
    take(campaign, answers, model="b" * 64)
    assert rejections() == pytest.approx([with_prior(rejection, 0.2) for rejection in said])


def rejections() -> list[float]:
    return list(NetworkAnswer.objects.order_by("target_id").values_list("rejection", flat=True))


def test_the_same_prior_again_changes_nothing() -> None:
    campaign = make_campaign(targets=1)
    take(campaign, [answer(Target.objects.get(), rejection=0.6)])
    rejection_prior_set(campaign=campaign, prior=0.2)
    take(campaign, [])
    before = rejections()
    rejection_prior_set(campaign=campaign, prior=0.2)
    assert rejections() == before
    assert NetworkOrder.objects.exists()
