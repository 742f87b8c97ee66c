"""Exports through the site: asked for by staff or their programs, made by a worker, fetched as a file."""

import csv
import hashlib
import os
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.http import FileResponse
from django.test import Client

from giz.accounts.models import AccessToken, User
from giz.accounts.tokens import token_make
from giz.core.jobs import run_job
from giz.core.models import AuditEvent, Job
from labeling.models import Campaign, Vote
from labeling.services.export_files import KEPT_SECONDS, exports_root
from labeling.tasks import delete_old_exports
from tests.labeling.sky import make_campaign, make_volunteer
from tests.labeling.test_consensus import judge

pytestmark = pytest.mark.django_db
LABELS, VOTES = ("/api/v1/campaigns/sky/exports/labels/", "/api/v1/campaigns/sky/exports/votes/")


@pytest.fixture
def judged(settings: Any, tmp_path: Path) -> Campaign:
    settings.GIZ_HOME = tmp_path
    campaign = make_campaign(targets=2, overlap=6)
    for number in range(3):
        judge(make_volunteer(number), 60.5 + number)
    return campaign


def program(owner: User, *scopes: str) -> Client:
    _, secret = token_make(owner=owner, title=" ".join(scopes), scopes=scopes, days=1)
    return Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {secret}"})


def begin(client: Client, address: str, **wish: Any) -> Any:
    return client.post(address, wish, content_type="application/json")


def fetched(client: Client, address: str, **wish: Any) -> tuple[Any, bytes, Any]:
    """Ask for an export, work as the worker does, and fetch the file."""
    begun = begin(client, address, **wish)
    assert begun.status_code == 201, begun.content
    body = begun.json()
    assert (body["state"], body["file"], begun["Retry-After"]) == ("queued", None, "2")
    run_job(Job.objects.get(pk=body["id"]))
    done = client.get(f"{address}{body['id']}/").json()
    answer = client.get(done["file"])
    assert isinstance(answer, FileResponse)
    return done, b"".join(answer.streaming_content), answer  # type: ignore[arg-type]


def test_a_program_fetches_labels_and_votes(judged: Campaign, bob: User) -> None:
    reader = program(bob, "labels:read", "votes:read")
    done, content, answer = fetched(reader, LABELS, format="csv")
    rows = list(csv.DictReader(StringIO(content.decode())))
    assert sum(int(row["inc_n"]) for row in rows) == 3  # chance shares three votes among two galaxies
    assert (done["state"], done["sha256"]) == ("done", hashlib.sha256(content).hexdigest())
    assert answer["Content-Disposition"] == 'attachment; filename="sky-labels.csv"'
    done, content, _ = fetched(reader, VOTES, format="parquet", since="start", release="dr1")
    assert pq.read_table(BytesIO(content)).num_rows == 0  # all votes can still be undone
    assert done["cursor"].startswith("votes-1:sky:")
    done, content, _ = fetched(reader, VOTES, format="json")
    assert content.count(b'"volunteer"') == Vote.objects.count() == 3
    assert done["cursor"] is None
    assert b"@" not in content
    assert fetched(reader, LABELS, format="votable")[1].startswith(b"<?xml")
    actions = AuditEvent.objects.filter(actor_number=bob.volunteer_number).values_list("action", flat=True)
    assert {"export_votes_started", "export_votes_downloaded", "export_labels_downloaded"} <= set(actions)


@pytest.mark.finding("abuse A16", "abuse A17")
def test_only_staff_with_the_scope_get_an_export(judged: Campaign, bob: User, alice_client: Client) -> None:
    staff = program(bob, "labels:read", "votes:read")
    done, _, _ = fetched(staff, VOTES)
    labels_only = program(bob, "labels:read")
    for client, code in ((alice_client, 403), (Client(), 401), (labels_only, 403)):
        for address in (f"{VOTES}{done['id']}/", done["file"]):
            assert client.get(address).status_code == code
        assert begin(client, VOTES).status_code == code
    # A token for labels can't read votes through the addresses of labels either, nor another campaign's.
    assert labels_only.get(f"{LABELS}{done['id']}/file/").status_code == 404
    assert staff.get(f"{LABELS}{done['id']}/").status_code == 404
    assert staff.get(done["file"].replace("/sky/", "/other/")).status_code == 404
    AccessToken.objects.update(revoked_at="2026-01-01T00:00:00Z")
    assert staff.get(done["file"]).status_code == 401


@pytest.mark.finding("abuse A6", "abuse A21")
def test_what_can_not_be_exported_is_refused(judged: Campaign, bob_client: Client) -> None:
    wrong = (
        {"format": "npz"},
        {"since": "votes-1:other:7"},
        {"release": "../x"},
        {"file": "/etc/passwd"},
        {"shown": 7},
    )
    for wish in wrong:
        assert begin(bob_client, VOTES, **wish).status_code == 400, wish
    assert begin(bob_client, VOTES.replace("sky", "none")).status_code == 404
    # The file of a command's export lies elsewhere; it is not given out.
    params = {"campaign": "sky", "file": "/etc/passwd", "format": "csv"}
    job = Job.objects.create(kind="export_votes", params=params, params_hash="", state="done")
    assert bob_client.get(f"{VOTES}{job.pk}/file/").status_code == 404
    assert [begin(bob_client, VOTES).status_code for _ in range(4)] == [201, 201, 201, 429]


def test_files_lie_for_a_day(judged: Campaign, bob_client: Client) -> None:
    done, _, _ = fetched(bob_client, VOTES)
    for file in exports_root().iterdir():
        os.utime(file, (0, file.stat().st_mtime - KEPT_SECONDS - 1))
    assert delete_old_exports() == 2, "the file and its manifest"
    assert bob_client.get(done["file"]).status_code == 404
    assert bob_client.get(f"{VOTES}{done['id']}/").json()["file"] is None


def test_the_staff_page_exports_votes(judged: Campaign, bob_client: Client) -> None:
    page = f"/staff/labeling/campaign/{judged.pk}/"
    assert bob_client.post(f"{page}press/export_votes/").status_code == 302
    job = Job.objects.get(kind="export_votes")
    address = f"{VOTES}{job.pk}/file/"
    assert address not in bob_client.get(f"{page}change/").content.decode()
    run_job(job)
    assert address in bob_client.get(f"{page}change/").content.decode()
    assert bob_client.get(address).status_code == 200
