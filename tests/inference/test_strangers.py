"""Strangers can fill neither disk nor queue nor table, whatever their addresses: everybody else is served."""

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connections
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from giz.core.models import Job
from giz.core.requester import Requester
from giz.core.throttle import client_of
from giz.imaging.errors import UnusableFileError
from giz.inference import api, requests, storage
from giz.inference.models import Prediction, Source
from giz.inference.requests import Turns, turns_for
from giz.inference.services import sources
from giz.inference.services.queries import GalaxyQuery
from giz.inference.services.sources import source_open
from tests.hostile import as_file
from tests.inference.sky import ask, encoded, galaxy_with_pictures, named, spiral

pytestmark = [pytest.mark.django_db, pytest.mark.finding("review 4.3", "security S9")]


def fetch(client, pgc, address="198.51.100.7"):
    return client.post("/api/v1/predict/sources/", {"pgc": pgc}, content_type="application/json", REMOTE_ADDR=address)


def send(client, address="198.51.100.7", path="sources/"):
    picture = named(encoded(spiral(size_px=64)["r"]))
    return client.post(f"/api/v1/predict/{path}", {"file": picture}, REMOTE_ADDR=address)


def one_address(number):
    return "198.51.100.7"


def one_64(number):
    return f"2001:db8:1:1::{number + 1:x}"


def one_24(number):
    return f"198.51.100.{number % 250}"


def one_48(number):
    return f"2001:db8:1:{number:x}::1"


def many(number):
    return f"203.{number // 200}.{number % 200}.9"


