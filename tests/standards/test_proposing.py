"""Proposals: good fits only, thin bins first and types mixed; what is accepted makes the next version."""

import json
from dataclasses import replace

import pytest
from django.urls import reverse

from giz.catalog.models import Galaxy, GalaxyShape
from giz.core.models import AuditEvent
from standards import selectors
from standards.models import Proposal, StandardSet
from standards.proposals import proposal_decide, proposal_withdraw, proposals_publish
from standards.proposing import Candidate, Measured, candidate_of, fit_error_deg, proposal_order
from tests.refusals import refuses

from .conftest import make_pictures, publish

GOOD = Measured(1, 0.5, 0.02, 1.0, 0.5, 0.5, 0.25, False, "Sbc")


def test_the_error_of_an_inclination_follows_from_that_of_the_axial_ratio():
    assert fit_error_deg(0.5, 0.02) == pytest.approx(1.44, abs=0.01)
    assert fit_error_deg(0.21, 0.02) > 3.0


def test_a_good_fit_becomes_a_candidate_with_the_error_that_is_known_to_come_on_top():
    candidate = candidate_of(GOOD)
    assert candidate is not None
    assert candidate.inclination_deg == pytest.approx(62.1, abs=0.1)
    assert candidate.bin_deg == 62
    assert candidate.error_deg > 3.5 > candidate.fit_error_deg


@pytest.mark.parametrize(
    "flaw",
    [{"is_cut": True}, {"x": 0.6}, {"angle_deg": -40.0}, {"axial_ratio_error": 0.2}, {"axial_ratio": 0.95}],
    ids=["cut", "off centre", "tilted", "unsure", "face-on"],
)
def test_a_bad_fit_is_not_proposed(flaw):
    assert candidate_of(replace(GOOD, **flaw)) is None


def _candidate(number, bin_deg, kind="Sbc", error_deg=1.0):
    return Candidate(replace(GOOD, galaxy_id=number, kind=kind), float(bin_deg), error_deg, bin_deg)


def test_the_thinnest_bin_comes_first_then_the_type_it_lacks_then_the_best_fit():
    found = [
        _candidate(1, 60),
        _candidate(2, 70, "Sbc"),
        _candidate(3, 70, "Scd", 3.0),
        _candidate(4, 70, "Sbc", 0.5),
        _candidate(5, 70, "Sdm", 2.0),
    ]
    ordered = proposal_order(found, {60: 2, 70: 0}, {70: ["Sdm"]})
    assert [candidate.measured.galaxy_id for candidate in ordered] == [4, 3, 1, 2, 5]


def make_candidate(pgc, axial_ratio=0.5, **values):
    make_pictures(pgc, bands=("r",))
    galaxy = Galaxy.objects.get(pgc=pgc)
    shape = {
        "stem": galaxy.images.get().stem, "band": "r", "rule": "isophote-1", "x": 0.5, "y": 0.5, "semi_major": 0.25,
        "axial_ratio": axial_ratio, "axial_ratio_error": 0.02, "angle_deg": 3.0, "angle_error_deg": 1.0,
    }  # fmt: skip
    GalaxyShape.objects.create(galaxy=galaxy, **{**shape, **values})
    return galaxy


@pytest.fixture
def ruler(db):
    publish(bins=range(45, 91))
    return "ruler"


def test_accepted_galaxies_become_the_next_version_beside_the_standards_there_are(ruler, bob):
    galaxies = [make_candidate(pgc) for pgc in (501, 502, 503)]
    for galaxy, decision in zip(galaxies, ("accepted", "refused", "accepted"), strict=True):
        proposal_decide(set_name=ruler, galaxy=galaxy, decision=decision, actor=bob)
    proposal_withdraw(set_name=ruler, galaxy=galaxies[2], actor=bob)
    made = proposals_publish(set_name=ruler, actor=bob)
    assert made.version == 2
    assert made.standards.count() == 47
    new = made.standards.get(galaxy__pgc=501)
    assert (new.bin_deg, new.rotation_deg, new.is_shown) == (62, -3.0, True)
    assert Proposal.objects.get(galaxy__pgc=501).published_in == made
    assert [shape.galaxy.pgc for shape, _ in selectors.candidates(ruler, 10)] == [503]
    with refuses("nothing_accepted"):
        proposals_publish(set_name=ruler, actor=bob)
    assert AuditEvent.objects.filter(action="standards_published").count() == 1


def measure_again(galaxy, **values):
    """Another picture, and the ellipse that is measured on it."""
    make_pictures(galaxy.pgc, bands=("r",), version="new")
    GalaxyShape.objects.filter(galaxy=galaxy).update(stem=galaxy.images.get(is_current=True).stem, **values)


def test_the_ellipse_of_a_replaced_picture_is_neither_proposed_nor_accepted(ruler, bob):
    galaxy = make_candidate(501)
    make_pictures(501, bands=("r",), version="new")
    assert selectors.candidates(ruler, 10) == []
    with refuses("new_picture", "501"):
        proposal_decide(set_name=ruler, galaxy=galaxy, decision="accepted", actor=bob)
    # A colour picture of that name is no grey one.
    galaxy.images.filter(is_current=True).update(is_current=False, band="i")
    galaxy.images.filter(stem="ab/501r").update(is_current=True, band="gri")
    assert selectors.candidates(ruler, 10) == []


