"""Counting events a window: one atomic counter in Valkey each; with the cache away nothing is counted."""

import time
from dataclasses import dataclass

from django.core.cache import cache
from django.utils.crypto import salted_hmac
from redis.exceptions import RedisError


@dataclass(frozen=True, slots=True)
class Counted:
    """Which counter was moved, how far it is, and in how many seconds its window ends."""

    key: str
    count: int
    wait_seconds: int


def blurred(identity: str) -> str:
    """The identity (an address, an e-mail) as a hash under the site's key and the day (UTC): none rests in the cache.

    A plain hash would not do: there are so few addresses that one could try them all.
    """
    day = int(time.time()) // 86_400
    return salted_hmac(f"giz.core.throttle.{day}", identity, algorithm="sha256").hexdigest()[:24]


def window_key(name: str, identity: str, per_seconds: int) -> str:
    return f"count:{name}:{blurred(identity)}:{int(time.time()) // per_seconds}"


def count_up(name: str, identity: str, *, per_seconds: int) -> Counted | None:
    """Count an event of this identity in the present window; None while the cache is away."""
    key = window_key(name, identity, per_seconds)
    cache.add(key, 0, per_seconds + 5)
    try:
        count = cache.incr(key)
    except (ValueError, RedisError):
        return None
    return Counted(key, count, per_seconds - int(time.time()) % per_seconds)


def count_back(key: str) -> None:
    """Take one event off a counter again."""
    try:
        cache.decr(key)
    except (ValueError, RedisError):
        return
