"""Rate counters: one atomic counter in Valkey for each time window; without the cache nothing is counted."""

import ipaddress
import re
import time
from dataclasses import dataclass

from django.core.cache import cache
from django.utils.crypto import salted_hmac
from redis.exceptions import RedisError

# [2001:db8::1]:443 or [2001:db8::1], 198.51.100.7:443
_WITH_PORT = re.compile(r"\[([^\]]+)\](?::\d+)?|([^:\[\]]+):\d+")


@dataclass(frozen=True, slots=True)
class Counted:
    """A counter after an event: its key, its value, and the seconds until its window ends."""

    key: str
    count: int
    wait_seconds: int


@dataclass(frozen=True, slots=True)
class Client:
    """The origin of a request: the smallest block of addresses of one party, and the network around it."""

    one: str
    network: str


def client_of(address: str) -> Client:
    """Return the client of an address: an IPv4 address in its /24, or an IPv6 /64 in its /48.

    Whoever has one IPv6 address has at least a whole /64, so its addresses are one client; providers hand out /48 to
    /64. An IPv4 address written as an IPv6 one (``::ffff:198.51.100.7``, 6to4) is that IPv4 address. A port that a
    proxy appends (``198.51.100.7:4711``) differs for every connection and is ignored.
    """
    text = address.strip()
    if found := _WITH_PORT.fullmatch(text):
        text = found[1] or found[2]
    try:
        ip = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return Client(text, text)
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    one, around = (32, 24) if ip.version == 4 else (64, 48)
    return Client(*(str(ipaddress.ip_network(f"{ip}/{bits}", strict=False)) for bits in (one, around)))


def blurred(identity: str) -> str:
    """Return an identity (an address, an e-mail) as a hash keyed by the site's secret and the day (UTC).

    So the cache holds no identity. A plain hash would not do: there are so few addresses that one could try them all.
    """
    day = int(time.time()) // 86_400
    return salted_hmac(f"giz.core.throttle.{day}", identity, algorithm="sha256").hexdigest()[:24]


def window_key(name: str, identity: str, per_seconds: int) -> str:
    return f"count:{name}:{blurred(identity)}:{int(time.time()) // per_seconds}"


def count_up(name: str, identity: str, *, per_seconds: int) -> Counted | None:
    """Count an event of this identity in the current window; None while the cache does not answer."""
    key = window_key(name, identity, per_seconds)
    cache.add(key, 0, per_seconds + 5)
    try:
        count = cache.incr(key)
    except (ValueError, RedisError):
        return None
    return Counted(key, count, per_seconds - int(time.time()) % per_seconds)


def count_back(key: str) -> None:
    """Remove one event from a counter."""
    try:
        cache.decr(key)
    except (ValueError, RedisError):
        return