@pytest.mark.finding("security S17", "abuse A26")
@pytest.mark.parametrize(
    ("address", "one", "network"),
    [
        ("198.51.100.7", "198.51.100.7/32", "198.51.100.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:DB8:1:2::1%eth0", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("::ffff:198.51.100.7", "198.51.100.7/32", "198.51.100.0/24"),
        ("2002:c633:6407::1", "198.51.100.7/32", "198.51.100.0/24"),
        ("198.51.100.7:4711", "198.51.100.7/32", "198.51.100.0/24"),
        ("[2001:db8:1:2::1]:4711", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("[::ffff:198.51.100.7]", "198.51.100.7/32", "198.51.100.0/24"),
        ("unknown", "unknown", "unknown"),
    ],
)
def test_addresses_that_one_party_holds_are_one_client(address, one, network):
    client = client_of(address)
    assert (client.one, client.network) == (one, network)


@pytest.mark.finding("security S17", "abuse A28")
@pytest.mark.parametrize(
    ("address_of", "most"),
    [(one_address, 3), (one_64, 3), (one_24, 6), (one_48, 6), (many, 12)],
    ids=["one address", "one /64", "one /24", "one /48", "many"],
)
def test_a_flood_of_fetches_leaves_room_for_everybody_else(client, alice_client, bob_client, network, address_of, most):
    galaxy_with_pictures()
    answers = [fetch(client, 1000 + number, address_of(number)) for number in range(40)]
    taken = [answer for answer in answers if answer.status_code == 202]
    refused = [answer for answer in answers if answer.status_code != 202]
    assert len(taken) == most == Source.objects.filter(state="fetching").count() == Job.objects.count()
    assert {answer.status_code for answer in refused} <= {429, 503}
    assert all(0 < int(answer.headers["Retry-After"]) <= 60 for answer in refused)
    # The same wish again is no new one.
    assert fetch(client, 1000, address_of(0)).status_code == 202
    if address_of is not many:
        assert fetch(client, 2000, "192.0.2.9").status_code == 202
    assert fetch(alice_client, 2001, address_of(0)).status_code == 202
    assert fetch(bob_client, 2002, address_of(0)).status_code == 202
    # And what costs nothing is answered to those, too, who have been refused.
    assert client.get("/api/v1/predict/pgc/4258/", REMOTE_ADDR=address_of(0)).status_code == 200


def test_the_original_s_addresses_are_no_way_round(client, network):
    answers = [client.get(f"/api/pgc/{1000 + number}", REMOTE_ADDR="198.51.100.7") for number in range(6)]
    answers += [client.get(f"/api/v1/predict/name/Nobody{number}/", REMOTE_ADDR="198.51.100.7") for number in range(3)]
    assert [answer.status_code for answer in answers] == [202] * 3 + [429] * 6


def test_all_that_are_signed_in_leave_a_place_for_staff(client, bob_client, network, django_user_model):
    people = []
    for number in range(10):
        person = django_user_model.objects.create_user(f"v{number}@example.org", "correct horse battery")
        people.append(Client())
        people[-1].force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    answers = [fetch(people[number % 10], 1000 + number, one_address(0)) for number in range(40)]
    assert sum(answer.status_code == 202 for answer in answers) == 16
    assert fetch(bob_client, 2000).status_code == 202


@pytest.mark.parametrize(
    ("address_of", "most"), [(one_address, 4), (one_64, 4), (one_24, 8), (many, 12)], ids=["one", "/64", "/24", "many"]
)
def test_a_flood_of_uploads_leaves_room_for_everybody_else(
    client, alice_client, network, monkeypatch, address_of, most
):
    monkeypatch.setattr(sources, "MOST_UPLOADS_EACH", 4)
    monkeypatch.setattr(sources, "MOST_UPLOADS", 20)
    answers = [send(client, address_of(number)) for number in range(16)]
    assert sum(answer.status_code == 201 for answer in answers) == most
    last = answers[-1]
    if address_of is many:
        assert (last.status_code, last.json()["code"]) == (503, "busy")
    else:
        assert (last.status_code, last.json()["code"]) == (429, "too_many_requests")
        assert 0 < int(last.headers["Retry-After"]) <= 86_400
        assert send(client, "192.0.2.9").status_code == 201
    assert send(alice_client, address_of(0)).status_code == 201
    # One that is forgotten makes room.
    oldest = Source.objects.filter(kind="upload").exclude(asked_from="").order_by("created_at")
    Source.objects.filter(pk__in=[one.pk for one in oldest[:2]]).update(expires_at=Now())
    assert send(client, address_of(0)).status_code == 201


def test_a_day_of_uploads_is_what_one_client_has(client, network, monkeypatch):
    monkeypatch.setattr(sources, "MOST_UPLOADS_EACH", 1)
    assert send(client).status_code == 201
    Source.objects.update(expires_at=timezone.now() + timedelta(minutes=30))
    wait_s = int(send(client).headers["Retry-After"])
    assert 1700 < wait_s <= 1800


def test_kept_pictures_may_take_so_much_of_the_disk(client, alice_client, network, monkeypatch):
    one = 64 * 64
    monkeypatch.setattr(sources, "MOST_BYTES", 10 * one)
    answers = [send(client, many(number)) for number in range(8)]
    assert [answer.status_code for answer in answers] == [201] * 6 + [503] * 2
    assert Source.objects.filter(kind="upload").first().byte_count == one
    assert send(alice_client).status_code == 201


def test_with_a_full_disk_nothing_that_a_stranger_asks_for_is_written(client, network, monkeypatch):
    galaxy_with_pictures()
    monkeypatch.setattr(storage, "LEAST_FREE_BYTES", 10**18)
    for answer in (fetch(client, 1000), send(client)):
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert int(answer.headers["Retry-After"]) > 0
    said = client.get("/api/v1/predict/pgc/4258/")
    assert said.status_code == 200, "what is there is answered"
    assert said.json()["id"] is None
    assert not Prediction.objects.exists()
    assert not Source.objects.exclude(kind="catalogue").exists()
    assert not (Path(storage.sources_folder())).exists()


def test_a_large_field_is_for_people_who_are_signed_in(client, alice_client, network):
    place = {"ra_deg": 10.0, "dec_deg": 10.0, "size_arcmin": 20.5}
    answer = ask(client, "sources/", place)
    assert (answer.status_code, answer.json()["code"]) == (400, "field_too_large")
    assert ask(client, "sources/", {**place, "size_arcmin": 20.0}).status_code == 202
    assert ask(alice_client, "sources/", place).status_code == 202


@pytest.mark.django_db(transaction=True)
def test_between_count_and_row_nobody_slips_in(network):
    """Thirty at once, each with an address of its own: as many as there are places for strangers, not one more."""
    barrier = threading.Barrier(30)
    told = []

    def wish(number):
        try:
            barrier.wait(30)
            source_open(query=GalaxyQuery(pgc=1000 + number), requester=Requester(f"one-{number}", f"network-{number}"))
            told.append("taken")
        except Exception as error:  # noqa: BLE001 - counted below
            told.append(getattr(error, "code", repr(error)))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=wish, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(told) == ["busy"] * 18 + ["taken"] * 12
    assert Source.objects.count() == 12


@pytest.mark.django_db(transaction=True)
def test_the_same_wish_at_once_is_one_source(network):
    barrier = threading.Barrier(8)
    found = []

    def wish():
        try:
            barrier.wait(30)
            found.append(source_open(query=GalaxyQuery(pgc=1000), requester=Requester("one", "network")).pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=wish) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 8
    assert len(set(found)) == 1


# --- evaluations --------------------------------------------------------------------------------------------------


@pytest.mark.finding("review 23", "security S17", "abuse A26", "abuse A28")
@pytest.mark.parametrize(("address_of", "most"), [(one_64, 3), (one_24, 6)], ids=["/64", "/24"])
def test_evaluations_are_counted_by_client_and_by_network(client, network, monkeypatch, address_of, most):
    monkeypatch.setattr(api, "EVALUATIONS_A_MINUTE", 3)
    galaxy_with_pictures()
    path = "/api/v1/predict/pgc/4258/"
    answers = [client.get(path, REMOTE_ADDR=address_of(number)).status_code for number in range(9)]
    assert answers == [200] * most + [429] * (9 - most)
    assert client.get(path, REMOTE_ADDR="192.0.2.9").status_code == 200


@pytest.mark.finding("abuse A26")
def test_forty_people_who_are_signed_in_behind_one_address_are_not_counted_together(
    network, monkeypatch, django_user_model
):
    monkeypatch.setattr(api, "EVALUATIONS_A_MINUTE", 2)
    galaxy_with_pictures()
    for number in range(6):
        person = django_user_model.objects.create_user(f"v{number}@example.org", "correct horse battery")
        pupil = Client()
        pupil.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
        answers = [pupil.get("/api/v1/predict/pgc/4258/").status_code for _ in range(3)]
        assert answers == [200, 200, 429]


@pytest.mark.finding("review 23")
def test_predictions_never_take_all_threads_of_a_process():
    turns = Turns(at_once=2, waiting=1, patience_s=0.2)
    inside, leave = threading.Semaphore(0), threading.Event()

    def measure():
        with turns.taken(Requester("one")):
            inside.release()
            leave.wait(60)

    threads = [threading.Thread(target=measure) for _ in range(2)]
    for thread in threads:
        thread.start()
        assert inside.acquire(timeout=30)
    told = []
    for _ in range(3):
        with pytest.raises(Exception, match="Many galaxies") as refused, turns.taken(Requester("other")):
            pass
        told.append((refused.value.code, refused.value.status, refused.value.retry_after))
    assert told == [("busy", 503, 1)] * 3
    leave.set()
    for thread in threads:
        thread.join(30)
    with turns.taken(Requester("other")):
        pass


@pytest.mark.finding("review 23")
@pytest.mark.parametrize(("threads", "at_once", "waiting"), [(1, 1, 0), (2, 1, 0), (3, 1, 1), (4, 1, 1), (16, 4, 1)])
def test_a_thread_is_left_for_votes_whatever_their_number(threads, at_once, waiting):
    turns = turns_for(threads)
    assert (turns._seats._initial_value, turns._queue._initial_value) == (at_once, at_once + waiting)  # type: ignore[attr-defined]


@pytest.mark.finding("review 23")
def test_strangers_together_have_a_part_of_the_time_and_people_go_on(client, alice_client, network, monkeypatch):
    galaxy_with_pictures()
    spent = Turns(burst_s=0.0, share=0.5)
    monkeypatch.setattr(api, "turns", spent)
    path = "/api/v1/predict/pgc/4258/"
    assert client.get(path, REMOTE_ADDR=many(0)).status_code == 503
    spent = Turns(burst_s=0.001, share=0.001)
    monkeypatch.setattr(api, "turns", spent)
    answers = [client.get(path, REMOTE_ADDR=many(number)) for number in range(1, 4)]
    assert [answer.status_code for answer in answers] == [200, 503, 503]
    assert answers[-1].json()["code"] == "busy"
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert alice_client.get(path).status_code == 200


@pytest.mark.finding("review 23", "security S2")
def test_strangers_pay_for_the_decoding_of_their_files(client, alice_client, network, monkeypatch):
    spent = [0.0]

    def costly(*_arguments, **_options):
        spent[0] += 5.0
        raise UnusableFileError("decoder_timeout", "It takes too long.")

    monkeypatch.setattr(requests, "upload_decode", costly)
    monkeypatch.setattr(requests, "decoding_seconds", lambda: spent[0])
    monkeypatch.setattr(api, "turns", Turns(burst_s=8.0, share=0.001))
    for path in ("/api/v1/predict/sources/", "/api/v1/predict/file/"):
        api.turns.fill()
        sent = [
            client.post(path, {"file": as_file(b"x")}, REMOTE_ADDR=many(number)).json()["code"] for number in range(3)
        ]
        assert sent == ["decoder_timeout", "decoder_timeout", "busy"]
        assert alice_client.post(path, {"file": as_file(b"x")}).json()["code"] == "decoder_timeout"


def test_the_credit_comes_back_with_time(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    cpu = [0.0]
    monkeypatch.setattr(time, "thread_time", lambda: cpu[0])
    # Files that this thread had decoded before: 11 + 5.036 - 5.036 is a little more than 11.
    monkeypatch.setattr(requests, "decoding_seconds", lambda: 5.036)
    turns = Turns(burst_s=10, share=0.5)

    def measure(seconds):
        with turns.taken(Requester("one")):
            cpu[0] += seconds

    measure(11)
    with pytest.raises(Exception, match="Many galaxies") as refused:
        measure(1)
    assert refused.value.retry_after == 2
    now[0] += 2.1
    measure(1)
