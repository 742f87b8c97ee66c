"""The site works as a role that owns nothing, and the check warns where it owns its tables."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.test import Client

from giz.accounts.erasure import account_erase
from giz.core.checks import site_is_not_the_owner
from giz.core.jobs import run_job
from giz.dashboard.jobs import reports_job
from giz.embedded.layout import DATABASE_RUNTIME_USER
from labeling.models import Campaign, Task, Vote
from labeling.reports import REPORTS
from labeling.rules import SIMULATED_SOURCE
from labeling.services.consensus import consensus_rebuild, consensus_refresh
from labeling.services.labelsets import labels_as_of, labelset_freeze
from labeling.services.leases import leases_release_expired
from labeling.simulation.jobs import simulate_job
from tests.labeling.roles import as_runtime, refused
from tests.labeling.simulation.sky import make_known_campaign
from tests.labeling.sky import age_task, client_of, lease, make_volunteer, post, vote_body

pytestmark = pytest.mark.django_db


@pytest.mark.finding("security S11")
def test_only_votes_of_simulated_people_are_made_older_and_never_younger(campaign: Campaign) -> None:
    simulated = make_volunteer(5, import_source=SIMULATED_SOURCE)
    person = client_of(simulated)
    assert post(person, "votes/", vote_body(lease(person)["id"])).status_code == 201
    older = "UPDATE labeling_vote SET created_at = created_at {} interval '1 day'"
    with connection.cursor() as cursor:
        cursor.execute(older.format("-"))
    refused(older.format("+"), IntegrityError)
    refused("UPDATE labeling_vote SET created_at = created_at - interval '1 day', verdict = 'F'", IntegrityError)


def test_a_task_without_a_vote_may_be_given_another_seed(campaign: Campaign, alice_client: Client) -> None:
    task = lease(alice_client)
    assert Task.objects.filter(pk=task["id"]).update(seed=7) == 1


@pytest.mark.finding("security S11")
def test_the_site_works_as_a_role_that_owns_nothing(
    campaign: Campaign, alice_client: Client, charlie: Any, charlie_client: Client, bob: Any, bob_client: Client,
    tmp_path: Path, settings: Any,
) -> None:  # fmt: skip
    """Leases, votes, undo, consensus, fits, simulated people, exports, label sets, reports, buttons, erasure."""
    settings.GIZ_HOME = tmp_path
    known = make_known_campaign(name="known", standard_set=campaign.standard_set)
    with as_runtime():
        for client in (alice_client, charlie_client):
            body = vote_body(lease(client)["id"], comment="a bar?")
            age_task(body["task"], 60)
            assert post(client, "votes/", body).status_code == 201
            assert post(client, f"votes/{body['key']}/undo/").status_code == 200
            assert post(client, "votes/", vote_body(lease(client)["id"], 60.5)).status_code == 201
        held = lease(alice_client)
        age_task(held["id"], 3600)
        assert leases_release_expired() == 1
        run_job(simulate_job(campaign=known, volunteers=5, votes=12))
        assert consensus_refresh(campaign=campaign) >= 0
        consensus_rebuild(campaign=campaign)
        made = labelset_freeze(campaign=campaign, as_of=labels_as_of(campaign, "median"), size_px=None)
        assert made.galaxy_count
        call_command("export_labels", campaign="sky", format_name="csv", out=str(tmp_path / "labels.csv"))
        job = reports_job(campaign=campaign, names=list(REPORTS), owner=bob)
        assert job is not None
        run_job(job)
        for path in ("dashboard/", "dashboard/reports/sky/", "labeling/vote/", "core/auditevent/"):
            assert bob_client.get(f"/staff/{path}").status_code == 200
        target = Vote.objects.earliest("id").target_id
        for button in ("calibration", "ordinary"):
            assert bob_client.post(f"/staff/labeling/target/{target}/press/{button}/").status_code == 302
        account_erase(user=charlie)
        assert bob_client.post(f"/staff/labeling/campaign/{campaign.pk}/press/pause/").status_code == 302
    campaign.refresh_from_db()
    assert campaign.state == "paused"


# --- which role is which --------------------------------------------------------------------------------------------
@pytest.mark.finding("security S11")
def test_the_check_warns_where_the_site_owns_its_tables(settings: Any, db: None) -> None:
    assert site_is_not_the_owner(databases=["default"]) == [], "the embedded server knows two roles"
    settings.DATABASE_OWNER = {}
    assert [problem.id for problem in site_is_not_the_owner(databases=["default"])] == ["giz.W003"]
    assert site_is_not_the_owner(databases=None) == [], "a check without a database asks none"
    with as_runtime():
        member = site_is_not_the_owner(databases=["default"])
    assert member == []


def test_the_settings_name_two_roles(settings: Any) -> None:
    from giz.embedded.layout import embedded_owner_settings, embedded_postgres_settings

    home = Path(settings.GIZ_HOME)
    assert embedded_postgres_settings(home)["USER"] == DATABASE_RUNTIME_USER
    assert embedded_owner_settings(home)["USER"] == "giz"
