"""The bridge between granian and a WSGI application: nothing that a client does or leaves undone costs a thread."""

import asyncio
import http.client
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import IO

import psutil
import pytest

from giz.embedded.site import SiteOptions, web_part
from giz.front import bodies
from giz.front.bridge import MOST_STREAMS, MOST_STREAMS_OF_ONE_ADDRESS, MOST_WAITING, Front
from tests.browser.site import free_port
from tests.conftest import REPOSITORY

from .app import BLOCK, LARGE, THREADS
from .clients import PATIENCE_S, STALLED_HEADERS, connect, many, rest_of, stalled_body

BLOCKS = b"GET /blocks HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, psutil.Process]]:
    """granian with the arguments of the site, before an application of ours."""
    port = free_port()
    part = web_part(SiteOptions(port=port, web_workers=1), {**os.environ})
    argv = (*part.argv[:-1], "tests.front.app:application")
    log = (tmp_path_factory.mktemp("front") / "web.log").open("wb")
    process = subprocess.Popen(argv, cwd=REPOSITORY, env=part.env, stdout=log, stderr=log)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            assert process.poll() is None
            time.sleep(0.05)
    yield port, psutil.Process(process.pid)
    process.terminate()
    process.wait(PATIENCE_S)


@pytest.fixture
def port(server: tuple[int, psutil.Process]) -> int:
    return server[0]


