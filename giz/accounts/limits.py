"""How many wrong passwords are looked at: atomic counters in the cache, by account and by address.

An attempt is counted *before* its password is looked at, and taken back when the password was right. So a hundred
parallel guesses can't slip past the limit, and forty people who log in from one school are not counted against it.
"""

from dataclasses import dataclass

from django.core.cache import cache

from giz.core.throttle import count_back, count_up, window_key


@dataclass(frozen=True)
class Limit:
    name: str
    attempts: int
    per_seconds: int


# Two windows may meet in one burst, so half of the ten guesses that an attacker may have at once.
PER_ACCOUNT = Limit("login-account", attempts=5, per_seconds=300)
PER_ADDRESS = Limit("login-address", attempts=60, per_seconds=60)


@dataclass(frozen=True)
class Attempt:
    """The counters that this attempt has moved, so that a right password can move them back."""

    keys: tuple[str, ...]
    wait_seconds: int

    @property
    def is_refused(self) -> bool:
        return self.wait_seconds > 0


def attempt_count(*, account: str, address: str) -> Attempt:
    """Count an attempt on this account from this address; refused when either has used up its window.

    With the cache away nothing is counted: argon2 alone then slows a guesser down, and honest people get in.
    """
    keys: list[str] = []
    for limit, identity in ((PER_ACCOUNT, account), (PER_ADDRESS, address)):
        counted = count_up(limit.name, identity, per_seconds=limit.per_seconds)
        if counted is None:
            continue
        keys.append(counted.key)
        if counted.count > limit.attempts:
            return Attempt(tuple(keys), wait_seconds=counted.wait_seconds)
    return Attempt(tuple(keys), wait_seconds=0)


def attempt_take_back(attempt: Attempt) -> None:
    """The password was right: this attempt was no guess."""
    for key in attempt.keys:
        count_back(key)


def attempts_forget(*, account: str) -> None:
    """After a reset by e-mail the owner has shown who they are: the account starts afresh."""
    cache.delete(window_key(PER_ACCOUNT.name, account, PER_ACCOUNT.per_seconds))
