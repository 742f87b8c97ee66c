"""Programs of the original switch to us by changing the address: its shape in every key, with proper status codes."""

import json
import statistics

import pytest

from tests.inference.sky import encoded, galaxy_with_pictures, named, spiral, upload

pytestmark = pytest.mark.django_db

GROUPS = {"Group_0": "model4", "Group_1": "model5", "Group_2": "model6"}


def check_answers(said):
    """The original's keys in its order, its types, and its own arithmetic."""
    assert list(said["inclinations"]) == [*GROUPS, "summary"]
    every = []
    for group, model in GROUPS.items():
        assert list(said["inclinations"][group]) == [model, f"{model}1", f"{model}2", f"{model}3"]
        every += said["inclinations"][group].values()
    assert all(isinstance(value, float) and 0 <= value <= 90 for value in every)
    binaries = [f"{model}-binary" for model in GROUPS.values()]
    assert list(said["rejection_likelihood"]) == [*binaries, "summary"]
    percent = [said["rejection_likelihood"][name] for name in binaries]
    assert all(0 <= value <= 100 for value in percent)
    for summary, values in (
        (said["inclinations"]["summary"], every),
        (said["rejection_likelihood"]["summary"], percent),
    ):
        assert list(summary) == ["mean", "median", "stdev"]
        assert summary["mean"] == pytest.approx(statistics.fmean(values))
        assert summary["median"] == pytest.approx(statistics.median(values))
        assert summary["stdev"] == pytest.approx(statistics.pstdev(values))


def test_a_galaxy_by_its_number(client, network):
    galaxy_with_pictures()
    answer = client.get("/api/pgc/4258")
    said = json.loads(answer.content)
    assert answer.status_code == 200
    assert list(said) == ["status", "galaxy", "inclinations", "rejection_likelihood"]
    assert said["status"] == "success"
    assert said["galaxy"] == {
        "pgc": "4258",
        "ra": "184.7400 deg",
        "dec": "47.3000 deg",
        "fov": "1.50 arcmin",
        "pa": "150.0 deg",
        "objname": "NGC4258",
    }
    assert answer.content == (json.dumps(said, indent=2) + "\n").encode()
    check_answers(said)


def test_a_galaxy_by_its_name(client, network):
    galaxy_with_pictures()
    said = json.loads(client.get("/api/objname/ngc%204258").content)
    assert (said["galaxy"]["pgc"], said["galaxy"]["objname"]) == (4258, "ngc 4258")
    check_answers(said)


def test_a_file(client, network):
    answer = client.post("/api/file", {"file": named(encoded(spiral()["gri"], "JPEG"), "NGC_4579.jpg")})
    said = json.loads(answer.content)
    assert list(said) == ["status", "filename", "inclinations", "rejection_likelihood"]
    assert said["filename"] == "NGC_4579.jpg"
    check_answers(said)


def test_facts_come_without_units(client, network):
    galaxy_with_pictures()
    by_number = client.post("/getPGC", {"pgc": "4258"}, content_type="application/json")
    by_name = client.post("/getObj", {"objname": "NGC4258"}, content_type="application/json")
    facts = {"ra": "184.7400", "dec": "47.3000", "fov": "1.50", "pa": "150.0", "objname": "NGC4258"}
    assert by_number.json() == {"status": "success", "pgc": "4258", **facts}
    assert by_name.json() == {"status": "success", "pgc": 4258, **facts}


def test_the_served_network_fills_slots_of_networks_that_do_not_answer_here(client, network):
    galaxy_with_pictures()
    said = json.loads(client.get("/api/pgc/4258").content)
    ours = client.get("/api/v1/predict/pgc/4258/").json()
    views = {view["name"]: view["inclination_deg"] for view in ours["views"]}
    group = said["inclinations"]["Group_0"]
    assert group["model4"] == pytest.approx(views["all"], abs=0.06)
    assert group["model41"] == pytest.approx(views["gri"], abs=0.06)
    assert group["model43"] == pytest.approx(views["r"], abs=0.06)
    likelihood = said["rejection_likelihood"]["model4-binary"]
    assert likelihood == pytest.approx(100 * ours["rejection"]["probability"], abs=0.01)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/pgc/0", 400, "bad_pgc"),
        ("/api/pgc/abc", 400, "bad_pgc"),
        ("/api/pgc/99999999999999999999", 400, "bad_pgc"),
        ("/api/pgc/90000001", 404, "not_found"),
        ("/api/objname/M31&of=xml", 400, "bad_name"),
        ("/api/objname/%0d%0aX: y", 400, "bad_name"),
    ],
)
def test_what_it_can_not_answer_it_says_with_a_status(client, network, path, status, code):
    answer = client.get(path)
    said = answer.json()
    assert (answer.status_code, said["code"], said["status"]) == (status, code, "failed")
    assert said["message"] == said["detail"]


def test_wrong_bodies_and_files_are_refused_with_a_status(client, network):
    for path, body in (("/getPGC", {"pgc": True}), ("/getPGC", {"id": 1}), ("/getObj", {"objname": ["M31"]})):
        answer = client.post(path, body, content_type="application/json")
        assert (answer.status_code, answer.json()["status"]) == (400, "error")
    text = client.post("/getPGC", "pgc=1", content_type="text/plain")
    assert (text.status_code, text.json()["status"]) == (415, "error")
    assert client.get("/getPGC").status_code == 405
    answer = client.post("/api/file", {"file": named(b"<svg onload='alert(1)'/>", "x.svg")})
    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (415, "unsupported_type", "failed")
    assert upload(client, "../../file").status_code == 404
