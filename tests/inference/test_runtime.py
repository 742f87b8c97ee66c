"""The networks of a process: warm, checked, exchanged when another is promoted, one query in seconds, no torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from django.conf import settings as django_settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from giz.core.errors import Refused
from giz.inference.services import runtime as module
from giz.inference.services.runtime import Runtime
from giz.training.nn.export import export_onnx
from giz.training.nn.networks import ReferenceNet, ServedReference
from giz.training.nn.ours import OurNet, Served
from giz.training.nn.predictor import Predictor
from tests.inference.sky import ask, galaxy_with_pictures, register
from tests.training.discs import SIZE_PX

REPOSITORY = Path(__file__).resolve().parents[2]
db = pytest.mark.django_db


@pytest.fixture(scope="session")
def other_file(tmp_path_factory):
    torch.manual_seed(4)
    path = tmp_path_factory.mktemp("model") / "other.onnx"
    export_onnx(Served(OurNet()).eval(), path, size_px=SIZE_PX, card={"network": "ours"})
    return path


def galaxies(count):
    rng = np.random.default_rng(count)
    return rng.integers(0, 256, (count, 6, SIZE_PX, SIZE_PX), dtype=np.uint8), np.ones((count, 4), bool)


@db
def test_threads_that_ask_at_once_get_their_own_answers(network, model_file):
    (loaded,) = Runtime().networks()
    asked = [galaxies(count) for count in (1, 5, 2, 5, 3, 4)]
    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(lambda one: loaded.ask(*one), asked))
    alone = Predictor(model_file, threads=1)
    for one, answer in zip(asked, said, strict=True):
        expected = alone.predict(*one)
        for name in ("inclination_deg", "half_widths_deg", "rejection", "reasons"):
            np.testing.assert_allclose(getattr(answer, name), getattr(expected, name), atol=2e-3)


@db
def test_the_database_is_asked_once_in_seconds_and_nothing_is_loaded_twice(network, monkeypatch):
    runtime = Runtime()
    loads = []
    load = module.predictor_load
    monkeypatch.setattr(module, "predictor_load", lambda *a, **k: loads.append(1) or load(*a, **k))
    with CaptureQueriesContext(connection) as seen:
        for _ in range(50):
            runtime.networks()
    assert (len(seen), len(loads)) == (1, 1)
    runtime._checked_at -= module.CHECK_SECONDS + 1
    with CaptureQueriesContext(connection) as seen:
        runtime.networks()
    assert (len(seen), len(loads)) == (1, 1)


@db
def test_a_promoted_network_answers_without_a_restart_and_a_broken_one_never(network, other_file):
    runtime = Runtime()
    assert runtime.networks()[0].version == network
    newer = register(other_file)
    assert runtime.networks()[0].version == network
    runtime._checked_at -= module.CHECK_SECONDS + 1
    assert runtime.networks()[0].version == newer
    file = file_of(newer)
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(Refused) as refused:
        Runtime().networks()
    assert (refused.value.code, refused.value.status) == ("no_model", 503)
    # A process that has it in memory goes on.
    assert runtime.networks()[0].version == newer


def file_of(version):
    return Path(django_settings.GIZ_HOME) / "models" / version.file_name


@pytest.fixture
def beside(network, tmp_path):
    """A reference network that answers beside ours."""
    torch.manual_seed(5)
    path = tmp_path / "beside.onnx"
    export_onnx(ServedReference(ReferenceNet("model4")).eval(), path, size_px=128, card={"network": "model4"})
    return register(path)


@pytest.fixture
def loads(monkeypatch):
    """The versions that were read from disk, or tried to be, in order. A busy machine brings no check forward."""
    monkeypatch.setattr(module, "CHECK_SECONDS", 60.0)
    monkeypatch.setattr(module, "EMPTY_SECONDS", 60.0)
    seen = []
    load = module.predictor_load
    monkeypatch.setattr(module, "predictor_load", lambda version, **k: seen.append(version) or load(version, **k))
    return seen


def later(runtime, seconds=61):
    runtime._checked_at -= seconds
    return [one.version for one in runtime.networks()]


@db
def test_no_other_network_answers_in_the_place_of_a_served_one_that_can_not_be_read(network, beside, loads):
    runtime = Runtime()
    away = file_of(network).rename(file_of(network).with_suffix(".away"))
    for _ in range(3):
        with pytest.raises(Refused) as refused:
            runtime.networks()
        assert (refused.value.code, refused.value.status) == ("no_model", 503)
    assert loads == [network]
    away.rename(file_of(network))
    assert later(runtime) == [network, beside]
    assert loads == [network, network, beside]


@db
def test_the_networks_of_before_go_on_until_the_promoted_one_can_be_read(network, beside, other_file, loads):
    runtime = Runtime()
    assert [one.version for one in runtime.networks()] == [network, beside]
    newer = register(other_file)
    away = file_of(newer).rename(file_of(newer).with_suffix(".away"))
    assert later(runtime) == [network, beside]
    assert later(runtime, 0) == later(runtime, 1) == [network, beside]
    away.rename(file_of(newer))
    assert later(runtime) == [newer, beside]
    assert loads == [network, beside, newer, newer]


@db
def test_a_network_beside_that_comes_back_answers_again_without_a_restart(network, beside, loads):
    runtime = Runtime()
    away = file_of(beside).rename(file_of(beside).with_suffix(".away"))
    assert [one.version for one in runtime.networks()] == [network]
    assert later(runtime, 0) == later(runtime, 1) == [network]
    assert loads == [network, beside]
    away.rename(file_of(beside))
    assert later(runtime) == [network, beside]
    assert later(runtime) == [network, beside]
    assert loads == [network, beside, beside]


@db
def test_pages_are_ready_without_any_network(client, db):
    assert client.get("/readyz").status_code == 200


@db
def test_evaluating_costs_the_same_few_queries_however_much_there_is(client, network):
    galaxy_with_pictures()
    source = ask(client, "sources/", {"pgc": 4258}).json()["id"]

    def queries(zoom):
        with CaptureQueriesContext(connection) as seen:
            assert ask(client, f"sources/{source}/evaluate/", {"zoom": zoom}).status_code == 200
        return len(seen)

    queries(1.0)
    few = queries(1.1)
    for number in range(5):
        galaxy_with_pictures(5000 + number, name="")
        ask(client, "sources/", {"pgc": 5000 + number})
        queries(1.2 + number / 10)
    assert queries(2.0) == few <= 10


@pytest.mark.django_db(transaction=True)
def test_a_web_process_that_predicts_has_no_torch_and_stays_small(network):
    """A new process as the web server starts it; it answers every way in, then tells what it has loaded."""
    import psutil  # noqa: F401 - the child needs it

    galaxy_with_pictures()
    script = f"""
