"""GET standard-sets/<id>/: the whole ruler in one answer that may be kept for ever."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from giz.catalog.models import Galaxy
from standards.formats import StandardEntry
from standards.models import StandardSet
from standards.services import standard_set_publish

from .conftest import make_pictures, publish

pytestmark = pytest.mark.django_db


def address(standard_set):
    return f"/api/v1/standard-sets/{standard_set.pk}/"


def test_the_answer_holds_what_a_browser_needs_and_nothing_of_the_galaxies(client):
    make_pictures(4)
    make_pictures(5, bands=("r",))
    entries = [StandardEntry(5, 61.4, 2.0, 1.5), StandardEntry(4, 60), StandardEntry(6, 62)]
    standard_set = standard_set_publish(name="ruler", entries=entries).standard_set
    ids = dict(standard_set.standards.values_list("galaxy__pgc", "id"))
    answer = client.get(address(standard_set))
    assert answer.status_code == 200
    assert answer.json() == {
        "id": standard_set.pk,
        "name": "ruler",
        "version": 1,
        "sizes_px": [128, 256],
        "image_path": "/media/{stem}-{size}.webp",
        "standards": [
            {
                "id": ids[4],
                "bin_deg": 60,
                "rotation_deg": 0.0,
                "zoom": 1.0,
                "images": {"gri": "ab/4gri", "g": "ab/4g"},
            },
            {"id": ids[5], "bin_deg": 61, "rotation_deg": 2.0, "zoom": 1.5, "images": {"r": "ab/5r"}},
        ],
    }


def test_it_may_be_kept_for_ever_and_is_not_sent_twice(client):
    make_pictures(1)
    standard_set = publish(bins=[60])
    answer = client.get(address(standard_set))
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Set-Cookie" not in answer.headers
    again = client.get(address(standard_set), headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["Cache-Control"] == answer.headers["Cache-Control"]


def test_better_pictures_that_come_later_do_not_change_it(client):
    make_pictures(1)
    standard_set = publish(bins=[60])
    before = client.get(address(standard_set)).json()
    make_pictures(1, bands=("gri", "g", "r", "i"), version="b")
    assert client.get(address(standard_set)).json() == before


def test_a_standard_with_other_sizes_says_so_itself(client):
    make_pictures(1, sizes_px=(128, 256, 512))
    make_pictures(2, sizes_px=(128, 256))
    body = client.get(address(publish(bins=[60, 61]))).json()
    assert body["sizes_px"] == [128, 256]
    assert [entry.get("sizes_px") for entry in body["standards"]] == [[128, 256, 512], None]


def test_the_number_of_statements_does_not_grow_with_the_set(client):
    sent = []
    for count in (2, 40):
        for pgc in range(1, count + 1):
            make_pictures(pgc)
        standard_set = publish(f"ruler{count}", bins=range(45, 45 + count))
        with CaptureQueriesContext(connection) as statements:
            assert len(client.get(address(standard_set)).json()["standards"]) == count
        sent.append(len(statements))
    assert sent == [2, 2]


def test_a_large_set_is_compressed(client):
    for pgc in range(1, 47):
        make_pictures(pgc)
    answer = client.get(address(publish()), headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"


def test_drafts_and_unknown_sets_are_not_found(client):
    draft = StandardSet.objects.create(name="draft", version=1)
    for number in (draft.pk, draft.pk + 1, 10**30):
        answer = client.get(f"/api/v1/standard-sets/{number}/")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.finding("abuse A18")
def test_unknown_parameters_are_refused(client):
    answer = client.get(address(publish(bins=[60])), {"band": "g"})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_filter")


def test_a_set_without_pictures_is_empty(client):
    body = client.get(address(publish(bins=[60]))).json()
    assert (body["standards"], body["sizes_px"]) == ([], [])
    assert Galaxy.objects.count() == 1
