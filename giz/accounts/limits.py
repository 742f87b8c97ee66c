"""How many wrong passwords are looked at: atomic counters in the cache, by account and by address.

An attempt is counted *before* its password is looked at, and taken back when the password was right. So a hundred
parallel guesses can't slip past the limit, and forty people who log in from one school are not counted against it.
"""

import hashlib
import time
from dataclasses import dataclass

from django.core.cache import cache
from redis.exceptions import RedisError


@dataclass(frozen=True)
class Limit:
    name: str
    attempts: int
    per_seconds: int


# Two windows may meet in one burst, so half of the ten guesses that an attacker may have at once.
PER_ACCOUNT = Limit("account", attempts=5, per_seconds=300)
PER_ADDRESS = Limit("address", attempts=60, per_seconds=60)


@dataclass(frozen=True)
class Attempt:
    """The counters that this attempt has moved, so that a right password can move them back."""

    keys: tuple[str, ...]
    wait_seconds: int

    @property
    def is_refused(self) -> bool:
        return self.wait_seconds > 0


def _key(limit: Limit, identity: str, now: int) -> str:
    digest = hashlib.blake2b(identity.encode(), digest_size=12).hexdigest()
    return f"login-failed:{limit.name}:{digest}:{now // limit.per_seconds}"


def attempt_count(*, account: str, address: str) -> Attempt:
    """Count an attempt on this account from this address; refused when either has used up its window.

    With the cache away nothing is counted: argon2 alone then slows a guesser down, and honest people get in.
    """
    now = int(time.time())
    keys = []
    for limit, identity in ((PER_ACCOUNT, account), (PER_ADDRESS, address)):
        key = _key(limit, identity, now)
        cache.add(key, 0, limit.per_seconds + 5)
        try:
            count = cache.incr(key)
        except (ValueError, RedisError):
            continue
        keys.append(key)
        if count > limit.attempts:
            return Attempt(tuple(keys), wait_seconds=limit.per_seconds - now % limit.per_seconds)
    return Attempt(tuple(keys), wait_seconds=0)


def attempt_take_back(attempt: Attempt) -> None:
    """The password was right: this attempt was no guess."""
    for key in attempt.keys:
        try:
            cache.decr(key)
        except (ValueError, RedisError):
            continue


def attempts_forget(*, account: str) -> None:
    """After a reset by e-mail the owner has shown who they are: the account starts afresh."""
    cache.delete(_key(PER_ACCOUNT, account, int(time.time())))
