"""Limit outgoing requests to the hosts in the settings: first the host's name is checked, then its address."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from giz.surveys.survey import SurveyError

MAX_URL_CHARACTERS = 4000
_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class Target:
    """A checked web address: everything that a connection needs, and nothing else from the caller."""

    scheme: str
    host: str
    port: int
    path: str
    is_local: bool

    @property
    def key(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Guard:
    """The hosts that may be asked.

    hosts : names (``data.sdss.org``, or ``name:port`` for another than the scheme's default port).
    local_hosts : ``name:port`` of mirrors on private addresses, loopback included; nothing else may resolve to such.
    """

    hosts: frozenset[str]
    local_hosts: frozenset[str] = frozenset()

    def check(self, url: str) -> Target:
        """Check an address and split it.

        Raises
        ------
        SurveyError
            ``url_not_allowed``: another scheme than http(s), a user name, odd characters, a host not on the list.
        """
        parts = _split(url)
        host = (parts.hostname or "").lower()
        port = parts.port or _PORTS[parts.scheme]
        key = f"{host}:{port}"
        is_local = key in self.local_hosts
        is_listed = key in self.hosts or (host in self.hosts and port == _PORTS[parts.scheme])
        if not (is_local or is_listed):
            raise SurveyError("url_not_allowed", f"The host {host[:80]!r} is not one of the surveys in the settings.")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(parts.scheme, host, port, path, is_local)


def guard_for(urls: Collection[str], local_hosts: Collection[str] = ()) -> Guard:
    """Return the guard that allows the hosts of these addresses, and the local ones named."""
    hosts = set()
    for url in urls:
        parts = _split(url)
        host = (parts.hostname or "").lower()
        hosts.add(f"{host}:{parts.port}" if parts.port else host)
    return Guard(frozenset(hosts), frozenset(host.lower() for host in local_hosts))


def _split(url: str) -> SplitResult:
    if len(url) > MAX_URL_CHARACTERS or not url.isascii() or any(ord(character) <= 32 for character in url):
        raise SurveyError("url_not_allowed", "The address holds spaces, control or foreign characters, or is too long.")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise SurveyError("url_not_allowed", "The address can't be read.") from None
    if parts.scheme not in _PORTS:
        raise SurveyError(
            "url_not_allowed", f"Addresses must begin with http:// or https://, not {parts.scheme[:20]!r}."
        )
    if not parts.hostname or "@" in parts.netloc or "\\" in url or parts.fragment or "#" in url:
        raise SurveyError("url_not_allowed", "The address must name a host, without a user name or a fragment.")
    return parts


def is_public(address: str) -> bool:
    """Whether an address is public, also for IPv4 addresses embedded in IPv6."""
    try:
        ip = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and (ip.ipv4_mapped or ip.sixtofour or ip.teredo or ip in _NAT64):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not ip.is_unspecified


def resolve(target: Target) -> list[tuple[int, tuple[str, int]]]:
    """Resolve and check the addresses of a host.

    Raises
    ------
    SurveyError
        ``no_network`` if the name can't be resolved; ``fetch_refused`` if any address is a private one.
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise SurveyError(
            "no_network", f"{target.host} can't be found: this site has no network, or its name server is down."
        ) from None
    places = [(int(family), (str(place[0]), target.port)) for family, _, _, _, place in found]
    if not target.is_local and not all(is_public(place[0]) for _, place in places):
        raise SurveyError("fetch_refused", f"{target.host} resolves to a private address, which is not allowed.")
    return places


def connect(
    target: Target, timeout_s: float, on_line: Callable[[socket.socket], None] | None = None
) -> http.client.HTTPConnection:
    """Connect to exactly the address that was checked (the name is not resolved a second time).

    The host's addresses share `timeout_s`. ``on_line`` gets the socket once connected, before anything is sent.
    """
    places = resolve(target)
    end = time.monotonic() + timeout_s
    problem: OSError | None = None
    for number, (family, place) in enumerate(places):
        raw = socket.socket(family, socket.SOCK_STREAM)
        raw.settimeout(max(0.1, (end - time.monotonic()) / (len(places) - number)))
        try:
            raw.connect(place)
            raw.settimeout(timeout_s)
            stream = _secured(raw, target, on_line or (lambda _line: None))
        except OSError as error:
            raw.close()
            problem = error
            continue
        # http.client opens its own socket only if it has none.
        connection = http.client.HTTPConnection(target.host, target.port, timeout=timeout_s)
        connection.sock = stream
        return connection
    raise problem or OSError("no address")


def _secured(raw: socket.socket, target: Target, on_line: Callable[[socket.socket], None]) -> socket.socket:
    if target.scheme == "http":
        on_line(raw)
        return raw
    context = ssl.create_default_context()
    stream = context.wrap_socket(raw, server_hostname=target.host, do_handshake_on_connect=False)
    # Before the handshake, which the other side may delay, too.
    on_line(stream)
    try:
        stream.do_handshake()
    except OSError:
        stream.close()
        raise
    return stream
