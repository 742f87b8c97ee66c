"""The API of training: staff start, cancel and resume; bad numbers, paths, floods and strangers are refused."""

import json
import shutil
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from django.db import connection
from django.db.models.functions import Now
from django.test import Client

from giz.core.errors import Refused
from giz.core.jobs import job_claim, run_job, sweep_dead_jobs
from giz.core.models import AuditEvent, Job
from giz.training.jobs import training_job
from giz.training.models import TrainingRun

RUNS = "/api/v1/training/runs/"


@pytest.fixture(autouse=True)
def _home(settings: Any, tmp_path: Path, discs: Path) -> None:
    settings.GIZ_HOME = tmp_path / "home"
    (settings.GIZ_HOME / "labelsets").mkdir(parents=True)
    shutil.copytree(discs, settings.GIZ_HOME / "labelsets" / "discs")


def start(client: Client, **changes: Any) -> Any:
    body = {"labelset": "discs", "steps": 5, **changes}
    return client.post(RUNS, json.dumps(body), content_type="application/json")


def post(client: Client, run: Any, what: str) -> Any:
    return client.post(f"{RUNS}{run['id']}/{what}/", "{}", content_type="application/json")


@pytest.mark.django_db
def test_staff_start_a_training_and_follow_it(bob_client: Client, bob: Any) -> None:
    answer = start(bob_client, flavour=1, seed=4, promote=False)
    assert answer.status_code == 201
    run = answer.json()
    assert (run["state"], run["labelset"], run["network"], run["model"]) == ("queued", "discs", "ours", None)
    job = Job.objects.get()
    assert job.owner == bob
    assert job.params["settings"] == {"network": "ours", "minutes": 0.0, "steps": 5, "flavour": 1, "seed": 4}
    assert job.params["promote"] is False
    assert bob_client.get(RUNS).json()["results"] == [run]
    assert bob_client.get(f"{RUNS}{run['id']}/").json() == run
    assert start(bob_client, flavour=1, seed=4, promote=False).json()["id"] == run["id"], "the same once more"
    assert AuditEvent.objects.filter(action="training_started", actor_number=bob.volunteer_number).exists()


@pytest.mark.django_db
@pytest.mark.finding("ux C24")
def test_where_torch_is_missing_no_training_is_offered_or_begun(
    bob_client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = "/staff/training/trainingrun/add/"
    assert "Start the training" in bob_client.get(form).content.decode()
    settings.DATABASE_URL = ""
    monkeypatch.setitem(sys.modules, "torch", None)
    page = bob_client.get(form).content.decode()
    assert ".ci/torch" in page
    assert "Start the training" not in page
    told = {"labelset": "discs", "network": "ours", "minutes": 1, "flavour": 0, "seed": 1, "processes": 1}
    assert bob_client.post(form, told).status_code == 302
    refused = start(bob_client)
    assert (refused.status_code, refused.json()["code"]) == (409, "no_torch")
    assert not TrainingRun.objects.exists()
    settings.DATABASE_URL = "postgresql://elsewhere/giz"  # where the trainer is another machine
    assert "Start the training" in bob_client.get(form).content.decode()
    assert start(bob_client).status_code == 201


@pytest.mark.django_db
def test_the_label_set_of_an_answer_can_be_posted_again(bob_client: Client, settings: Any, discs: Path) -> None:
    """Folders may be called otherwise than the label sets in them call themselves."""
    shutil.copytree(discs, settings.GIZ_HOME / "labelsets" / "march")
    run = start(bob_client, labelset="march").json()
    assert (run["labelset"], run["labelset_name"]) == ("march", "discs")
    assert start(bob_client, labelset=run["labelset"]).json()["id"] == run["id"]
    training_job(labelset=discs, network="ours", steps=7)
    elsewhere = bob_client.get(RUNS).json()["results"][0]
    assert (elsewhere["labelset"], elsewhere["labelset_name"]) == ("", "discs")


@pytest.mark.django_db
def test_several_processes_and_a_device_can_be_asked_for(bob_client: Client) -> None:
    run = start(bob_client, processes=4, device="cuda:1").json()
    assert (run["processes"], run["device"]) == (4, "cuda:1")
    params = Job.objects.get().params
    assert (params["processes"], params["device"]) == (4, "cuda:1")
    plain = start(bob_client).json()
    assert plain["id"] != run["id"]
    assert (plain["processes"], plain["device"]) == (1, "")


@pytest.mark.django_db
def test_a_gpu_that_is_not_there_ends_the_training_before_anything_is_read(bob_client: Client) -> None:
    run = start(bob_client, device="cuda:99").json()
    labels = Path(Job.objects.get().params["labelset"])
    shutil.rmtree(labels)
    with pytest.raises(Refused):
        run_job(Job.objects.get())
    failed = bob_client.get(f"{RUNS}{run['id']}/").json()
    assert failed["state"] == "failed"
    found = torch.cuda.device_count()
    assert (
        f"100 GPUs are needed; torch finds {found}"
        if found
        else "The machine that trains has no GPU that torch can use."
    ) in failed["error"]


@pytest.mark.finding("abuse A21", "abuse A17")
@pytest.mark.django_db
@pytest.mark.finding("abuse A17")
def test_strangers_and_volunteers_may_not(bob_client: Client, alice_client: Client) -> None:
    run = start(bob_client).json()
    for client, status in ((Client(), 401), (alice_client, 403)):
        assert client.get(RUNS).status_code == status
        assert client.get(f"{RUNS}{run['id']}/").status_code == status
        assert start(client, seed=9).status_code == status
        assert post(client, run, "cancel").status_code == status
        assert post(client, run, "resume").status_code == status
    assert Job.objects.get().state == Job.State.QUEUED


@pytest.mark.finding("abuse A21")
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"epochs": 10**9}, "unknown_field"),
        ({"batch": 0}, "unknown_field"),
        ({"path": "/etc"}, "unknown_field"),
        ({"labelset": "/etc"}, "unknown_labelset"),
        ({"labelset": "../labelsets/discs"}, "unknown_labelset"),
        ({"labelset": "none"}, "unknown_labelset"),
        ({"steps": 10**9}, "validation_error"),
        ({"steps": -1}, "validation_error"),
        ({"steps": 2.5}, "validation_error"),
        ({"steps": True}, "validation_error"),
        ({"steps": 0}, "bad_length"),
        ({"minutes": 5}, "bad_length"),
        ({"steps": 0, "minutes": 1e9}, "validation_error"),
        ({"steps": 0, "minutes": "many"}, "validation_error"),
        ({"flavour": 7}, "validation_error"),
        ({"seed": -1}, "validation_error"),
        ({"seed": 2**63}, "validation_error"),
        ({"network": "model7"}, "validation_error"),
        ({"network": "model4"}, "bad_size"),
        ({"processes": 0}, "validation_error"),
        ({"processes": 1000}, "validation_error"),
        ({"processes": 5}, "bad_processes"),
        ({"device": "gpu"}, "validation_error"),
        ({"device": "cuda:1,cuda:2"}, "validation_error"),
        ({"device": "/dev/nvidia0"}, "validation_error"),
    ],
)
def test_bad_numbers_and_paths_are_refused_and_nothing_is_queued(
    bob_client: Client, changes: dict[str, Any], code: str
) -> None:
    answer = start(bob_client, **changes)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_a_number_that_is_none_is_refused(bob_client: Client) -> None:
    answer = bob_client.post(RUNS, '{"labelset": "discs", "steps": 0, "minutes": NaN}', content_type="application/json")
    assert answer.status_code == 400
    assert not Job.objects.exists()


