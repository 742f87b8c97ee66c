"""The trials of the quiz and its score: one picture, one answer, no feedback before the round is over."""

import random
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Now

from giz.accounts.models import User
from giz.catalog.models import Band, GalaxyImage, RealismTrial
from giz.catalog.storage import display_files_exist
from giz.core.errors import Refused
from tests.lab.shares import Share, share_of, share_over_people

ROUND_TRIALS = 20
# Both kinds are shown from files of this size, so that sharpness tells nothing of how large a picture once was.
SHOWN_PX = 256
LEAST_GALAXIES = 10
MOST_DRAWS = 30

Kind = RealismTrial.Kind


def trial_next(*, person: Any, rng: random.Random | None = None) -> RealismTrial | None:
    """Return the picture this person is to judge: the open one, else a new one; None when there is nothing new.

    A fair coin says real or synthetic, another the band; each galaxy comes once to a person.

    Raises
    ------
    Refused
        ``too_few_galaxies`` while the catalogue holds fewer than ten galaxies of either kind with a picture;
        ``pictures_missing`` where their files got lost.
    """
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=person.pk)
        mine = RealismTrial.objects.filter(person=person)
        found = mine.filter(said="").select_related("image").first()
        if found is not None and _is_there(found.image):
            return found
        if found is not None:
            found.delete()
        image = _draw_what_is_there(mine, rng or random.SystemRandom())
        if image is None:
            mine.filter(is_counted=False).update(is_counted=True)
            return None
        truth = Kind.SYNTHETIC if image.galaxy.is_synthetic else Kind.REAL
        return RealismTrial.objects.create(person=person, image=image, truth=truth)


def trial_answer(*, person: Any, trial_id: uuid.UUID | str, said: str) -> bool:
    """Keep what this person said of a picture; True when that ends the round. The same answer again changes nothing.

    Raises
    ------
    Refused
        ``no_trial`` for a picture that this person was not shown, ``answered`` for another word about an old one.
    """
    with transaction.atomic():
        trial = RealismTrial.objects.select_for_update(no_key=True).filter(pk=trial_id, person=person).first()
        if trial is None:
            raise Refused("no_trial", "This picture was not shown to you.", status=404)
        if trial.said and trial.said != said:
            raise Refused("answered", "You have already answered this one.", status=409)
        if not trial.said:
            RealismTrial.objects.filter(pk=trial.pk).update(said=Kind(said), answered_at=Now())
        waiting = RealismTrial.objects.filter(person=person, is_counted=False).exclude(said="")
        if waiting.count() < ROUND_TRIALS:
            return trial.is_counted
        waiting.update(is_counted=True)
        return True


def shown_images(is_synthetic: bool) -> QuerySet[GalaxyImage]:
    """Pictures that may be shown: of now, large enough, and of synthetic galaxies only those fit to be measured."""
    images = GalaxyImage.objects.filter(
        is_current=True, galaxy__is_synthetic=is_synthetic, sizes_px__contains=[SHOWN_PX]
    )
    return images.filter(galaxy__truth__reject_reason="") if is_synthetic else images


def _is_there(image: GalaxyImage) -> bool:
    return display_files_exist(image.stem, [SHOWN_PX])


def _draw_what_is_there(mine: QuerySet[RealismTrial], rng: random.Random) -> GalaxyImage | None:
    """A picture whose file got lost can't be judged: another is drawn."""
    for _ in range(MOST_DRAWS):
        image = _draw(mine, rng)
        if image is None or _is_there(image):
            return image
    raise Refused(
        "pictures_missing",
        "Several picture files are missing. To restore them, run manage.py prepare_images --missing (for pictures "
        "made from frames), import_images (from files) or demo (synthetic ones).",
        status=409,
    )


def _draw(mine: QuerySet[RealismTrial], rng: random.Random) -> GalaxyImage | None:
    for is_synthetic in (False, True):
        if shown_images(is_synthetic).values("galaxy").distinct().count() < LEAST_GALAXIES:
            raise Refused("too_few_galaxies", _what_is_missing(is_synthetic), status=409)
    seen = mine.values("image__galaxy")
    left = {kind: shown_images(kind).exclude(galaxy__in=seen) for kind in (False, True)}
    # Where one kind is used up, whoever counts would know the next one.
    if not all(images.exists() for images in left.values()):
        return None
    return _one_of(left[rng.random() < 0.5], rng.sample(Band.values, len(Band.values)), rng)


def _one_of(images: QuerySet[GalaxyImage], bands: Sequence[str], rng: random.Random) -> GalaxyImage | None:
    """One picture at random, in the first of these bands that has any."""
    for band in bands:
        in_band = images.filter(band=band).order_by("pk")
        count = in_band.count()
        if count:
            return in_band.select_related("galaxy")[rng.randrange(count)]
    return None


def _what_is_missing(is_synthetic: bool) -> str:
    if is_synthetic:
        return (
            f"The test needs at least {LEAST_GALAXIES} synthetic galaxies with pictures of {SHOWN_PX} pixels. "
            "manage.py demo makes some."
        )
    return (
        f"The test needs at least {LEAST_GALAXIES} real galaxies with pictures of {SHOWN_PX} pixels. "
        "manage.py fetch_images or import_images brings them in."
    )


@dataclass(frozen=True)
class QuizScore:
    """How often people are right, together and each one; and how often each kind passes for real."""

    right: Share
    real_for_real: Share
    synthetic_for_real: Share
    people: list[tuple[int | None, Share]] = field(default_factory=list)


def quiz_score() -> QuizScore:
    """Return the score over all rounds that are over; `people` holds user ids, the most answers first."""
    synthetic, called_real = Q(truth=Kind.SYNTHETIC), Q(said=Kind.REAL)
    rows = (
        RealismTrial.objects.filter(is_counted=True)
        .order_by()
        .values("person")
        .annotate(
            right=Count("pk", filter=Q(said=F("truth"))),
            real=Count("pk", filter=~synthetic),
            believed=Count("pk", filter=~synthetic & called_real),
            synthetic=Count("pk", filter=synthetic),
            fooled=Count("pk", filter=synthetic & called_real),
        )
    )
    table: dict[int | None, dict[str, Any]] = {row["person"]: dict(row) for row in rows}

    def over_people(hits: str, totals: Collection[str]) -> Share:
        pairs = {person: (int(row[hits]), sum(row[name] for name in totals)) for person, row in table.items()}
        return share_over_people({person: pair for person, pair in pairs.items() if pair[1]})

    people = [(person, share_of(row["right"], row["real"] + row["synthetic"])) for person, row in table.items()]
    return QuizScore(
        right=over_people("right", ("real", "synthetic")),
        real_for_real=over_people("believed", ("real",)),
        synthetic_for_real=over_people("fooled", ("synthetic",)),
        people=sorted(people, key=lambda pair: (-pair[1].total, pair[0] or 0)),
    )


def last_round(person: Any, size: int) -> list[RealismTrial]:
    """Return this person's pictures of the round that ended last, in the order in which they were answered."""
    trials = RealismTrial.objects.filter(person=person, is_counted=True).order_by("-answered_at", "pk")
    return list(reversed(trials.select_related("image__galaxy")[:size]))
