"""POST tasks/ and its companions over HTTP."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labeling.models import Campaign, Target, Task
from labeling.pools import set_pools
from tests.labeling.sky import lease, post

pytestmark = pytest.mark.django_db


def test_a_task_carries_all_that_the_comparison_page_needs(campaign: Campaign, alice_client: Any) -> None:
    answer = post(alice_client, "tasks/", {"campaign": "sky", "held": []})
    assert answer.status_code == 201
    task = answer.json()
    assert set(task) == {"id", "campaign", "standard_set", "due_at", "target", "sources", "orders"}
    assert task["campaign"] == "sky"
    assert task["standard_set"] == campaign.standard_set_id
    assert task["target"]["images"]["gri"].startswith("ab/")
    assert task["target"]["sizes_px"] == [128, 256]
    assert task["target"]["image_path"] == "/media/{stem}-{size}.webp"
    assert task["sources"]["47"] == 47
    stored = Task.objects.get(id=task["id"])
    orders = set_pools(campaign.standard_set_id).pools.orders(stored.seed)
    assert task["orders"] == {str(bin_deg): orders[bin_deg] for bin_deg in range(45, 91)}
    assert Target.objects.get(pk=stored.target_id).lease_count == 1


def test_leasing_takes_at_most_five_statements(campaign: Campaign, alice_client: Any) -> None:
    lease(alice_client)
    with CaptureQueriesContext(
        connection,
    ) as statements:
        lease(alice_client)
    sent = [entry["sql"] for entry in statements if not entry["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(sent) <= 5, sent
