"""Versions of a set: a new one for new content, none for the same; what is published never changes."""

import threading

import pytest
from django.db import IntegrityError, connection, connections, transaction

from giz.catalog.models import Galaxy
from standards.formats import StandardEntry
from standards.models import Standard, StandardSet
from standards.selectors import set_coverage, standard_set_named
from standards.services import standard_set_publish, standard_set_refresh
from tests.refusals import refuses

from .conftest import make_pictures, publish

pytestmark = pytest.mark.django_db


def test_the_same_content_is_the_same_version_whatever_its_order():
    entries = [StandardEntry(4, 60), StandardEntry(5, 61.4, 2.0, 1.5)]
    first = standard_set_publish(name="ruler", entries=entries)
    again = standard_set_publish(name="ruler", entries=entries[::-1])
    assert (first.is_new, first.galaxies_created) == (True, 2)
    assert (again.is_new, again.galaxies_created) == (False, 0)
    assert again.standard_set == first.standard_set
    assert Standard.objects.count() == 2


@pytest.mark.parametrize(
    "changed", [StandardEntry(5, 62), StandardEntry(5, 61, 1.0), StandardEntry(5, 61, 0, 2.0), StandardEntry(6, 61)]
)
def test_other_content_is_a_new_version_and_the_old_one_stays(changed):
    kept = StandardEntry(4, 60)
    old = standard_set_publish(name="ruler", entries=[kept, StandardEntry(5, 61)]).standard_set
    new = standard_set_publish(name="ruler", entries=[kept, changed]).standard_set
    assert (old.version, new.version) == (1, 2)
    assert standard_set_named("ruler") == new
    assert standard_set_named("ruler:1") == old
    assert old.standards.count() == 2


def test_a_standard_is_shown_if_its_galaxy_had_pictures_at_the_publication():
    make_pictures(1)
    before = publish(bins=[60, 61])
    make_pictures(2)
    after = publish(bins=[60, 61])
    assert after.version == before.version + 1
    assert list(before.standards.values_list("galaxy__pgc", "is_shown")) == [(1, True), (2, False)]
    assert list(after.standards.values_list("galaxy__pgc", "is_shown")) == [(1, True), (2, True)]
    coverage = set_coverage(before)
    assert [entry.shown for entry in coverage.bins if entry.standards] == [1, 0]


def test_replaced_pictures_make_a_new_version():
    make_pictures(1)
    old = publish(bins=[60])
    make_pictures(1, version="b")
    assert publish(bins=[60]).version == old.version + 1


def test_pictures_that_came_after_the_table_are_taken_along_by_the_next_version():
    bare = publish(bins=[60, 61])
    assert standard_set_refresh(bare) == bare
    make_pictures(2)
    fresh = standard_set_refresh(bare)
    assert fresh.version == bare.version + 1
    assert list(fresh.standards.values_list("galaxy__pgc", "inclination_deg", "is_shown")) == [
        (1, 60, False),
        (2, 61, True),
    ]
    make_pictures(1)
    assert standard_set_refresh(bare) == bare, "an older version that was asked for stays as it is"


def test_two_publications_at_once_make_two_versions_or_one(transactional_db):
    def run(entries):
        try:
            standard_set_publish(name="ruler", entries=entries)
        finally:
            connections.close_all()

    same = [StandardEntry(4, 60)]
    threads = [threading.Thread(target=run, args=(entries,)) for entries in (same, same, [StandardEntry(4, 61)], same)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    versions = list(StandardSet.objects.order_by("version").values_list("version", flat=True))
    assert versions == list(range(1, len(versions) + 1))
    assert len(versions) in (2, 3)


def test_an_empty_or_badly_named_set_is_refused():
    with refuses("no_standards"):
        standard_set_publish(name="ruler", entries=[])
    with refuses("bad_name", "'my set'"):
        standard_set_publish(name="my set", entries=[StandardEntry(4, 60)])


def test_a_typo_in_the_name_of_a_set_is_answered_with_those_that_exist():
    with refuses("no_standard_set"):
        standard_set_named("ruler")
    publish("ruler", bins=[60])
    for reference in ("rulr", "ruler:2", "ruler:two", "ruler:" + "9" * 30):
        with refuses("no_standard_set", "ruler:1"):
            standard_set_named(reference)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE standards_standardset SET name = 'other'",
        "UPDATE standards_standardset SET state = 'draft'",
        "UPDATE standards_standardset SET published_at = now()",
        "DELETE FROM standards_standardset",
        "UPDATE standards_standard SET zoom = 2",
        "UPDATE standards_standard SET is_shown = NOT is_shown",
        "UPDATE standards_standard SET standard_set_id = (SELECT id FROM standards_standardset WHERE state = 'draft')",
        "DELETE FROM standards_standard",
    ],
)
def test_the_database_refuses_to_change_what_is_published(statement):
    publish(bins=[60])
    StandardSet.objects.create(name="draft", version=1)
    with pytest.raises(IntegrityError, match="is published and can not be changed"), transaction.atomic():
        connection.cursor().execute(statement)


def test_nothing_can_be_added_to_a_published_set():
    published = publish(bins=[60])
    galaxy = Galaxy.objects.create(pgc=99)
    with pytest.raises(IntegrityError, match="ruler v1 is published"), transaction.atomic():
        Standard.objects.create(standard_set=published, galaxy=galaxy, inclination_deg=61, bin_deg=61)


def test_a_draft_may_still_change():
    draft = StandardSet.objects.create(name="draft", version=1)
    standard = Standard.objects.create(
        standard_set=draft, galaxy=Galaxy.objects.create(pgc=99), inclination_deg=61, bin_deg=61
    )
    Standard.objects.filter(pk=standard.pk).update(zoom=2)
    standard.delete()
    draft.delete()
    assert not StandardSet.objects.exists()


def test_a_standard_lies_in_the_bin_nearest_to_it():
    draft = StandardSet.objects.create(name="draft", version=1)
    galaxy = Galaxy.objects.create(pgc=99)
    with pytest.raises(IntegrityError, match="standard_in_nearest_bin"), transaction.atomic():
        Standard.objects.create(standard_set=draft, galaxy=galaxy, inclination_deg=61.4, bin_deg=62)
