"""The published row: a consensus in the columns of the original GIZ."""

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from giz.core.vocabulary import ACCEPTED
from labeling.aggregation.retirement import MIN_VOLUNTEERS
from labeling.comparison import round_at_random

PUBLISHED_RULE = "published-1"
LOWEST_DEG = 45

_ADDRESS = re.compile(r"[^\s@<>\[\]]+@[^\s@<>\[\]]+\.[^\s@<>\[\]]+")
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """A galaxy's row; ``inc`` and ``inc_e`` in whole degrees, None unless accepted by at least three volunteers."""

    pgc: int
    inc: int | None
    inc_e: int | None
    inc_flg: int
    inc_n: int
    inc_note: str


def is_published(volunteer_count: int) -> bool:
    """Whether enough different volunteers judged a galaxy for its row to be published."""
    return volunteer_count >= MIN_VOLUNTEERS


def rounding_seed(campaign_seed: int, pgc: int) -> int:
    """Return the seed of a galaxy's random rounding; it is the same in every aggregation of a campaign."""
    digest = hashlib.sha256(f"{PUBLISHED_RULE}|{campaign_seed}|{pgc}".encode()).digest()
    return int.from_bytes(digest[:7])


def published_inclination(
    *, verdict: str | None, inclination_deg: float | None, volunteer_count: int, campaign_seed: int, pgc: int
) -> int | None:
    """Return the inclination in whole degrees, by seeded random rounding; None if there is none to publish."""
    if verdict != ACCEPTED or inclination_deg is None or not is_published(volunteer_count):
        return None
    # Face-on votes can pull an accepted galaxy below the lowest standard; published values stay within the ruler.
    return max(round_at_random(inclination_deg, rounding_seed(campaign_seed, pgc)), LOWEST_DEG)


def published_row(
    *,
    pgc: int,
    verdict: str | None,
    inclination_published_deg: int | None,
    sigma_deg: float | None,
    volunteer_count: int,
    note: str,
) -> PublishedRow:
    """Return the row in the original's columns; the error is rounded up, the flag is 1 unless accepted."""
    inc_e = math.ceil(sigma_deg) if inclination_published_deg is not None and sigma_deg is not None else None
    return PublishedRow(pgc, inclination_published_deg, inc_e, int(verdict != ACCEPTED), volunteer_count, note)


def note_of(reason_counts: Mapping[str, int], comments: Iterable[str], reason_order: Iterable[str]) -> str:
    """Return reasons in brackets, then the volunteers' comments without e-mail addresses."""
    reasons = [f"[{reason}]" for reason in reason_order if reason_counts.get(reason)]
    cleaned = (_BLANKS.sub(" ", without_addresses(comment)).strip() for comment in comments)
    remarks = "; ".join(dict.fromkeys(comment for comment in cleaned if comment))
    return " ".join([*reasons, remarks] if remarks else reasons)


def without_addresses(text: str) -> str:
    """Return the text with every e-mail address removed: none may leave the database or be stored by an import."""
    return _ADDRESS.sub("(address removed)", text)