@pytest.mark.finding("abuse A21")
@pytest.mark.django_db
def test_one_may_run_and_three_may_wait_a_fifth_is_refused(bob_client: Client, charlie: Any) -> None:
    first = start(bob_client, seed=1).json()
    assert first["id"] == str(TrainingRun.objects.get().pk)
    assert job_claim(Job.objects.get().pk)
    assert [start(bob_client, seed=seed).status_code for seed in (2, 3, 4)] == [201] * 3
    refused = start(bob_client, seed=5)
    assert (refused.status_code, refused.json()["code"]) == (429, "quota")
    assert int(refused["Retry-After"]) > 0
    assert (Job.objects.count(), TrainingRun.objects.count()) == (4, 4)
    assert start(bob_client, seed=3).status_code == 201, "what waits already is answered, not queued"
    charlie.role = "staff"
    charlie.save()
    other = Client()
    other.force_login(charlie, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert start(other, seed=6).status_code == 201, "another person has a quota of their own"


@pytest.mark.finding("abuse A21")
@pytest.mark.django_db(transaction=True)
def test_many_at_once_do_not_slip_past_the_quota(bob: Any) -> None:
    statuses: list[int] = []

    def ask(seed: int) -> None:
        client = Client()
        client.force_login(bob, backend="allauth.account.auth_backends.AuthenticationBackend")
        statuses.append(start(client, seed=seed).status_code)
        connection.close()

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] * 3 + [429] * 9
    assert Job.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_of_one_person_one_training_runs_however_many_trainers_there_are(bob_client: Client, charlie: Any) -> None:
    for seed in (1, 2, 3):
        start(bob_client, seed=seed)
    claimed: list[bool] = []

    def claim(job_id: Any) -> None:
        claimed.append(job_claim(job_id) is not None)
        connection.close()

    threads = [threading.Thread(target=claim, args=(pk,)) for pk in Job.objects.values_list("pk", flat=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == [False, False, True]
    running = Job.objects.get(state=Job.State.RUNNING)
    assert len(sweep_dead_jobs()) == 2, "the others wait, and are woken again"
    charlie.role = "staff"
    charlie.save()
    other = Client()
    other.force_login(charlie, backend="allauth.account.auth_backends.AuthenticationBackend")
    start(other, seed=4)
    assert job_claim(Job.objects.get(owner=charlie).pk), "another person's runs beside it"
    # Its worker dies; it goes on as the one that runs. Then the next one may begin.
    Job.objects.filter(pk=running.pk).update(lease_until=Now() - timedelta(seconds=5))
    assert job_claim(running.pk)
    Job.objects.filter(pk=running.pk).update(state=Job.State.DONE)
    assert job_claim(Job.objects.filter(state=Job.State.QUEUED).first().pk)  # type: ignore[union-attr]


@pytest.mark.django_db
def test_a_training_is_cancelled_and_goes_on_as_the_same_run(bob_client: Client) -> None:
    run = start(bob_client).json()
    assert post(bob_client, run, "resume").json()["code"] == "not_stopped"
    assert post(bob_client, run, "cancel").json()["state"] == "cancelled"
    again = post(bob_client, run, "cancel")
    assert (again.status_code, again.json()["code"]) == (409, "job_finished")
    resumed = post(bob_client, run, "resume").json()
    assert (resumed["id"], resumed["state"]) == (run["id"], "queued")
    assert Job.objects.count() == 1


@pytest.mark.django_db
def test_an_unknown_run_is_not_found(bob_client: Client) -> None:
    nowhere = {"id": "00000000-0000-4000-8000-000000000000"}
    assert bob_client.get(f"{RUNS}{nowhere['id']}/").status_code == 404
    assert post(bob_client, nowhere, "cancel").status_code == 404
    assert bob_client.get(RUNS + "?limit=10&model=4").status_code == 400
