"""manage.py predict: label sets, campaigns, tables into one Parquet file and rows; a rerun changes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management.base import CommandError
from django.db import connection

from giz.catalog.storage import StorageError
from giz.core.jobs import job_claim, run_job
from giz.core.models import Job
from giz.inference.jobs import predict_jobs
from giz.inference.models import Prediction
from giz.inference.services import bulk
from giz.inference.services.bulk_inputs import input_of
from giz.labelset import LabelSet
from giz.training.models import ModelVersion
from giz.training.nn.data import TrainingData
from giz.training.nn.evaluation import predictions
from giz.training.nn.predictor import Predictor
from tests.catalog.conftest import run_command  # noqa: F401
from tests.catalog.silence import no_answer
from tests.inference.sky import encoded, galaxy_with_pictures, ruler, spiral
from tests.training.discs import write_discs

pytestmark = pytest.mark.django_db(transaction=True)
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def labelset(tmp_path_factory):
    """140 disks: with shards of 64 rows, three of them."""
    return write_discs(tmp_path_factory.mktemp("labelset") / "discs", 140)


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch):
    monkeypatch.setattr(bulk, "SHARD_ROWS", 64)


def test_a_label_set_is_answered_as_the_report_measures_it(labelset, network, model_file, tmp_path, run_command):  # noqa: F811
    out = tmp_path / "answers.parquet"
    assert "140 rows; 140 predicted now" in run_command("predict", labelset, "--out", out)
    table = pq.read_table(out)
    data = TrainingData.of(LabelSet.open(labelset))
    said = predictions(data, Predictor(model_file), np.arange(140), "all")
    np.testing.assert_allclose(table["inclination_deg"].to_numpy(), said.inclination_deg, atol=0.01)
    np.testing.assert_allclose(table["rejection"].to_numpy(), said.rejection, atol=0.001)
    np.testing.assert_allclose(table["sigma_deg"].to_numpy(), said.half_widths_deg[:, 0], atol=0.01)
    assert table["pgc"].to_pylist() == data.labelset.pgc.tolist()
    assert set(table["model"].to_pylist()) == {network.sha256[:12]}
    assert set(table["problem"].to_pylist()) == {None}
    rows = Prediction.objects.filter(origin="bulk", model=network)
    assert rows.count() == 140
    assert rows.get(pgc=5001).inclination_deg == table["inclination_deg"][1].as_py()
    assert not list(tmp_path.glob(".*"))


def test_a_common_error_of_the_network_stands_in_each_row_with_an_inclination(network, tmp_path, run_command):  # noqa: F811
    galaxy_with_pictures(4258)
    pq.write_table(pa.table({"pgc": [4258, 77]}), tmp_path / "numbers.parquet")

    def stated(name):
        out = tmp_path / f"{name}.parquet"
        run_command("predict", tmp_path / "numbers.parquet", "--out", out)
        return pq.read_table(out)["sigma_common_deg"].to_pylist()

    assert stated("without") == [None, None]
    network.card["sigma_common_deg"] = 1.4
    ModelVersion.objects.filter(pk=network.pk).update(card=network.card)
    assert stated("with") == [1.4, None]


def test_the_same_run_again_changes_nothing(labelset, network, tmp_path, run_command):  # noqa: F811
    out = tmp_path / "answers.parquet"
    run_command("predict", labelset, "--out", out)
    before, rows = out.read_bytes(), list(Prediction.objects.order_by("pk").values())
    written = out.stat().st_mtime_ns
    assert "as they were" in run_command("predict", labelset, "--out", out)
    assert (out.read_bytes(), out.stat().st_mtime_ns) == (before, written)
    # Elsewhere the same answers are the same bytes, and no further rows.
    run_command("predict", labelset, "--out", tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == before
    assert list(Prediction.objects.order_by("pk").values()) == rows


def test_galaxies_of_a_campaign_are_answered_with_the_catalogues_pictures(client, network, tmp_path, run_command):  # noqa: F811
    from labeling.services.campaigns import campaign_create, targets_add

    galaxies = [galaxy_with_pictures(), galaxy_with_pictures(4300, ("g",), name="")]
    campaign = campaign_create(name="spirals", standard_set=ruler())
    targets_add(campaign=campaign, galaxy_ids=[galaxy.pk for galaxy in galaxies])
    out = tmp_path / "answers.parquet"
    run_command("predict", "--campaign", "spirals", "--out", out)
    table = pq.read_table(out).to_pylist()
    assert [(row["pgc"], row["bands"]) for row in table] == [(4258, "g r i gri"), (4300, "g")]
    assert {row.galaxy.pgc for row in Prediction.objects.select_related("galaxy")} == {4258, 4300}
    asked = client.get("/api/v1/predict/pgc/4258/").json()
    assert table[0]["inclination_deg"] == pytest.approx(asked["inclination_deg"], abs=1.0)


def test_a_storage_that_does_not_answer_is_no_missing_picture(network, tmp_path, run_command, monkeypatch, client):  # noqa: F811
    galaxy_with_pictures()
    numbers, out = tmp_path / "numbers.parquet", tmp_path / "answers.parquet"
    pq.write_table(pa.table({"pgc": [4258]}), numbers)

    with monkeypatch.context() as silent:
        silent.setattr("giz.inference.storage.display_file_read", no_answer)
        with pytest.raises(StorageError):
            run_command("predict", numbers, "--out", out)
        answer = client.get("/api/v1/predict/pgc/4258/")
        assert (answer.status_code, answer.json()["code"]) == (503, "media_unreadable")
        assert int(answer.headers["Retry-After"]) > 0
    assert not out.exists()
    run_command("predict", numbers, "--out", out)
    assert pq.read_table(out)["inclination_deg"][0].as_py() is not None


def test_tables_name_galaxies_or_hold_paths_or_bytes_and_bad_rows_say_why(network, tmp_path, run_command):  # noqa: F811
    galaxy_with_pictures()
    numbers = tmp_path / "numbers.parquet"
    pq.write_table(pa.table({"pgc": [4258, 77, None]}), numbers)
    run_command("predict", numbers, "--out", tmp_path / "of_numbers.parquet")
    rows = pq.read_table(tmp_path / "of_numbers.parquet").to_pylist()
    assert rows[0]["inclination_deg"] is not None
    assert [row["problem"] for row in rows[1:]] == ["no picture in the catalogue", "no PGC number"]

    made = encoded(spiral(70)["r"])
    (tmp_path / "disk.png").write_bytes(made)
    (tmp_path / "notes.txt").write_text("no picture at all")
    paths = tmp_path / "paths.parquet"
    pq.write_table(pa.table({"r": ["disk.png", "missing.png", "notes.txt", None]}), paths)
    run_command("predict", paths, "--out", tmp_path / "of_paths.parquet")
    of_paths = pq.read_table(tmp_path / "of_paths.parquet").to_pylist()
    assert "can't be read" in of_paths[1]["problem"]
    assert "not PNG" in of_paths[2]["problem"]
    assert of_paths[3]["problem"] == "no picture"

    held = tmp_path / "bytes.parquet"
    pq.write_table(pa.table({"r": pa.array([made], pa.binary())}), held)
    run_command("predict", held, "--out", tmp_path / "of_bytes.parquet")
    assert pq.read_table(tmp_path / "of_bytes.parquet")["inclination_deg"][0].as_py() == of_paths[0]["inclination_deg"]


def test_a_path_that_is_no_file_on_the_disk_is_a_problem_of_its_row(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    paths = tmp_path / "paths.parquet"
    pq.write_table(pa.table({"r": ["pipe", "/dev/zero", ".", "a\0b", "x" * 5000]}), paths)
    told = [subject.problem for subject in input_of({"table": str(paths)}).read(0, 5)]
    assert all(problem.startswith("its file can't be read") for problem in told), told


@pytest.mark.parametrize("text", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_magnitudes_named_as_bands_are_no_pictures(network, tmp_path, run_command, text):  # noqa: F811
    galaxy_with_pictures()
    magnitudes = {band: [14.2, 15.1] for band in ("g", "r", "i")}
    catalogue, out = tmp_path / "catalogue.parquet", tmp_path / "of_catalogue.parquet"
    pq.write_table(pa.table({"pgc": [4258, 77], **magnitudes}), catalogue)
    run_command("predict", catalogue, "--out", out)
    rows = pq.read_table(out).to_pylist()
    assert [(row["bands"], row["problem"]) for row in rows] == [
        ("g r i gri", None),
        ("", "no picture in the catalogue"),
    ]

    (tmp_path / "disk.png").write_bytes(encoded(spiral(70)["gri"]))
    both, out = tmp_path / "both.parquet", tmp_path / "of_both.parquet"
    pq.write_table(pa.table({"pgc": [4258, 77], **magnitudes, "gri": pa.array(["disk.png", None], text)}), both)
    run_command("predict", both, "--out", out)
    rows = pq.read_table(out).to_pylist()
    assert [(row["pgc"], row["bands"], row["problem"]) for row in rows] == [(4258, "gri", None), (77, "", "no picture")]


def test_several_jobs_share_the_work_and_the_last_joins_it(labelset, network, tmp_path):
    out = tmp_path / "answers.parquet"
    jobs = predict_jobs(described={"labelset": str(labelset)}, out=out, jobs=3)
    assert [job.params["shards"] for job in jobs] == [[0, 1], [1, 2], [2, 3]]
    assert [job.pk for job in predict_jobs(described={"labelset": str(labelset)}, out=out, jobs=3)] == [
        job.pk for job in jobs
    ]
    for job in reversed(jobs):
        assert not out.exists()
        run_job(job)
    assert pq.read_table(out)["row"].to_pylist() == list(range(140))


@pytest.mark.parametrize("moment", [1, 2])
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(labelset, network, settings, tmp_path, run_command, moment):  # noqa: F811
    whole, out = tmp_path / "whole.parquet", tmp_path / "killed.parquet"
    run_command("predict", labelset, "--out", whole)
    script = (
        "import os, sys; sys.path.insert(0, '.'); import django; django.setup();"
        "from django.db import connections;"
        f"connections['default'].settings_dict['NAME'] = {connection.settings_dict['NAME']!r};"
        "from django.conf import settings; from pathlib import Path;"
        f"settings.GIZ_HOME = Path({str(settings.GIZ_HOME)!r});"
        "from giz.inference.services import bulk; bulk.SHARD_ROWS = 64;"
        "store = bulk.predictions_store;\n"
        "def slowly(rows):\n"
        "    store(rows)\n"
        "    import time; time.sleep(2)\n"
        "bulk.predictions_store = slowly\n"
        "from giz.inference.jobs import predict_jobs; from giz.core.jobs import run_job;"
        f"run_job(predict_jobs(described={{'labelset': {str(labelset)!r}}}, out=Path({str(out)!r}))[0])"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "giz.settings"}
    process = subprocess.Popen([sys.executable, "-c", script], cwd=REPOSITORY, env=environment)
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob(".killed*/shard-*.parquet"))) < moment and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    done = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob(".killed*/shard-*.parquet")}
    assert len(done) >= moment
    said = run_command("predict", labelset, "--out", out)
    assert f"140 rows; {140 - 64 * len(done)} predicted now" in said
    assert out.read_bytes() == whole.read_bytes()
    assert Prediction.objects.count() == 140


def test_what_can_not_work_is_said_before_any_work(labelset, network, tmp_path, run_command):  # noqa: F811
    wrong = tmp_path / "wrong.parquet"
    pq.write_table(pa.table({"name": ["M31"]}), wrong)
    magnitudes = tmp_path / "magnitudes.parquet"
    pq.write_table(pa.table({"name": ["M31"], "r": [4.2], "gri": pa.array([4], pa.int32())}), magnitudes)
    (tmp_path / "taken.parquet").write_bytes(b"something else")
    (tmp_path / "text.parquet").write_text("no table")
    out = tmp_path / "out.parquet"
    for arguments, words in (
        ((wrong, "--out", out), "needs the column pgc"),
        ((magnitudes, "--out", out), "r is double, gri is int32"),
        ((tmp_path / "text.parquet", "--out", out), "can't be read as Parquet"),
        ((tmp_path / "nothing", "--out", out), "There is no"),
        ((labelset, "--out", tmp_path / "taken.parquet"), "already exists"),
        ((labelset, "--out", tmp_path / "out.csv"), "must end with .parquet"),
        ((labelset, "--out", tmp_path / "no" / "out.parquet"), "not a writable folder"),
        ((labelset, "--out", out, "--model", "abc"), "There is no network 'abc'"),
        ((labelset, "--out", out, "--campaign", "x"), "Name either"),
        (("--campaign", "nobody", "--out", out), "There is no campaign 'nobody'"),
        ((labelset, "--out", out, "--background", 0), "1 to 64"),
    ):
        with pytest.raises(CommandError, match=words):
            run_command("predict", *arguments)
    assert not Job.objects.exists()


def test_work_left_to_workers_waits_on_the_queue_of_predictions(labelset, network, settings, tmp_path, run_command):  # noqa: F811
    from giz.celery import app

    assert settings.JOB_QUEUES["predict"] == settings.JOB_QUEUES["fetch_source"] == "predict"
    with app.connection_for_write() as broker:
        channel = broker.default_channel
        channel.queue_purge("predict")
        said = run_command("predict", labelset, "--out", tmp_path / "out.parquet", "--background", 2)
        assert "2 jobs wait for workers" in said
        assert channel._size("predict") == 2
        first, second = Job.objects.order_by("created_at")
        assert job_claim(first.pk) is not None
        assert job_claim(second.pk) is None, "one at a time: votes come by the same workers"
        Job.objects.filter(pk=first.pk).update(state=Job.State.DONE)
        assert job_claim(second.pk) is not None
        channel.queue_purge("predict")
