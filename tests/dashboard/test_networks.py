"""Staff pages of networks: trainings are started, followed, stopped; networks promoted, rolled back; drift told."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from giz.catalog.formats.numbers import FIRST_SYNTHETIC_PGC
from giz.core.jobs import job_claim
from giz.core.models import AuditEvent, Job
from giz.dashboard.networks import settings_in_words
from giz.inference.models import Prediction
from giz.training.drift import histograms
from giz.training.models import ModelVersion, Promotion, TrainingRun
from giz.training.reports import evaluation_text, views_table
from giz.training.selectors import served_model
from giz.training.services.registry import model_promote, model_register
from tests.dashboard.sky import make_network
from tests.training.discs import write_discs

pytestmark = pytest.mark.django_db
NETWORKS = "/staff/dashboard/networks/"
ADD = "/staff/training/trainingrun/add/"
FORM = {
    "labelset": "discs",
    "network": "ours",
    "minutes": "30",
    "flavour": "1",
    "seed": "4",
    "processes": "1",
    "promote": "on",
}


@pytest.fixture(scope="module")
def few_discs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_discs(tmp_path_factory.mktemp("labelset") / "discs", 40)


@pytest.fixture(autouse=True)
def _home(settings: Any, tmp_path: Path, few_discs: Path) -> None:
    settings.GIZ_HOME = tmp_path / "home"
    shutil.copytree(few_discs, settings.GIZ_HOME / "labelsets" / "discs")


@pytest.fixture
def versions(tmp_path: Path) -> list[ModelVersion]:
    """Two registered files; the second one answers."""
    made = []
    for words in ("first", "second"):
        (tmp_path / words).write_bytes(words.encode())
        made.append(model_register(tmp_path / words, card={"network": "ours"}, report={}))
        model_promote(version=made[-1], why="test")
    return made


def press(client: Client, row: Any, button: str) -> Any:
    name = f"admin:training_{row._meta.model_name}_press"
    return client.post(reverse(name, args=[row.pk, button]), follow=True)


def test_a_training_is_started_from_a_form_that_offers_the_label_sets(bob_client: Client, bob: Any) -> None:
    page = bob_client.get(ADD).content.decode()
    assert "40 galaxies · 32 px" in page
    assert "Start the training" in page
    assert "Save and add another" not in page
    answer = bob_client.post(ADD, FORM, follow=True)
    assert answer.status_code == 200
    job = Job.objects.get()
    assert (job.kind, job.owner, job.params["promote"]) == ("train", bob, True)
    assert job.params["settings"] == {"network": "ours", "minutes": 30.0, "steps": 0, "flavour": 1, "seed": 4}


def test_a_training_is_told_where_to_calculate_and_its_pages_say_so(bob_client: Client) -> None:
    bob_client.post(ADD, {**FORM, "processes": "4", "device": "cuda"})
    run = TrainingRun.objects.get()
    assert (run.processes, run.device) == (4, "cuda")
    assert (
        "<dt>Processes</dt><dd>4</dd>" in bob_client.get(reverse("dashboard:training", args=[run.pk])).content.decode()
    )
    page = bob_client.get(reverse("admin:training_trainingrun_change", args=[run.pk])).content.decode()
    assert "4 processes, the first GPU" in page
    assert "Start the training" not in page


def test_less_than_a_minute_can_be_tried(bob_client: Client) -> None:
    bob_client.post(ADD, {**FORM, "minutes": "0.2"})
    assert Job.objects.get().params["settings"]["minutes"] == 0.2


def test_what_can_not_be_trained_is_told_on_the_form(bob_client: Client) -> None:
    answer = bob_client.post(ADD, {**FORM, "network": "model4"}, follow=True)
    assert "model4 takes pictures of 128 px; this label set has 32 px." in answer.content.decode()
    answer = bob_client.post(ADD, {**FORM, "processes": "5"}, follow=True)
    assert "5 processes can&#x27;t share batches of 96 evenly; possible are 1, 2, 3, 4" in answer.content.decode()
    for wrong in (
        {"minutes": "0"},
        {"minutes": "nan"},
        {"labelset": "/etc"},
        {"seed": "-1"},
        {"processes": "0"},
        {"device": "gpu"},
    ):
        assert bob_client.post(ADD, {**FORM, **wrong}).status_code == 200
    assert not TrainingRun.objects.exists()


def test_a_training_is_stopped_and_goes_on_by_buttons(bob_client: Client, bob: Any) -> None:
    bob_client.post(ADD, FORM)
    run = TrainingRun.objects.get()
    assert (
        "Stop the training"
        in bob_client.get(reverse("admin:training_trainingrun_change", args=[run.pk])).content.decode()
    )
    press(bob_client, run, "cancel")
    assert TrainingRun.objects.get().state == "cancelled"
    assert AuditEvent.objects.filter(action="training_cancelled", actor_number=bob.volunteer_number).exists()
    press(bob_client, run, "resume")
    assert TrainingRun.objects.get().state == "queued"


def test_the_page_of_a_training_shows_progress_curves_gate_figures_and_card(bob_client: Client) -> None:
    version = make_network("first")
    page = bob_client.get(reverse("dashboard:training", args=[version.run_id])).content.decode()
    for words in (
        *("Loss on the train galaxies", "Error in validation", "Correct verdicts in validation"),
        *(
            "Passed the gate.",
            "Better than a constant guess.",
            "2.80°",
            "Largest errors, all bands: PGC 7",
            "Model card",
            "labels of first",
        ),
        *("80 steps", "Details", "<dt>Minutes</dt><dd>30</dd><dt>Seed</dt><dd>1</dd>"),
    ):
        assert words in page, words
    assert "measuring it" not in page, "what it did last says nothing of what has ended"
    assert page.count('<svg class="plot"') == 3
    assert "data-seconds" not in page, "what has ended is not asked about again"


def test_a_running_training_refreshes_itself(bob_client: Client) -> None:
    bob_client.post(ADD, FORM)
    run = TrainingRun.objects.get()
    assert job_claim(Job.objects.get().pk)
    page = bob_client.get(reverse("dashboard:training", args=[run.pk])).content.decode()
    assert 'data-seconds="5"' in page
    assert ">Stop the training</a>" in page
    assert "The curves will appear after the first validation." in page


def test_the_overview_says_what_answers_and_since_when(bob_client: Client) -> None:
    assert "No network is in use yet" in bob_client.get(NETWORKS).content.decode()
    version = make_network("first")
    page = bob_client.get(NETWORKS).content.decode()
    assert version.sha256[:12] in page
    assert "Passed the gate: Better than a constant guess." in page


def test_what_a_training_was_told_is_shown_to_the_last_digit() -> None:
    config = {"steps": 1_000_000, "minutes": 0.0, "seed": 2_147_483_647, "batch_size": 0, "learning_rate": 0.0}
    assert settings_in_words(config) == [("Steps", "1,000,000"), ("Seed", "2147483647")]
    config = {"steps": 0, "minutes": 2.5, "seed": 0, "learning_rate": 0.0003, "patience": 0, "bf16": False}
    assert settings_in_words(config) == [
        *(("Minutes", "2.5"), ("Seed", "0"), ("Learning rate", "0.0003")),
        *(("Patience", "0"), ("bfloat16", "no")),
    ]


@pytest.mark.finding("abuse A17")
def test_strangers_and_volunteers_see_nothing_of_it(alice_client: Client) -> None:
    version = make_network("first")
    for address in (NETWORKS, reverse("dashboard:training", args=[version.run_id])):
        assert alice_client.get(address).status_code == 404
        assert Client().get(address).status_code == 302
    press(alice_client, version, "rollback")
    assert Promotion.objects.count() == 1


def test_a_network_is_promoted_and_rolled_back_with_a_second_press_and_an_audit_event(
    bob_client: Client, bob: Any, versions: list[ModelVersion]
) -> None:
    first, second = versions
    page = bob_client.get(reverse("admin:training_modelversion_change", args=[second.pk])).content.decode()
    assert "Roll back …" in page
    assert "The network that was in use before this one is used again." in page
    assert "Put it into use …" not in page
    assert "is in use as ours again" in press(bob_client, second, "rollback").content.decode()
    assert served_model() == first
    assert "is now in use as ours" in press(bob_client, second, "promote").content.decode()
    assert served_model() == second
    assert AuditEvent.objects.filter(action="model_promoted", actor_number=bob.volunteer_number).count() == 2


def test_a_networks_figures_are_those_with_all_bands_whatever_order_the_database_keeps() -> None:
    views = {
        view: {"inclination": {"rms_deg": rms, "by_bin": [rms] * 9}, "galaxies": 9}
        for view, rms in (("all", 2.0), ("g", 5.0), ("gri", 3.0))
    }
    version = make_network("first")
    ModelVersion.objects.update(report={"views": views})
    version.refresh_from_db()
    assert version.words == "RMS 2.00°"
    assert [row[0] for row in views_table(version.report).rows] == ["all bands", "g alone", "colour alone"]
    assert "RMS by 5° (all bands)" in evaluation_text(version.report)


def test_there_is_nothing_before_the_first_one(bob_client: Client, versions: list[ModelVersion]) -> None:
    press(bob_client, versions[1], "rollback")
    assert "No version was served as ours before" in press(bob_client, versions[0], "rollback").content.decode()


@pytest.mark.finding("ux C17", "review 4.3")
def test_pictures_unlike_those_of_the_test_raise_an_alarm_which_visitors_can_not_move(bob_client: Client) -> None:
    rng = np.random.default_rng(1)
    usual = [{"gri": {"mean": rng.normal(60, 8), "sigma": rng.normal(30, 5)}} for _ in range(500)]
    answers = {"inclination_deg": np.linspace(45, 90, 500), "rejection": rng.random(500)}
    version = make_network("first", reference=histograms(usual, answers))

    def predict(mean: float, count: int, origin: str = "bulk", pgc: int | None = None) -> None:
        Prediction.objects.bulk_create(
            Prediction(
                key=f"{origin}-{mean}-{pgc}-{number}",
                origin=origin,
                pgc=pgc,
                model=version,
                inclination_deg=45 + 45 * number / count,
                rejection=rng.random(),
                input_summary={"gri": {"mean": rng.normal(mean, 8), "sigma": rng.normal(30, 5)}},
            )
            for number in range(count)
        )
        cache.delete(f"drift-{version.pk}")

    predict(60, 300)
    assert "The same as in its test, over 300 predictions." in bob_client.get(NETWORKS).content.decode()
    for origin in ("upload", "sky", "catalogue"):  # whatever visitors ask for
        predict(150, 900, origin)
    predict(150, 900, pgc=FIRST_SYNTHETIC_PGC)  # a demo sky
    assert "The same as in its test, over 300 predictions." in bob_client.get(NETWORKS).content.decode()
    assert "Different from its test" not in bob_client.get("/staff/dashboard/").content.decode()
    predict(150, 900)
    told = "Different from its test: brightness in colour."
    assert told in bob_client.get(NETWORKS).content.decode()
    assert told in bob_client.get("/staff/dashboard/").content.decode()


def test_too_few_test_galaxies_tell_nothing_either(bob_client: Client) -> None:
    version = make_network("first", reference={"rejection": [10] * 10})
    Prediction.objects.bulk_create(
        Prediction(key=str(number), origin="bulk", model=version, inclination_deg=60, rejection=0.5, input_summary={})
        for number in range(250)
    )
    page = bob_client.get(NETWORKS).content.decode()
    assert "Too few test galaxies to compare with: at least 200 are needed." in page
    assert "The same as in its test" not in page


def test_few_predictions_tell_nothing(bob_client: Client) -> None:
    make_network("first", reference={"rejection": [100] * 10})
    assert (
        "0 predictions in 30 days; 200 are needed to see whether the pictures have changed."
        in bob_client.get(NETWORKS).content.decode()
    )
