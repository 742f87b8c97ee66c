"""Outgoing requests: only hosts of the settings, only public addresses, every redirect checked again (A1, A2)."""

import socket

import pytest

from giz.surveys.cache import DiskCache
from giz.surveys.client import Client
from giz.surveys.guard import Guard, guard_for, is_public
from giz.surveys.survey import SurveyError

from .conftest import QUICK
from .servers import LocalServer

HOSTILE = [
    "http://127.0.0.1:6379/",
    "http://169.254.169.254/latest/",
    "http://[::ffff:127.0.0.1]/",
    "http://0x7f000001/",
    "http://2130706433/",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "http://a@127.0.0.1/",
    "http://data.sdss.org@127.0.0.1/",
    "http://localhost./",
    "http://data.sdss.org:22/",
    "http://data.sdss.org.evil.example/",
    "http://data.sdss.org\\@evil.example/",
    "https://data.sdss.org/#fragment",
    "https://data.sdss.org/a b",
    "https://data.sdss.org/\r\nX: y",
    "https://dätä.example/",
    "//data.sdss.org/",
    "http://[::1",
    "https://data.sdss.org/" + "a" * 4000,
]


def client_of(tmp_path, *, hosts=(), local_hosts=()):
    return Client(Guard(frozenset(hosts), frozenset(local_hosts)), DiskCache(tmp_path / "cache"), QUICK)


@pytest.fixture
def listener(serve):
    return serve(LocalServer(lambda path, query: (200, {}, b"secret")))


@pytest.mark.finding("abuse A1")
@pytest.mark.parametrize("url", HOSTILE, ids=lambda url: url[:40])
def test_other_addresses_are_refused_before_anything_is_asked(url, tmp_path, listener):
    client = client_of(tmp_path, hosts=["data.sdss.org"])
    with pytest.raises(SurveyError) as caught:
        client.get(url.replace(":6379", f":{listener.port}"))
    assert caught.value.code == "url_not_allowed"
    assert listener.requests == []


def test_hosts_of_the_settings_are_let_through_with_their_ports():
    guard = guard_for(["https://data.sdss.org/sas", "http://mirror.example:8080/x"])
    assert guard.check("https://data.sdss.org/other?a=1").path == "/other?a=1"
    assert guard.check("http://mirror.example:8080/").key == "mirror.example:8080"
    with pytest.raises(SurveyError):
        guard.check("http://mirror.example/")


PRIVATE = (
    *("127.0.0.1", "10.1.2.3", "169.254.169.254", "0.0.0.0", "100.64.0.1", "192.0.2.1", "224.0.0.1", "nonsense"),
    *("::1", "fe80::1%eth0", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"),
)


@pytest.mark.finding("abuse A1")
@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_and_their_disguises_are_not_public(address):
    assert not is_public(address)


def test_public_addresses_are_public():
    assert is_public("8.8.8.8")
    assert is_public("2600::1")


@pytest.mark.finding("abuse A2")
def test_a_listed_name_that_leads_to_a_private_address_is_refused(tmp_path, listener, monkeypatch):
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, port, **_: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))],
    )
    client = client_of(tmp_path, hosts=[f"data.sdss.org:{listener.port}"])
    with pytest.raises(SurveyError) as caught:
        client.get(f"http://data.sdss.org:{listener.port}/")
    assert caught.value.code == "fetch_refused"
    assert listener.requests == []


@pytest.mark.finding("abuse A1")
@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "localhost", "[::ffff:127.0.0.1]"])
def test_a_private_address_is_refused_even_where_the_settings_name_it_among_the_surveys(host, tmp_path, listener):
    url = f"http://{host}:{listener.port}/"
    client = Client(guard_for([url]), DiskCache(tmp_path / "cache"), QUICK)
    with pytest.raises(SurveyError) as caught:
        client.get(url)
    assert caught.value.code == "fetch_refused"
    assert listener.requests == []


@pytest.mark.finding("abuse A2")
def test_a_redirect_to_a_listed_name_that_leads_to_a_private_address_is_refused(tmp_path, serve, listener, monkeypatch):
    target = f"http://data.sdss.org:{listener.port}/"
    server = serve(LocalServer(lambda path, query: (302, {"Location": target}, b"")))
    usual = socket.getaddrinfo

    def stub(host, port, **options):
        return usual("127.0.0.1" if host == "data.sdss.org" else host, port, **options)

    monkeypatch.setattr(socket, "getaddrinfo", stub)
    client = client_of(tmp_path, hosts=[f"data.sdss.org:{listener.port}"], local_hosts=[server.host])
    with pytest.raises(SurveyError) as caught:
        client.get(f"{server.url}/frame")
    assert (caught.value.code, len(server.requests)) == ("fetch_refused", 1)
    assert listener.requests == []


@pytest.mark.finding("abuse A2")
def test_a_name_that_changes_its_address_between_check_and_connection_gains_nothing(tmp_path, listener, monkeypatch):
    answers = iter(["192.0.2.1", "127.0.0.1", "127.0.0.1"])
    asked = []

    def rebinding(host, port, **_options):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr("giz.surveys.guard.is_public", lambda address: address == "192.0.2.1")
    connected = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, place: connected.append(place) or _refuse())
    client = client_of(tmp_path, hosts=[f"data.sdss.org:{listener.port}"])
    with pytest.raises(SurveyError):
        client.get(f"http://data.sdss.org:{listener.port}/")
    # The first attempt goes to the very address that was checked; the next look-up shows its face and is refused.
    assert connected == [("192.0.2.1", listener.port)]
    assert len(asked) == 2
    assert listener.requests == []


def _refuse():
    raise ConnectionRefusedError


@pytest.mark.finding("abuse A2")
@pytest.mark.parametrize("place", ["http://169.254.169.254/latest/", "http://127.0.0.1:{other}/", "file:///etc/passwd"])
def test_a_redirect_to_elsewhere_is_refused(place, tmp_path, serve, listener):
    location = place.format(other=listener.port)
    server = serve(LocalServer(lambda path, query: (302, {"Location": location}, b"")))
    with pytest.raises(SurveyError) as caught:
        client_of(tmp_path, local_hosts=[server.host]).get(f"{server.url}/frame")
    assert caught.value.code == "fetch_refused"
    assert listener.requests == []
    assert len(server.requests) == 1


@pytest.mark.finding("abuse A2")
def test_three_redirects_are_followed_and_no_more(tmp_path, serve):
    def answer(path, _query):
        left = int(path.strip("/"))
        return (302, {"Location": f"/{left - 1}"}, b"") if left else (200, {}, b"there")

    server = serve(LocalServer(answer))
    client = client_of(tmp_path, local_hosts=[server.host])
    assert client.get(f"{server.url}/3").read_bytes() == b"there"
    with pytest.raises(SurveyError, match="more than three times"):
        client.get(f"{server.url}/4")


def test_no_network_is_said_in_words(tmp_path, monkeypatch):
    def nothing(*_arguments, **_options):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", nothing)
    with pytest.raises(SurveyError, match="no network") as caught:
        client_of(tmp_path, hosts=["data.sdss.org"]).get("https://data.sdss.org/")
    assert caught.value.code == "no_network"
    assert caught.value.is_retryable
