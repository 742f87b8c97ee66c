"""Rounds of practice: five galaxies of known inclination, for anybody. The database knows of one only when it is kept.

A round is a signed token that the browser sends back: galaxies, seed, and the judgements so far. Its signature is
checked, its age limited, and the cache remembers each galaxy's first answer, so that nobody learns the truth and then
judges again. Without the cache that is not noticed; practice has no weight anywhere.
"""

import hashlib
import json
import random
import secrets
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from statistics import fmean
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.core.cache import cache
from django.db import transaction

from giz.accounts.models import User
from giz.core.errors import Refused
from labeling.models import PracticeRound
from labeling.practice import FACE_ON_DEG, daily_round, practice_galaxies, practice_round
from labeling.selectors import campaign_with_work, newest_comparable_set
from labeling.services.votes import judgement_read
from standards.selectors import set_standards

SALT = "giz.practice"
ROUND_S = 7 * 86_400
MAX_KEPT = 2_000
MAX_SEEN = 30
# Practice galaxies are not in the catalogue, so no standard is left out for them.
NO_GALAXY = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement of a practice galaxy beside the truth; ``error_deg`` is None if it was rejected."""

    galaxy: int
    verdict: str
    inclination_deg: float | None
    true_deg: float
    error_deg: float | None


@dataclass(frozen=True, slots=True)
class Round:
    """What a token holds; ``day`` is the date of a daily five, ``seen`` are galaxies of rounds before this one."""

    id: str
    begun: int
    standard_set_id: int
    seed: int
    galaxies: tuple[int, ...]
    day: str = ""
    seen: tuple[int, ...] = ()
    judged: tuple[Judged, ...] = ()

    @property
    def token(self) -> str:
        return signing.dumps(asdict(self), salt=SALT, compress=True)

    @property
    def is_finished(self) -> bool:
        return len(self.judged) == len(self.galaxies)

    @property
    def ends_at(self) -> datetime:
        return datetime.fromtimestamp(self.begun + ROUND_S, UTC)

    def seed_of(self, place: int) -> int:
        return int.from_bytes(hashlib.sha256(f"{self.seed}|{place}".encode()).digest()[:7])


def round_begin(*, is_daily: bool = False, after: str = "") -> Round:
    """Return a new round, or that of today; ``after`` is the token of the one before.

    The next round leaves out what was seen, and has one more galaxy like the one that was judged worst.

    Raises Refused: no_standards, bad_trial.
    """
    standard_set_id = _standard_set_id()
    begun = int(time.time())
    made = Round(str(uuid.uuid4()), begun, standard_set_id, secrets.randbits(62), ())
    if is_daily:
        today = datetime.fromtimestamp(begun, UTC).date()
        seed = int.from_bytes(hashlib.sha256(f"daily|{today}".encode()).digest()[:7])
        return replace(made, seed=seed, galaxies=tuple(daily_round(today)), day=today.isoformat())
    before = round_of(after) if after else None
    if before is None:
        return replace(made, galaxies=tuple(practice_round(random.SystemRandom())))
    seen = (*before.seen, *before.galaxies)[-MAX_SEEN:]
    errors = {judged.galaxy: abs(judged.error_deg or 0.0) for judged in before.judged}
    return replace(made, galaxies=tuple(practice_round(random.SystemRandom(), seen, errors)), seen=seen)


def round_of(token: str) -> Round:
    """Return the round of a token; raises Refused 401 ``bad_trial`` if we did not sign it, or too long ago."""
    try:
        held = signing.loads(token, salt=SALT, max_age=ROUND_S)
        judged = tuple(Judged(**entry) for entry in held.pop("judged"))
        found = Round(**{**held, "judged": judged, **{name: tuple(held[name]) for name in ("galaxies", "seen")}})
    except (signing.BadSignature, TypeError, KeyError):
        raise _bad_trial() from None
    # Each answer signs a new token, whose own age says nothing about the round.
    if time.time() > found.begun + ROUND_S or max(found.galaxies) >= len(practice_galaxies()):
        raise _bad_trial()
    return found


def _bad_trial() -> Refused:
    return Refused("bad_trial", "This round of practice is over. Begin a new one.", status=401)


def round_judge(
    *, token: str, trace: Mapping[str, Any] | None, verdict: str, reasons: Sequence[str] = ()
) -> tuple[Round, Judged]:
    """Judge the next galaxy of a round; return the round after it, and the judgement beside the truth.

    The same judgement again, for example after a lost answer, returns the same; another one is refused.

    Raises Refused: bad_trial, already_judged, bad_trace, trace_mismatch, reason_required.
    """
    before = round_of(token)
    place = len(before.judged)
    if before.is_finished:
        raise Refused("already_judged", "All galaxies of this round have been judged.", status=409)
    shown = set_standards(before.standard_set_id).for_target(NO_GALAXY)
    read, inclination_deg = judgement_read(shown, before.seed_of(place), trace, verdict, reasons)
    _refuse_second_answer(before, place, [trace, verdict, sorted(reasons)])
    number = before.galaxies[place]
    true_deg = practice_galaxies()[number].inclination_deg
    said_deg = FACE_ON_DEG if read == "F" else inclination_deg
    error_deg = None if said_deg is None else round(said_deg - true_deg, 2)
    judged = Judged(number, read.value, inclination_deg, true_deg, error_deg)
    return replace(before, judged=(*before.judged, judged)), judged


def _refuse_second_answer(before: Round, place: int, answer: Any) -> None:
    said = hashlib.sha256(json.dumps(answer, sort_keys=True).encode()).hexdigest()
    key = f"practice:{before.id}:{place}"
    if not cache.add(key, said, ROUND_S) and cache.get(key, said) != said:
        raise Refused("already_judged", "You have judged this galaxy already.", status=409)


def round_keep(*, volunteer: Any, token: str) -> PracticeRound:
    """Keep a finished round for this person, exactly once; keeping it again returns the same row.

    Raises Refused: bad_trial, round_unfinished, trial_taken (somebody else kept it), daily_kept, practice_full,
    not_authenticated (the account has been erased).
    """
    held = round_of(token)
    if not held.is_finished:
        raise Refused("round_unfinished", "This round has galaxies that are not judged yet.", status=409)
    errors = [abs(judged.error_deg) for judged in held.judged if judged.error_deg is not None]
    kept = PracticeRound(
        trial=uuid.UUID(held.id),
        volunteer=volunteer,
        day=date.fromisoformat(held.day) if held.day else None,
        judgements=[asdict(judged) for judged in held.judged],
        mean_error_deg=round(fmean(errors), 2) if errors else None,
    )
    with transaction.atomic():
        # Else a round could be kept for an account that has just been erased, or more than MAX_KEPT at once.
        User.objects.locked(volunteer)
        if PracticeRound.objects.filter(volunteer=volunteer).count() >= MAX_KEPT:
            raise Refused("practice_full", f"At most {MAX_KEPT} rounds of practice are kept.", status=409)
        PracticeRound.objects.bulk_create([kept], ignore_conflicts=True)
    found = PracticeRound.objects.filter(trial=kept.trial).first()
    if found is None:
        raise Refused("daily_kept", "You have kept the five galaxies of this day already.", status=409)
    if found.volunteer_id != volunteer.pk:
        raise Refused("trial_taken", "Somebody else has kept this round.", status=409)
    return found


def _standard_set_id() -> int:
    """Return the set among which newcomers judge, or the newest that can be shown."""
    campaign = campaign_with_work(AnonymousUser())
    found = campaign.standard_set_id if campaign else newest_comparable_set()
    if found is None:
        raise Refused("no_standards", "This site has no standards to compare a galaxy with yet.", status=404)
    return found
