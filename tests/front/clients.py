"""Clients as they should not be: they send or read slowly, or break off."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

PATIENCE_S = 60.0


def connect(port: int, *, receive_bytes: int | None = None, source: str = "127.0.0.1") -> socket.socket:
    client = socket.socket()
    client.bind((source, 0))
    if receive_bytes:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    client.settimeout(PATIENCE_S)
    client.connect(("127.0.0.1", port))
    return client


@contextmanager
def many(port: int, count: int, sent: bytes, *, receive_bytes: int | None = None) -> Iterator[list[socket.socket]]:
    """So many connections that have sent this, and go on with nothing."""
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(port, receive_bytes=receive_bytes)) for _ in range(count)]
        for client in clients:
            client.sendall(sent)
        yield clients


def rest_of(client: socket.socket) -> bytes:
    """All that comes until the server closes the connection."""
    found = b""
    while piece := client.recv(65_536):
        found += piece
    return found


def stalled_body(path: str) -> bytes:
    """The beginning of an upload whose rest never comes."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    ).encode()


STALLED_HEADERS = b"GET / HTTP/1.1\r\nHost: localh"