import json, sys
import giz.wsgi
from django.conf import settings
from django.db import connections
from pathlib import Path
connections["default"].settings_dict["NAME"] = {connection.settings_dict["NAME"]!r}
settings.GIZ_HOME = Path({str(django_settings.GIZ_HOME)!r})
settings.MEDIA_ROOT = Path({str(django_settings.MEDIA_ROOT)!r})
from django.test import Client
client = Client(HTTP_HOST="localhost")
source = client.post("/api/v1/predict/sources/", {{"pgc": 4258}}, content_type="application/json").json()
answers = [
    client.post(f"/api/v1/predict/sources/{{source['id']}}/evaluate/", {{}}, content_type="application/json"),
    client.get("/api/v1/predict/pgc/4258/"),
    client.get("/api/pgc/4258"),
]
import psutil
print(json.dumps({{
    "statuses": [answer.status_code for answer in answers],
    "torch": [name for name in sys.modules if name.split(".")[0] in ("torch", "onnx", "pandas", "matplotlib")],
    "megabytes": psutil.Process().memory_info().rss / 1e6,
}}))
"""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "giz.settings"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert told["statuses"] == [200, 200, 200]
    assert told["torch"] == []
    assert told["megabytes"] < 250


def test_warming_is_no_more_than_a_thread_that_ends(monkeypatch):
    runtime = Runtime()
    asked = []
    monkeypatch.setattr(runtime, "networks", lambda: asked.append(1))
    runtime.warm()
    deadline = time.monotonic() + 10
    while not asked and time.monotonic() < deadline:
        time.sleep(0.01)
    assert asked == [1]
