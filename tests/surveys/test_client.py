"""The client is polite and patient, keeps what it has, and survives bad answers (A3, A4, F14)."""

import socket
import threading
import time
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

from giz.surveys.cache import DiskCache
from giz.surveys.client import Client, Manners
from giz.surveys.guard import Guard
from giz.surveys.survey import SurveyError, check_is_fits
from giz.surveys.watch import Watch
from tests.memory import at_most

from .conftest import QUICK
from .servers import LocalServer


@pytest.fixture
def frames(serve):
    """A server of small files."""
    return serve(LocalServer(lambda path, query: (200, {}, b"SIMPLE  = " + path.encode())))


@pytest.fixture
def client_of(tmp_path):
    def make(server, manners=QUICK, services=()):
        guard = Guard(frozenset(), frozenset([server.host]))
        return Client(guard, DiskCache(tmp_path / "cache"), manners, services)

    return make


def refused(client, url, **options):
    with pytest.raises(SurveyError) as caught:
        client.get(url, **options)
    return caught.value


def test_an_answer_is_fetched_once_and_found_on_disk_afterwards(frames, client_of):
    first = client_of(frames).get(f"{frames.url}/a")
    assert client_of(frames).get(f"{frames.url}/a") == first
    assert frames.requests == ["/a"]


def test_the_same_content_under_two_addresses_is_kept_once(serve, client_of):
    server = serve(LocalServer(lambda path, query: (200, {}, b"same")))
    client = client_of(server)
    assert client.get(f"{server.url}/a") == client.get(f"{server.url}/b")
    assert len(server.requests) == 2


