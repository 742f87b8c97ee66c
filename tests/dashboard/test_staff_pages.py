"""The staff pages of every model: all there, searchable, cheap; history read-only; each change by POST and audited."""

from datetime import date
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from giz.accounts.models import AccessToken, EmailChange, User
from giz.accounts.tokens import token_make
from giz.catalog.models import GalaxyIdentifier, GalaxyRevision, GalaxyShape, RealismTrial, SyntheticTruth
from giz.core import audit
from giz.core.models import AuditEvent, Job, JobLogLine
from giz.core.staff_admin import HistoryAdmin
from giz.texts.models import TextVersion
from giz.texts.services import text_write
from giz.training.models import ModelVersion, Promotion
from labeling.models import (
    Campaign,
    Certificate,
    Consensus,
    CrowdFit,
    LabelSet,
    PracticeRound,
    Suspicion,
    Task,
    VolunteerFit,
    Vote,
    VoteTally,
)
from labeling.services.figures import figures_count
from labeling.services.refits import campaign_refit
from standards.models import Proposal, Standard, StandardSet
from tests.conftest import person
from tests.dashboard.pages import list_of, page_of
from tests.dashboard.sky import (
    make_campaign,
    make_certificate,
    make_consensus,
    make_galaxy,
    make_job,
    make_label_set,
    make_network,
    make_network_answers,
    make_practice,
    make_proposal,
    make_set,
    make_text_picture,
    make_trial,
    make_vote,
)

OUR_APPS = ("core", "accounts", "catalog", "texts", "standards", "labeling", "training")
# What only the laboratory reads (tests/lab/quiz.py), and what is nobody's business: addresses not yet confirmed.
WITHOUT_PAGE = {RealismTrial, EmailChange}
OURS = sorted(
    {model for label in OUR_APPS for model in apps.get_app_config(label).get_models()} - WITHOUT_PAGE,
    key=lambda model: model.__name__,
)
HISTORY = {
    Vote,
    Consensus,
    CrowdFit,
    VolunteerFit,
    Task,
    AccessToken,
    LabelSet,
    PracticeRound,
    Certificate,
    AuditEvent,
    Job,
    JobLogLine,
    StandardSet,
    Standard,
    SyntheticTruth,
    GalaxyRevision,
    GalaxyIdentifier,
    GalaxyShape,
    Proposal,
    ModelVersion,
    Promotion,
    TextVersion,
}


@pytest.fixture(scope="module")
def alice(module_rows: None) -> User:
    return person("volunteer", "alice@example.org")


@pytest.fixture(scope="module")
def bob(module_rows: None) -> User:
    return person("staff", "bob@example.org", is_superuser=True)


@pytest.fixture(scope="module")
def judged(alice: User, bob: User) -> Campaign:
    """At least one row of every model."""
    campaign = make_campaign("spirals", make_set(), first_pgc=100)
    for place, target in enumerate(campaign.targets.all()):
        make_vote(target, alice, place=place)
        make_consensus(target)
    campaign_refit(campaign=campaign)
    make_job(owner=alice)
    make_label_set(campaign)
    SyntheticTruth.objects.create(galaxy=make_galaxy(5000), galaxy_type="Sb", seed=1, inclination_deg=60)
    make_proposal(make_galaxy(5001), "ruler", bob)
    make_network("first")
    make_network_answers(campaign)
    make_trial(make_galaxy(5002), bob)
    audit.record("test", actor=bob, subject="sky")
    Suspicion.objects.create(campaign=campaign, volunteer=alice, reasons=["same_answer"])
    figures_count()
    VoteTally.objects.create(campaign=campaign, volunteer=alice, votes=1)
    make_practice(alice)
    make_certificate(alice)
    make_text_picture(bob)
    token_make(owner=alice, title="notebook", scopes=["predict"], days=9)
    return campaign


@pytest.fixture
def sky(db: None, judged: Campaign) -> Campaign:
    """The campaign as it is now: what another test did to it is undone."""
    return Campaign.objects.get(pk=judged.pk)


def _more(campaign: Campaign, people: list[User], charlie: User) -> None:
    """Twice as many rows of everything, with other galaxies, sets, people and campaigns behind them."""
    other = make_campaign("more", make_set("other", first_pgc=7000), first_pgc=8000)
    for owner in people:
        make_job(kind=f"more_{owner.pk}", owner=owner)
    for place, target in enumerate([*other.targets.all(), *campaign.targets.all()]):
        make_vote(target, charlie, place=place)
    for owner in people:
        Suspicion.objects.create(campaign=other, volunteer=owner, reasons=["too_fast"])
        VoteTally.objects.create(campaign=other, volunteer=owner, votes=1)
        make_practice(owner)
        make_certificate(owner, day=date(2026, 1, 2))
        text_write(name=f"field-guide/g{owner.pk}", markdown="# Guide", after=0, author=owner)
        make_text_picture(owner)
        token_make(owner=owner, title="more", scopes=["predict"], days=9)
    figures_count()
    campaign_refit(campaign=other)
    make_label_set(other)
    make_network("second")
    make_network_answers(other)
    make_trial(make_galaxy(5003), charlie)
    for place, target in enumerate(other.targets.all()):
        make_consensus(target)
        SyntheticTruth.objects.create(galaxy=target.galaxy, galaxy_type="Sb", seed=place, inclination_deg=60)
        make_proposal(target.galaxy, "other", charlie)
        audit.record("test", subject=f"more {place}")


