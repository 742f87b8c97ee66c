"""The prediction API: choose a galaxy or send pictures, turn them, ask; the shapes that the pages rely on."""

import base64
import io

import numpy as np
import pytest
import torch
from django.db import connection
from django.db.models import Value
from PIL import Image

from giz.catalog.models import Galaxy, plain_name
from giz.inference.models import Prediction, Source
from giz.training.nn.export import export_onnx
from giz.training.nn.networks import ReferenceNet, ServedReference
from tests.inference.sky import ask, encoded, galaxy_with_pictures, named, register, ruler, spiral, upload

pytestmark = pytest.mark.django_db


def test_a_galaxy_of_the_catalogue_is_there_at_once(client, network):
    galaxy_with_pictures()
    answer = ask(client, "sources/", {"pgc": 4258})
    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/v1/predict/sources/{body['id']}/"
    assert (body["state"], body["bands"], body["size_px"]) == ("ready", ["g", "r", "i", "gri"], 256)
    assert body["galaxy"] == {
        "pgc": 4258,
        "name": "NGC4258",
        "ra_deg": 184.74,
        "dec_deg": 47.3,
        "size_arcmin": 2.0,
        "position_angle_deg": 150.0,
    }
    for url in body["pictures"].values():
        assert client.get(url).headers["Content-Type"] == "image/webp"
    assert client.get(answer.headers["Location"]).json() == body


@pytest.mark.finding("data 12", "review 22")
@pytest.mark.parametrize("stored", ["NGC4258", "NGC 4258", "ngc  4258", "NGC\u00a04258", "NGC04258"])
@pytest.mark.parametrize("name", ["NGC4258", "ngc 4258", " NGC  4258 ", "NGC\u00a04258", "ngc04258"])
def test_a_galaxy_is_found_by_its_name_however_either_is_written(client, network, stored, name):
    galaxy_with_pictures(name=stored)
    assert ask(client, "sources/", {"name": name}).json()["galaxy"]["pgc"] == 4258


@pytest.mark.finding("data 12")
@pytest.mark.parametrize("name", ["PGC 4258", "pgc4258", "LEDA 4258", "leda 004258", "4258", " 4258 ", "PGC #4258"])
def test_a_number_in_place_of_a_name_is_a_number(client, network, name):
    galaxy_with_pictures()
    assert ask(client, "sources/", {"name": name}).json()["galaxy"]["pgc"] == 4258
    assert client.get(f"/api/v1/predict/name/{name.replace('#', '%23')}/").status_code == 200


@pytest.mark.finding("data 12")
def test_of_several_galaxies_of_one_name_the_one_with_pictures_is_meant(client, network):
    Galaxy.objects.create(pgc=1, name="NGC 4258")
    galaxy_with_pictures()
    galaxy_with_pictures(5000, name="ngc4258")
    assert ask(client, "sources/", {"name": "NGC 4258"}).json()["galaxy"]["pgc"] == 4258