def test_threads_that_want_the_same_wait_for_the_one_that_fetches_it(frames, client_of):
    client = client_of(frames)
    threads = [threading.Thread(target=client.get, args=(f"{frames.url}/a",)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert frames.requests == ["/a"]


def test_old_answers_are_asked_again_where_an_age_is_given(frames, client_of):
    client = client_of(frames)
    client.get(f"{frames.url}/a")
    client.get(f"{frames.url}/a", max_age_s=1000.0)
    client.get(f"{frames.url}/a", max_age_s=0.0)
    assert len(frames.requests) == 2


def test_a_damaged_cache_is_fetched_again(frames, client_of):
    stored = client_of(frames).get(f"{frames.url}/a")
    stored.write_bytes(b"x")
    assert client_of(frames).get(f"{frames.url}/a").read_bytes() == b"SIMPLE  = /a"


def test_requests_to_one_host_keep_their_distance_over_clients(frames, client_of, monkeypatch):
    now, waited = [1000.0], []
    clock = SimpleNamespace(time=lambda: now[0], sleep=lambda seconds: waited.append(round(seconds, 3)))
    monkeypatch.setattr("giz.surveys.cache.time", clock)
    manners = replace(QUICK, interval_s=0.5)
    client_of(frames, manners).get(f"{frames.url}/1")
    now[0] += 0.2
    client_of(frames, manners).get(f"{frames.url}/2")
    now[0] += 2.0
    client_of(frames, manners).get(f"{frames.url}/3")
    assert waited == [0.3]


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_errors_of_the_server_are_tried_again(status, frames, client_of):
    failures = iter([True, True])
    frames.faults.append(lambda handler, _: next(failures, False) and (handler.send_error(status) or True))
    assert client_of(frames).get(f"{frames.url}/a").exists()
    assert len(frames.requests) == 3


def test_a_missing_file_is_told_at_once(serve, client_of):
    server = serve(LocalServer())
    assert refused(client_of(server), f"{server.url}/a").code == "not_found"
    assert len(server.requests) == 1


def test_after_three_failed_requests_a_host_is_left_alone_for_a_while(frames, client_of, monkeypatch):
    frames.faults.append(lambda handler, _: handler.send_error(500) or True)
    client = client_of(frames, replace(QUICK, attempts=1, breaker_rest_s=60.0))
    for number in range(3):
        refused(client, f"{frames.url}/{number}")
    error = refused(client, f"{frames.url}/4")
    assert "no request is sent" in error.detail
    assert error.code == "survey_down"
    assert len(frames.requests) == 3
    frames.faults.clear()
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + 61.0, sleep=time.sleep)
    monkeypatch.setattr("giz.surveys.client.time", later)
    assert client.get(f"{frames.url}/5").exists()


def test_a_service_that_fails_leaves_another_on_its_host_alone(frames, client_of):
    frames.faults.append(lambda handler, parts: parts.path.startswith("/bad") and (handler.send_error(500) or True))
    services = [f"{frames.url}/bad", f"{frames.url}/bad/but/good/", f"{frames.url}/sql"]
    client = client_of(frames, replace(QUICK, attempts=1), services)
    for path in ("/bad?a=1", "/bad/2?b", "/bad"):
        refused(client, f"{frames.url}{path}")
    asked = len(frames.requests)
    assert "no request is sent" in refused(client, f"{frames.url}/bad", parameters={"a": 5}).detail
    assert len(frames.requests) == asked
    assert "no request is" not in refused(client, f"{frames.url}/bad/but/good/1").detail, "asked, by its own address"
    for path in ("/sql?a=1", "/else"):
        assert client.get(f"{frames.url}{path}").exists()


def hostile(handler_writes):
    """A fault that writes a raw answer."""

    def fault(handler, _parts):
        with suppress(OSError):
            handler_writes(handler)
        handler.close_connection = True
        return True

    return fault


def html(handler):
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 20\r\n\r\n<html>secret</html>\n")


def endless(handler):
    handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
    while True:
        handler.wfile.write(b"SIMPLE  = " * 100_000)


def ten_gigabytes(handler):
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 10000000000\r\n\r\nSIMPLE  =")


def trickling(head, rest):
    """The head at once, then byte after byte for longer than anybody should wait."""

    def answer(handler):
        handler.wfile.write(head)
        for number in range(len(rest)):
            handler.wfile.write(rest[number : number + 1])
            time.sleep(0.05)

    return answer


trickle = trickling(b"HTTP/1.0 200 OK\r\nContent-Length: 100000\r\n\r\n", b"S" * 200)
trickling_headers = trickling(b"", b"HTTP/1.0 200 OK\r\nX: " + b"y" * 400)
trickling_chunk_size = trickling(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0" * 400)


def stops_half_way(handler):
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 9000000\r\n\r\nSIMPLE  = ")
    handler.wfile.write(bytes(1_000_000))
    time.sleep(8)


def numbers_that_are_none(handler):
    handler.wfile.write("HTTP/1.0 503 Busy\r\nRetry-After: ²\r\nContent-Length: ³\r\n\r\n".encode("latin-1"))


def length_that_is_none(handler):
    handler.wfile.write("HTTP/1.0 200 OK\r\nContent-Length: ³\r\n\r\n<html>secret".encode("latin-1"))


def length_of_thousands_of_digits(handler):
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n<html>secret")


def redirect_to_nonsense(handler):
    handler.wfile.write(b"HTTP/1.0 302 Found\r\nLocation: http://[secret\r\nContent-Length: 0\r\n\r\n")


def lying_length(handler):
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 5000\r\n\r\nSIMPLE  = T")


def cut_chunks(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nSIMPLE  = secret")


def gzip_bomb(handler):
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nSIMPLE  =")


def no_http(handler):
    handler.wfile.write(b"secret nonsense\r\n\r\n")


def server_error(handler):
    handler.wfile.write(b"HTTP/1.0 500 Oops\r\nContent-Length: 6\r\n\r\nsecret")


def silence(handler):
    time.sleep(3)


def huge_headers(handler):
    handler.wfile.write(b"HTTP/1.0 200 OK\r\n" + b"X: secret\r\n" * 100_000 + b"\r\n")


HOSTILE = [
    (html, "survey_bad_answer"),
    (endless, "fetch_refused"),
    (ten_gigabytes, "fetch_refused"),
    (trickle, "survey_down"),
    (trickling_headers, "survey_down"),
    (trickling_chunk_size, "survey_down"),
    (stops_half_way, "survey_down"),
    (numbers_that_are_none, "survey_down"),
    (length_that_is_none, "survey_bad_answer"),
    (length_of_thousands_of_digits, "fetch_refused"),
    (redirect_to_nonsense, "fetch_refused"),
    (lying_length, "survey_bad_answer"),
    (cut_chunks, "survey_down"),
    (gzip_bomb, "survey_bad_answer"),
    (no_http, "survey_down"),
    (server_error, "survey_down"),
    (silence, "survey_down"),
    (huge_headers, "survey_down"),
]


@pytest.mark.finding("abuse A4", "fault F14")
@pytest.mark.parametrize(("answer", "code"), HOSTILE, ids=lambda value: getattr(value, "__name__", value))
def test_hostile_answers_end_soon_in_clear_words_and_leave_nothing(answer, code, frames, client_of, tmp_path):
    frames.faults.append(hostile(answer))
    manners = replace(QUICK, silence_s=1.0, slow_after_s=0.5, least_bytes_per_s=5000.0, give_up_s=1.5, attempts=2)
    with at_most(50):
        error = refused(client_of(frames, manners), f"{frames.url}/a", check=check_is_fits, max_bytes=400_000_000)
    assert error.code == code
    assert "secret" not in error.detail
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.suffix == ".part"] == []
    assert not (tmp_path / "cache" / "objects").exists()


def test_whatever_a_server_does_the_defaults_end_within_half_a_minute_unless_its_answer_flows():
    manners = Manners()
    assert manners.within_s < 30
    assert max(manners.silence_s, manners.slow_after_s, manners.give_up_s) < manners.within_s
    assert manners.give_up_s + manners.silence_s <= 40
    assert manners.silence_s <= 30


def watch_of(now, **manners):
    defaults = {"silence_s": 25.0, "slow_after_s": 10.0, "least_bytes_per_s": 2000.0, "longest_s": 300.0}
    return Watch(**{**defaults, "deadline": now + 29.0, **manners})


def test_a_line_may_be_silent_for_a_while_but_not_beyond_the_time_of_the_whole_request(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("giz.surveys.watch.time", SimpleNamespace(monotonic=lambda: now[0]))
    watch = watch_of(now[0])
    assert watch.complaint(1024.9) == ""
    assert "in time" in watch.complaint(1025.1)
    now[0] = 1014.0  # a second attempt of the same request
    late = watch_of(1000.0)
    assert "in time" in late.complaint(1029.1)
    now[0] = 1020.0
    late.body_begins()
    late.received(3000)
    assert late.complaint(1028.0) == ""
    assert "too slow: 3,000 bytes in 9 s" in late.complaint(1029.1)
    late.received(9_000_000)
    assert "stopped in the middle" in late.complaint(1029.1)
    now[0] = 1028.0
    late.received(1)
    assert late.complaint(1032.0) == ""  # it flows: a large frame over a slow line may take its time


def test_a_secured_line_that_never_comes_to_an_end_of_its_greetings_is_cut(client_of):
    sent = []

    def trickle():
        line, _ = listener.accept()
        with suppress(OSError), line:
            line.sendall(b"\x16\x03\x03\x40\x00")
            for number in range(600):
                line.sendall(b"\x02")
                sent.append(number)
                time.sleep(0.05)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=trickle, daemon=True).start()
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        manners = replace(QUICK, silence_s=1.0, give_up_s=0.0)
        error = refused(client_of(SimpleNamespace(host=host), manners), f"https://{host}/a")
    assert error.code == "survey_down"
    assert len(sent) < 600


def test_a_disk_that_takes_nothing_is_told_and_the_survey_is_not_blamed(frames, client_of, tmp_path, monkeypatch):
    client = client_of(frames)
    (tmp_path / "cache").write_text("a file in the place of the folder")
    error = refused(client, f"{frames.url}/a")
    assert (error.code, error.is_retryable) == ("cache_unwritable", False)
    assert str(tmp_path / "cache") in error.detail
    (tmp_path / "cache").unlink()
    full = Path("/dev/full")
    if not full.exists():
        return
    monkeypatch.setattr(DiskCache, "receiving", lambda self: nullcontext(full))
    error = refused(client, f"{frames.url}/a")
    assert (error.code, "No space left" in error.detail) == ("cache_unwritable", True)


@pytest.mark.finding("abuse A3")
@pytest.mark.parametrize("value", ["1&width=99999", "M31#", "M31&of=xml", "a\r\nX: y", "ä", "%0d%0a"])
def test_no_value_of_a_parameter_becomes_another_parameter(value, frames, client_of):
    client_of(frames).get(f"{frames.url}/a", {"ra": value, "dec": 2})
    assert parse_qs(urlsplit(frames.requests[0]).query) == {"ra": [value], "dec": ["2"]}