def test_every_model_has_a_staff_page_with_search() -> None:
    missing = [model for model in OURS if not admin.site.is_registered(model)]
    assert missing == []
    assert [model for model in OURS if not admin.site.get_model_admin(model).search_fields] == []


def test_what_waits_for_staff_stands_in_the_menu_and_every_entry_opens(bob_client: Client, sky: Campaign) -> None:
    entries = [item["link"] for group in settings.UNFOLD["SIDEBAR"]["navigation"] for item in group["items"]]
    assert list_of(Suspicion) in entries
    page = bob_client.get(list_of(Campaign)).content.decode()
    for address in entries:
        assert f'href="{address}"' in page
        assert bob_client.get(address).status_code == 200, address


def test_what_is_history_is_registered_as_history() -> None:
    assert {model for model in OURS if isinstance(admin.site.get_model_admin(model), HistoryAdmin)} >= HISTORY


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_lists_searches_and_pages_open(bob_client: Client, sky: Campaign, model: Any) -> None:
    row = model.objects.first()
    for address in (list_of(model), list_of(model) + "?q=PGC+1", list_of(model) + "?q=5", page_of(row)):
        answer = bob_client.get(address)
        assert answer.status_code == 200, address
        assert "<a href" in answer.content.decode()


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_a_list_costs_the_same_however_long_it_is(
    bob_client: Client, bob: User, alice: User, charlie: User, sky: Campaign, model: Any
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert bob_client.get(list_of(model)).status_code == 200
        return len(seen)

    queries()  # what is fetched once a process is fetched now
    few, rows = queries(), model.objects.count()
    _more(sky, [alice, bob, charlie], charlie)
    assert model.objects.count() > rows or issubclass(model, User)
    # A list filter may ask for one more set or campaign; never a query a row.
    assert queries() <= few + 1
    assert few <= 12


@pytest.mark.parametrize("model", sorted(HISTORY, key=lambda model: model.__name__), ids=lambda model: model.__name__)
def test_history_is_not_changed_added_or_deleted_by_hand(bob_client: Client, sky: Campaign, model: Any) -> None:
    row = model.objects.first()
    before = model.objects.filter(pk=row.pk).values().get()
    count = model.objects.count()
    posted = dict.fromkeys(before, "1") | {"_save": "1"}
    assert bob_client.post(page_of(row), posted).status_code == 403
    assert bob_client.post(page_of(row, "delete"), {"post": "yes"}).status_code == 403
    assert bob_client.post(list_of(model) + "add/", posted).status_code == 403
    bob_client.post(list_of(model), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert model.objects.filter(pk=row.pk).values().get() == before
    assert model.objects.count() == count


def test_only_the_buttons_that_fit_are_shown(bob_client: Client, sky: Campaign) -> None:
    page = bob_client.get(page_of(sky)).content.decode()
    assert ">Pause</button>" in page
    assert ">Open</button>" not in page


def test_a_button_is_pressed_never_followed(bob_client: Client, alice_client: Client, sky: Campaign) -> None:
    address = page_of(sky).replace("/change/", "/press/close/")
    assert bob_client.get(address).status_code == 405
    assert alice_client.post(address).status_code == 302
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = bob_client.cookies
    assert strict.post(address).status_code == 403
    assert bob_client.post(page_of(sky).replace("/change/", "/press/nothing/")).status_code == 404
    sky.refresh_from_db()
    assert sky.state == "open"


def test_what_votes_were_counted_by_stays_once_the_campaign_exists(bob_client: Client, sky: Campaign) -> None:
    form = {"title": "New words", "description": "", "lease_minutes": 20, "estimator": "median"}
    bob_client.post(page_of(sky), {**form, "overlap": 9, "name": "other", "state": "closed"})
    sky.refresh_from_db()
    assert (sky.title, sky.lease_minutes) == ("New words", 20)
    assert (sky.overlap, sky.name, sky.state) == (3, "spirals", "open")
    assert AuditEvent.objects.filter(action="staff_changed").get().detail["title"] == ["Spirals", "New words"]


def test_no_page_but_those_of_people_holds_an_address(bob_client: Client, sky: Campaign, alice: User) -> None:
    """A superuser finds people by their address (`test_only_superusers_see_addresses`); nothing else shows one."""
    for model in OURS:
        for address in (list_of(model), page_of(model.objects.first())):
            if address not in (page_of(alice), list_of(User)):
                assert alice.email not in bob_client.get(address).content.decode(), address