def ask(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def await_free_streams(port: int) -> None:
    """Wait until the server has seen that earlier readers left."""
    path = "/free"
    deadline = time.monotonic() + PATIENCE_S
    while ask(port, "GET", path) != (200, str(MOST_STREAMS).encode()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.finding("security S5")
def test_stalled_bodies_and_headers_leave_every_thread_free(port: int) -> None:
    with many(port, 64, stalled_body("/echo")), many(port, 200, STALLED_HEADERS), many(port, 100, b""):
        for _ in range(2 * THREADS):
            assert ask(port, "POST", "/echo", b"a vote") == (200, b"a vote")


@pytest.mark.finding("security S2", "security S4", "security S5")
def test_uploads_that_take_long_leave_the_other_threads_free(port: int) -> None:
    form = "multipart/form-data; boundary=x"
    with ThreadPoolExecutor(8) as pool:
        held = [pool.submit(ask, port, "POST", "/hold", b"--x--", Content_Type=form) for _ in range(8)]
        # Nobody gives them back but a request that finds a thread.
        assert ask(port, "POST", "/release", b"a vote") == (200, b"released")
        assert {future.result() for future in held} == {(200, b"held")}


@pytest.mark.finding("security S5")
def test_uploads_that_wait_for_a_thread_never_fill_the_queue_of_the_others(port: int) -> None:
    assert ask(port, "POST", "/close", b"") == (200, b"closed")
    upload = (
        b"POST /hold HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 1\r\n\r\n-"
    )
    try:
        with many(port, MOST_WAITING + 10, upload) as clients:
            assert any(client.recv(20).startswith(b"HTTP/1.1 503 ") for client in clients[-5:])
            assert ask(port, "POST", "/echo", b"a vote") == (200, b"a vote")
    finally:
        assert ask(port, "POST", "/release", b"")[0] == 200


@pytest.mark.finding("security S5")
def test_a_body_counts_until_it_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MOST_HELD_BYTES", 100_000)

    class Whole:
        async def __call__(self) -> bytes:
            return b"x" * 60_000

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield await self()
            yield b""

    def body(receiver: bodies.Receiver) -> AbstractAsyncContextManager[tuple[IO[bytes], int]]:
        return receiver.received(Whole(), address="one", declared=60_000, content_type="multipart/form-data")

    async def two_at_once() -> None:
        receiver = bodies.Receiver()
        async with body(receiver) as (first, length):
            assert (len(first.read()), length) == (60_000, 60_000)
            with pytest.raises(bodies.BodyRefused) as refused:
                async with body(receiver):
                    pass
        assert refused.value.code == "busy"
        async with body(receiver) as (_second, length):
            assert length == 60_000

    asyncio.run(two_at_once())


@pytest.mark.finding("security S5")
def test_a_body_that_stalls_is_answered_408_and_cut(port: int) -> None:
    with many(port, 1, stalled_body("/echo")) as (client,):
        said = rest_of(client)
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b'"code": "too_slow"' in said


@pytest.mark.finding("security S5")
def test_bodies_of_one_address_are_bounded(port: int) -> None:
    with many(port, 200, stalled_body("/echo")), connect(port) as one_more:
        one_more.sendall(stalled_body("/echo"))
        said = rest_of(one_more)
    assert said.startswith(b"HTTP/1.1 503 ")
    assert b'"code": "busy"' in said
    assert b"retry-after: 5" in said


@pytest.mark.finding("security S5")
@pytest.mark.parametrize("path", ["/large", "/blocks", f"/file?{__file__}", "/blocks?200"])
def test_slow_readers_leave_every_thread_free(port: int, path: str) -> None:
    asked = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with many(port, 4 * THREADS, asked, receive_bytes=4_096):
        for _ in range(2 * THREADS):
            assert ask(port, "POST", "/echo", b"a vote") == (200, b"a vote")


@pytest.mark.finding("security S5")
def test_a_slow_reader_of_an_endless_answer_holds_little_memory(server: tuple[int, psutil.Process]) -> None:
    port, master = server
    (web,) = master.children()
    with connect(port, receive_bytes=4_096) as reader:
        reader.sendall(b"GET /blocks HTTP/1.1\r\nHost: localhost\r\n\r\n")
        reader.recv(100)
        before = web.memory_info().rss
        for _ in range(200):
            assert ask(port, "GET", "/echo")[0] == 200
        assert web.memory_info().rss - before < 20_000_000


@pytest.mark.finding("security S5")
def test_one_address_gets_only_a_share_of_the_endless_answers(port: int) -> None:
    await_free_streams(port)
    with many(port, MOST_STREAMS_OF_ONE_ADDRESS, BLOCKS) as readers, connect(port, source="127.0.0.2") as other:
        for reader in readers:
            assert reader.recv(100).startswith(b"HTTP/1.1 200 ")
        assert ask(port, "GET", "/blocks")[0] == 503
        other.sendall(BLOCKS)
        assert other.recv(100).startswith(b"HTTP/1.1 200 ")
    await_free_streams(port)


@pytest.mark.finding("security S5")
def test_readers_that_leave_make_room_for_others(port: int) -> None:
    for _ in range(2):
        await_free_streams(port)
        with many(port, MOST_STREAMS_OF_ONE_ADDRESS, BLOCKS) as readers:
            for reader in readers:
                assert reader.recv(100).startswith(b"HTTP/1.1 200 ")
            assert ask(port, "GET", "/blocks")[0] == 503
    await_free_streams(port)


def test_every_kind_of_answer_arrives_whole(port: int, tmp_path: Path) -> None:
    await_free_streams(port)
    file = tmp_path / "file"
    file.write_bytes(os.urandom(3_000_000))
    assert ask(port, "GET", f"/file?{file}") == (200, file.read_bytes())
    assert ask(port, "GET", f"/file?{file}", X_From="2999000") == (200, file.read_bytes()[2_999_000:])
    assert ask(port, "GET", "/large") == (200, LARGE)
    assert ask(port, "GET", "/blocks?50") == (200, 50 * BLOCK)
    assert ask(port, "GET", "/blocks?0") == (200, b"")
    for path in ("/large", "/blocks?3", f"/file?{file}"):
        assert ask(port, "HEAD", path) == (200, b"")


def test_large_bodies_arrive_whole_with_a_length_and_without(port: int) -> None:
    assert ask(port, "POST", "/echo", LARGE, Content_Type="multipart/form-data; boundary=x") == (200, LARGE)
    head = b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    with connect(port) as client:
        client.sendall(head + b"5\r\nabcde\r\n0\r\n\r\n")
        assert rest_of(client).endswith(b"\r\n\r\nabcde")


@pytest.mark.finding("security S5", "abuse A29")
@pytest.mark.parametrize(
    ("kind", "length"), [("multipart/form-data; boundary=x", 300_000_000), ("application/json", 10_000_000)]
)
def test_a_body_that_says_it_is_too_large_is_not_received(port: int, kind: str, length: int) -> None:
    head = f"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    with connect(port) as client:
        client.sendall(head.encode())
        said = rest_of(client)
    assert said.startswith(b"HTTP/1.1 413 ")
    assert b'"code": "too_large"' in said


@pytest.mark.finding("security S5", "abuse A29")
def test_a_body_without_a_length_ends_at_the_limit(port: int) -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    with connect(port) as client:
        client.sendall(head)
        for _ in range(40):
            client.sendall(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
        assert b" 413 " in client.recv(100)


@pytest.mark.finding("security S5")
def test_a_body_in_crumbs_is_cut(port: int) -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    for crumbs, status in ((500, b"200"), (4_000, b"408")):
        with connect(port) as client:
            client.sendall(head + crumbs * b"1\r\na\r\n" + b"0\r\n\r\n")
            assert client.recv(20).startswith(b"HTTP/1.1 " + status)


def test_a_body_that_breaks_off_does_not_reach_the_application(port: int) -> None:
    for head in (b"Content-Length: 900", b"Transfer-Encoding: chunked"):
        with connect(port) as client:
            client.sendall(b"POST /echo HTTP/1.1\r\nHost: h\r\n" + head + b"\r\n\r\n3\r\nabc")
            client.shutdown(socket.SHUT_WR)
            assert not client.recv(20).startswith(b"HTTP/1.1 200")


def test_an_error_of_the_application_is_a_500_and_costs_no_thread(port: int) -> None:
    for _ in range(2 * THREADS):
        assert ask(port, "GET", "/error")[0] == 500
    assert ask(port, "POST", "/echo", b"a vote") == (200, b"a vote")


@pytest.mark.finding("abuse A23")
def test_what_the_application_is_told_of_a_request(port: int) -> None:
    status, body = ask(port, "GET", "/environ?q=%20", X_One="1", X_Two_Three="2")
    environ = eval(body)
    assert status == 200
    assert environ["PATH_INFO"] == "/environ"
    assert environ["QUERY_STRING"] == "q=%20"
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["SERVER_PORT"] == str(port)
    assert environ["HTTP_X_TWO_THREE"] == "2"
    with connect(port) as client:
        client.sendall(
            b"GET /environ HTTP/1.1\r\nHost: one\r\nHost: two\r\nCookie: a=1\r\nCookie: b=2\r\nX-Real_Ip: 1\r\n"
            b"Connection: close\r\n\r\n"
        )
        environ = eval(rest_of(client).partition(b"\r\n\r\n")[2])
    # Two hosts are one bad one for Django; a name with an underscore could pass for another's.
    assert environ["HTTP_HOST"] == "one,two"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert not [name for name in environ if "REAL" in name]


@pytest.mark.finding("security S5", "security S17")
@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8:0:1::7", "2001:db8:0:1:ffff::9", True),
        ("2001:db8:0:1::7", "2001:db8:0:2::7", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1:4711", "192.0.2.1:4712", True),
        ("[2001:db8:0:1::7]:4711", "2001:db8:0:1::9", True),
    ],
)
def test_all_addresses_of_one_ipv6_network_are_one_client(one: str, other: str, is_same: bool) -> None:
    front = Front(lambda _environ, _start: [], threads=1, trusted_proxies=1)
    addresses = {front._address({"REMOTE_ADDR": "::1", "HTTP_X_FORWARDED_FOR": text}) for text in (one, other)}
    assert (len(addresses) == 1) is is_same