def test_an_accepted_galaxy_with_a_new_picture_waits_is_named_and_comes_again(ruler, bob, bob_client):
    galaxies = [make_candidate(pgc) for pgc in (501, 502)]
    for galaxy in galaxies:
        proposal_decide(set_name=ruler, galaxy=galaxy, decision="accepted", actor=bob)
    make_pictures(502, bands=("r",), version="new")
    run, wait = reverse("admin:standards_run", args=[ruler]), Proposal.objects.filter(galaxy__pgc=502)
    words = "pictures have been replaced since they were accepted: PGC 502. Measure the new picture"
    assert words in bob_client.post(run, {"what": "publish"}, follow=True).content.decode()
    made = StandardSet.objects.get(name=ruler, version=2)
    assert made.standards.filter(galaxy__pgc__in=[501, 502]).count() == 1
    assert wait.get().published_in is None

    # Nothing else waits: no version is made of it, and nothing is lost.
    assert words in bob_client.post(run, {"what": "publish"}, follow=True).content.decode()
    measure_again(galaxies[1], axial_ratio=0.4, angle_deg=-7.0)
    with refuses("new_picture", "502"):
        proposals_publish(set_name=ruler, actor=bob)
    assert (StandardSet.objects.filter(name=ruler).count(), wait.get().decision) == (2, "accepted")

    assert [shape.galaxy.pgc for shape, _ in selectors.candidates(ruler, 10)] == [502]
    proposal_decide(set_name=ruler, galaxy=galaxies[1], decision="accepted", actor=bob)
    assert selectors.candidates(ruler, 10) == []
    assert proposals_publish(set_name=ruler, actor=bob).standards.get(galaxy__pgc=502).rotation_deg == 7.0


def test_an_accepted_galaxy_that_an_import_put_into_the_set_does_not_wait_for_ever(ruler, bob):
    proposal_decide(set_name=ruler, galaxy=make_candidate(501), decision="accepted", actor=bob)
    publish(bins=[70], first_pgc=501)
    make_pictures(501, bands=("r",), version="new")
    assert proposals_publish(set_name=ruler, actor=bob).standards.get().inclination_deg == 70
    assert Proposal.objects.get().published_in is not None


def test_a_refused_galaxy_stays_refused_with_a_new_picture(ruler, bob):
    galaxy = make_candidate(501)
    proposal_decide(set_name=ruler, galaxy=galaxy, decision="refused", actor=bob)
    measure_again(galaxy)
    assert selectors.candidates(ruler, 10) == []


def test_synthetic_galaxies_are_proposed_only_where_standards_are_synthetic(ruler, bob):
    galaxy = make_candidate(90_000_501)
    proposal_decide(set_name=ruler, galaxy=galaxy, decision="accepted", actor=bob)
    proposal_withdraw(set_name=ruler, galaxy=galaxy, actor=bob)
    Galaxy.objects.filter(pk=galaxy.pk).update(is_synthetic=True)
    galaxy.refresh_from_db()
    assert selectors.candidates(ruler, 10) == []
    with refuses("synthetic", "90000501"):
        proposal_decide(set_name=ruler, galaxy=galaxy, decision="accepted", actor=bob)
    Galaxy.objects.filter(pgc=1).update(is_synthetic=True)
    assert [shape.galaxy for shape, _ in selectors.candidates(ruler, 10)] == [galaxy]
    proposal_decide(set_name=ruler, galaxy=galaxy, decision="accepted", actor=bob)
    Galaxy.objects.filter(pgc=1).update(is_synthetic=False)
    with refuses("new_picture", "90000501"):
        proposals_publish(set_name=ruler, actor=bob)
    Galaxy.objects.filter(pgc=1).update(is_synthetic=True)
    assert proposals_publish(set_name=ruler, actor=bob).version == 2


def test_what_stands_in_the_set_or_is_badly_measured_can_not_be_accepted(ruler, bob):
    bad = make_candidate(501, is_cut=True)
    with refuses("no_shape"):
        proposal_decide(set_name=ruler, galaxy=bad, decision="accepted", actor=bob)
    standard = Galaxy.objects.get(pgc=1)
    GalaxyShape.objects.create(
        galaxy=standard, stem="x", band="r", rule="isophote-1", x=0.5, y=0.5, semi_major=0.25, axial_ratio=0.5,
        axial_ratio_error=0.02, angle_deg=0.0, angle_error_deg=1.0,
    )  # fmt: skip
    with refuses("in_set", "v1"):
        proposal_decide(set_name=ruler, galaxy=standard, decision="accepted", actor=bob)


def test_staff_see_the_ellipse_and_decide_by_post(ruler, bob, bob_client):
    make_candidate(501)
    page = bob_client.get(reverse("admin:standards_candidates", args=[ruler]))
    text = page.content.decode()
    assert "62.1°" in text
    assert '<ellipse cx="50.00" cy="50.00" rx="25.00" ry="12.50" transform="rotate(3.00 50.00 50.00)"/>' in text
    decide = reverse("admin:standards_decide", args=[ruler])
    assert bob_client.get(decide).status_code == 405
    assert json.loads(bob_client.post(decide, {"pgc": 501, "decision": "accepted"}).content) == {"accepted": 1}
    assert bob_client.post(decide, {"pgc": 501, "decision": "maybe"}).status_code == 400
    assert bob_client.post(decide, {"pgc": "x", "decision": "accepted"}).status_code == 404
    bob_client.post(reverse("admin:standards_run", args=[ruler]), {"what": "publish"})
    assert StandardSet.objects.filter(name=ruler).count() == 2


def test_volunteers_and_unknown_sets_have_no_such_page(ruler, alice_client, bob_client):
    address = reverse("admin:standards_candidates", args=[ruler])
    assert alice_client.get(address, follow=True).status_code == 404
    assert bob_client.get(reverse("admin:standards_candidates", args=["nothing"])).status_code == 404


def test_the_number_of_statements_does_not_grow_with_the_candidates(ruler, bob_client, django_assert_max_num_queries):
    for pgc in range(501, 515):
        make_candidate(pgc)
    with django_assert_max_num_queries(14):
        bob_client.get(reverse("admin:standards_candidates", args=[ruler]))