@pytest.mark.finding("review 22")
def test_a_name_is_found_by_an_index(network):
    Galaxy.objects.bulk_create(Galaxy(pgc=number, name=f"UGC {number}") for number in range(1, 3000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalog_galaxy")
    plan = Galaxy.objects.alias(plain=plain_name("name")).filter(plain=plain_name(Value("ugc 1234"))).explain()
    assert "galaxy_by_plain_name" in plan


@pytest.mark.finding("ux C22", "abuse A29")
@pytest.mark.parametrize("text", ["0", "-5", "+5", "PGC 0", "9" * 16])
def test_what_is_no_number_of_a_galaxy_is_told_as_that(client, network, text):
    answer = ask(client, "sources/", {"name": text})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_pgc")
    assert client.get(f"/api/v1/predict/name/{text}/").json()["code"] == "bad_pgc"


@pytest.mark.finding("abuse A29")
@pytest.mark.parametrize("pgc", ["0", "9" * 16, "1" * 40])
def test_a_number_in_an_address_is_checked_as_one_in_a_body(client, network, pgc):
    for path in (f"/api/v1/predict/pgc/{pgc}/", f"/api/pgc/{pgc}"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_pgc")
    assert not Source.objects.exists()


@pytest.mark.finding("data 12")
def test_a_place_in_place_of_a_name_is_a_place(client, network):
    answer = ask(client, "sources/", {"name": "12 18 57.5 +47 18 14"})
    assert answer.status_code == 202
    wanted = Source.objects.get().wanted
    assert wanted == {"ra_deg": 184.739583, "dec_deg": 47.303889, "size_arcmin": 4.0}
    wrong = ask(client, "sources/", {"name": "400 10"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "bad_place")


def test_evaluating_answers_everything_the_page_shows(client, network):
    galaxy_with_pictures()
    standards = ruler()
    source = ask(client, "sources/", {"pgc": 4258}).json()
    view = {"angle_deg": 30, "zoom": 1.2, "shift": [0.1, -0.05], "is_inverted": True}
    answer = ask(client, f"sources/{source['id']}/evaluate/", view)
    said = answer.json()
    assert answer.status_code == 200
    assert said["model"] == {
        "version": network.sha256[:12],
        "network": "ours",
        "trained_on": "Plain disks",
        "card_url": f"/api/v1/predict/models/{network.sha256[:12]}/",
    }
    low, high = said["interval_68_deg"]
    assert low <= said["inclination_deg"] <= high
    assert said["interval_95_deg"][0] <= low <= high <= said["interval_95_deg"][1] <= 90
    assert said["sigma_deg"] > 0
    assert said["sigma_common_deg"] is None
    assert said["has_real_errors"] is False
    assert set(said["rejection"]["reasons"]) >= {"not_sure", "face_on", "multiple"}
    assert said["rejection"]["reason"] in said["rejection"]["reasons"]
    assert 0 <= said["rejection"]["probability"] <= 1
    assert [one["name"] for one in said["views"]] == ["all", "g", "r", "i", "gri"]
    assert [(one["name"], one["version"]) for one in said["models"]] == [("ours", network.sha256[:12])]
    assert said["views"][0]["inclination_deg"] == said["inclination_deg"]
    values = [one["inclination_deg"] for one in said["views"]]
    assert said["disagreement"]["spread_deg"] == pytest.approx(max(values) - min(values), abs=0.011)
    assert said["grid"]["set_id"] == standards.pk
    panels = [panel["inclination_deg"] for panel in said["grid"]["panels"]]
    assert panels == sorted(panels)
    assert len(panels) == 9
    assert said["grid"]["place"] == sum(value <= said["inclination_deg"] for value in panels)
    assert client.get(said["grid"]["panels"][0]["picture_url"]).status_code == 200
    assert said["judge_url"] is None
    seen = Image.open(io.BytesIO(base64.b64decode(said["seen"]["r"].partition(",")[2])))
    assert (seen.format, seen.size) == ("PNG", (32, 32))


@pytest.mark.parametrize("is_binary", [True, False])
def test_the_views_disagree_unless_two_networks_say_an_inclination(client, network, tmp_path, is_binary):
    """One that says only whether a galaxy can be measured is no second opinion on its inclination."""
    torch.manual_seed(1)
    role = "model4-binary" if is_binary else "model4"
    other = ServedReference(ReferenceNet("model4", binary=is_binary)).eval()
    export_onnx(other, tmp_path / "other.onnx", size_px=128, card={"network": role})
    register(tmp_path / "other.onnx")
    galaxy_with_pictures()
    said = client.get("/api/v1/predict/pgc/4258/").json()
    assert [one["name"] for one in said["models"]] == ["ours", role]
    assert (said["models"][1]["inclination_deg"] is None) == is_binary
    values = [one["inclination_deg"] for one in said["views" if is_binary else "models"]]
    apart_deg = max(values) - min(values)
    assert apart_deg > 0.1
    assert said["disagreement"]["spread_deg"] == pytest.approx(apart_deg, abs=0.011)


def test_the_card_of_the_network_is_public(client, network):
    card = client.get(f"/api/v1/predict/models/{network.sha256[:12]}/").json()
    assert (card["sha256"], card["card"]["network"]) == (network.sha256, "ours")
    assert client.get("/api/v1/predict/models/000000000000/").json()["code"] == "not_found"


def test_uploaded_pictures_are_kept_for_a_day_under_a_random_name_and_answered(client, network):
    made = spiral(70, 25)
    files = {band: named(encoded(made[band]), f"x_{band}.png") for band in ("g", "gri")}
    answer = upload(client, **files)
    body = answer.json()
    assert answer.status_code == 201
    assert (body["bands"], body["size_px"], body["galaxy"]) == (["g", "gri"], 160, {})
    picture = client.get(body["pictures"]["gri"])
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.headers["Content-Security-Policy"].startswith("sandbox")
    shown = np.asarray(Image.open(io.BytesIO(b"".join(picture.streaming_content))))
    np.testing.assert_array_equal(shown, made["gri"])
    said = ask(client, f"sources/{body['id']}/evaluate/").json()
    assert [one["name"] for one in said["views"]] == ["all", "g", "gri"]
    assert said["ellipse"]["is_measured"]
    assert said["ellipse"]["angle_deg"] == pytest.approx(25, abs=3)


@pytest.mark.parametrize("outside", [0, 255])
def test_the_ellipse_lies_on_the_galaxy_of_a_turned_frame_whatever_fills_its_corners(client, network, outside):
    colour = spiral(70, 25)["gri"].copy()
    side = np.arange(colour.shape[0]) - (colour.shape[0] - 1) / 2
    x, y = np.meshgrid(side, side)
    along, across = x * np.cos(0.6) + y * np.sin(0.6), y * np.cos(0.6) - x * np.sin(0.6)
    colour[np.maximum(abs(along), abs(across)) > 0.72 * side[-1]] = outside
    source = upload(client, file=named(encoded(colour), "turned.png")).json()
    ellipse = ask(client, f"sources/{source['id']}/evaluate/").json()["ellipse"]
    assert ellipse["angle_deg"] == pytest.approx(25, abs=4)
    assert ellipse["centre"] == pytest.approx([0.5, 0.5], abs=0.03)
    assert ellipse["axial_ratio"] < 0.6


def test_the_ellipse_turns_moves_and_grows_with_the_view(client, network):
    source = upload(client, file=named(encoded(spiral(70, 25)["r"]), "r.png")).json()
    plain = ask(client, f"sources/{source['id']}/evaluate/").json()["ellipse"]
    view = {"angle_deg": 40, "zoom": 2, "shift": [0.2, 0]}
    turned = ask(client, f"sources/{source['id']}/evaluate/", view).json()["ellipse"]
    assert turned["angle_deg"] == pytest.approx(plain["angle_deg"] + 40)
    assert turned["semi_major"] == pytest.approx(2 * plain["semi_major"], abs=1e-3)
    assert turned["centre"][0] == pytest.approx(0.7, abs=0.05)


def test_straight_answers_come_in_one_call(client, network):
    galaxy_with_pictures()
    by_number = client.get("/api/v1/predict/pgc/4258/").json()
    by_name = client.get("/api/v1/predict/name/NGC%204258/").json()
    assert by_number["galaxy"]["name"] == "NGC4258"
    assert by_number["id"] == by_name["id"]
    assert set(by_number["pictures"]) == {"g", "r", "i", "gri"}
    of_file = upload(client, "file/", file=named(encoded(spiral()["gri"]))).json()
    assert [one["name"] for one in of_file["views"]] == ["all", "gri"]
    assert of_file["pictures"] == {}


def test_a_galaxy_in_an_open_campaign_can_be_judged(client, network):
    from labeling.services.campaigns import campaign_create, campaign_open, targets_add

    galaxy = galaxy_with_pictures()
    campaign = campaign_create(name="spirals", standard_set=ruler())
    targets_add(campaign=campaign, galaxy_ids=[galaxy.pk])
    campaign_open(campaign=campaign)
    said = client.get("/api/v1/predict/pgc/4258/").json()
    assert said["galaxy"]["campaign"] == "spirals"
    assert said["judge_url"] == "/label/spirals"


def test_any_galaxy_is_laid_out_to_be_judged_for_oneself_and_nothing_is_stored(client, network):
    from labeling.models import Task, Vote

    standards = ruler()
    galaxy = galaxy_with_pictures()
    known = ask(client, "sources/", {"pgc": 4258}).json()["id"]
    laid_out = client.get(f"/api/v1/predict/sources/{known}/comparison/").json()
    assert (laid_out["standard_set"], laid_out["target"]["label"]) == (standards.pk, "NGC4258")
    assert sorted(laid_out["target"]["images"]) == ["g", "gri", "i", "r"]
    assert [len(order) for order in laid_out["orders"].values()] == [1] * 46
    own = upload(client, "sources/", g=named(encoded(spiral()["g"]), "g.png")).json()["id"]
    target = client.get(f"/api/v1/predict/sources/{own}/comparison/").json()["target"]
    assert target["label"] == "Your galaxy"
    address = target["image_path"].format(stem=target["images"]["g"], size=target["sizes_px"][0])
    assert client.get(address).status_code == 200
    assert not Task.objects.exists()
    assert not Vote.objects.exists()
    assert not galaxy.targets.exists()


def test_a_standard_is_not_compared_with_itself_and_without_standards_it_says_so(client, network):
    galaxy_with_pictures()
    source = ask(client, "sources/", {"pgc": 4258}).json()["id"]
    alone = client.get(f"/api/v1/predict/sources/{source}/comparison/")
    assert (alone.status_code, alone.json()["code"]) == (404, "no_standards")
    ruler()
    standard = ask(client, "sources/", {"pgc": 700_010}).json()["id"]
    laid_out = client.get(f"/api/v1/predict/sources/{standard}/comparison/").json()
    assert "55" not in laid_out["orders"]
    assert laid_out["sources"]["55"] != 55


def test_the_same_question_is_one_prediction_another_view_another(client, network):
    galaxy_with_pictures()
    source = ask(client, "sources/", {"pgc": 4258}).json()["id"]
    first = ask(client, f"sources/{source}/evaluate/").json()["id"]
    assert ask(client, f"sources/{source}/evaluate/").json()["id"] == first
    assert ask(client, f"sources/{source}/evaluate/", {"zoom": 1.5}).json()["id"] != first
    row = Prediction.objects.get(pk=first)
    assert (row.pgc, row.galaxy.pgc, row.origin, row.model) == (4258, 4258, "catalogue", network)
    assert set(row.input_summary) == {"g", "r", "i", "gri"}
    assert row.input_summary["r"]["mean"] > 128
    assert Source.objects.count() == 1


def test_without_a_network_the_answer_says_so(client, db):
    galaxy_with_pictures()
    answer = client.get("/api/v1/predict/pgc/4258/")
    assert (answer.status_code, answer.json()["code"]) == (503, "no_model")
    assert "Retry-After" in answer.headers
