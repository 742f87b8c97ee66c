"""Passwords: rules for new ones besides Django's, and limits on how many wrong ones are checked.

An attempt is counted *before* its password is checked, and taken back when the password was right. So a hundred
parallel guesses can't slip past the limit, and forty people who log in from one school are not counted against it.

A stranger can't lock somebody out: attempts are counted for each network separately, and the limit on all networks
together, which stops guesses from many of them, does not hold where the account's owner has logged in before.
"""

import re
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.crypto import salted_hmac

from giz.core.throttle import client_of, count_back, count_up, window_key

# Nobody types more, and hashing longer ones would only cost time.
MAX_LENGTH = 1000
_LEAST_DIFFERENT = 5
# Words that attackers of this site try first, in any order and with any digits and signs between them.
_SITE_WORDS = (
    *("galaxy", "galaxies", "zoo", "giz", "inclination", "inclinations", "inclined", "spiral", "spirals", "volunteer"),
    *("label", "labels", "labelling", "labeling", "staff", "admin", "super", "user", "password", "pass"),
    *("astronomy", "astronomer", "telescope", "standard", "standards", "the", "my", "of", "and", "login", "welcome"),
)
_NOT_LETTERS = re.compile(r"[\W\d_]+")
_ONLY_SITE_WORDS = re.compile(f"(?:{'|'.join(sorted(_SITE_WORDS, key=len, reverse=True))})+")


class MaximumLength:
    def validate(self, password: str, user: Any = None) -> None:
        if len(password) > MAX_LENGTH:
            raise ValidationError(f"Please use at most {MAX_LENGTH:,} characters.", code="password_too_long")

    def get_help_text(self) -> str:
        return f"At most {MAX_LENGTH:,} characters."


class DifferentCharacters:
    """Refuses few different characters; blanks don't count."""

    def validate(self, password: str, user: Any = None) -> None:
        different = {letter for letter in password.casefold() if letter.isprintable() and not letter.isspace()}
        if len(different) < _LEAST_DIFFERENT:
            raise ValidationError(
                f"Please use at least {_LEAST_DIFFERENT} different characters.", code="password_too_uniform"
            )

    def get_help_text(self) -> str:
        return f"At least {_LEAST_DIFFERENT} different characters."


class NotTheSitesWords:
    def validate(self, password: str, user: Any = None) -> None:
        letters = _NOT_LETTERS.sub("", password[:MAX_LENGTH].casefold())
        if _ONLY_SITE_WORDS.fullmatch(letters):
            raise ValidationError(
                "This password is too easy to guess on this site. Please add words of your own.",
                code="password_too_obvious",
            )

    def get_help_text(self) -> str:
        return "Not made up only of words from this site."


@dataclass(frozen=True)
class Limit:
    name: str
    attempts: int
    per_seconds: int


# Half of the ten guesses that an attacker may have at once, because a burst may span two windows.
PER_ACCOUNT = Limit("login-account", attempts=5, per_seconds=300)
# More than one network may use up, or a stranger in one network could lock the owner out of all.
EVERYWHERE = Limit("login-everywhere", attempts=10, per_seconds=300)
PER_ADDRESS = Limit("login-address", attempts=60, per_seconds=60)
_KNOWN_SECONDS = 60 * 86_400


@dataclass(frozen=True)
class Attempt:
    """An attempt and its counters, which are moved back if the password was right."""

    keys: tuple[str, ...]
    wait_seconds: int

    @property
    def is_refused(self) -> bool:
        return self.wait_seconds > 0


def attempt_count(*, account: str, address: str, is_sign_up: bool = False) -> Attempt:
    """Count an attempt on this account from this address; it is refused when one of the limits is used up.

    A sign-up counts only for the account; sign-ups from one address have their own limit.

    Without the cache nothing is counted: then only argon2 slows down guessing, and honest people get in.
    """
    client = client_of(address)
    limits = [(PER_ACCOUNT, f"{account} {client.network}")]
    if not is_sign_up:
        limits.append((PER_ADDRESS, client.one))
    if cache.get(_known_key(account, client.network)) is None:
        limits.append((EVERYWHERE, account))
    keys: list[str] = []
    for limit, identity in limits:
        counted = count_up(limit.name, identity, per_seconds=limit.per_seconds)
        if counted is None:
            continue
        keys.append(counted.key)
        if counted.count > limit.attempts:
            return Attempt(tuple(keys), wait_seconds=counted.wait_seconds)
    return Attempt(tuple(keys), wait_seconds=0)


def attempt_take_back(attempt: Attempt) -> None:
    """Uncount an attempt whose password was right."""
    for key in attempt.keys:
        count_back(key)


def network_remember(*, account: str, address: str) -> None:
    """Note that the owner has logged in from here, so that guesses made elsewhere don't lock them out."""
    cache.set(_known_key(account, client_of(address).network), 1, _KNOWN_SECONDS)


def attempts_forget(*, account: str, address: str) -> None:
    """Reset the counters of an account after its owner has reset the password by e-mail."""
    network = client_of(address).network
    for limit, identity in ((PER_ACCOUNT, f"{account} {network}"), (EVERYWHERE, account)):
        cache.delete(window_key(limit.name, identity, limit.per_seconds))


def _known_key(account: str, network: str) -> str:
    """Return a hash keyed by the site's secret: the cache must hold neither addresses nor networks of people."""
    return "known:" + salted_hmac("giz.accounts.limits", f"{account} {network}", algorithm="sha256").hexdigest()[:32]
