"""Campaigns and their targets, and the choices of a judgement."""

import secrets
from collections.abc import Collection
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import connection, models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now

from giz.catalog.models import Galaxy
from labeling.aggregation.need import BANDS_A_PRIORITY, FRESH, MAX_PRIORITY, PROBE_BAND
from labeling.aggregation.prior import HIGHEST_PRIOR, LOWEST_PRIOR
from standards.models import StandardSet


def random_seed() -> int:
    """Return a seed of 62 bits, which fits into a signed bigint."""
    return secrets.randbits(62)


class Reason(models.TextChoices):
    """Why a galaxy is rejected (or commented on): the original's codes, in the original's order."""

    NOT_SURE = "not_sure", "Not sure"
    BETTER_IMAGE = "better_image", "Needs a better image"
    BAD_TF = "bad_TF", "Bad for Tully–Fisher"
    AMBIGUOUS = "ambiguous", "Ambiguous"
    DISTURBED = "disturbed", "Disturbed"
    HI = "HI", "Confused HI profile"
    FACE_ON = "face_on", "Face-on"
    NOT_SPIRAL = "not_spiral", "Not a spiral"
    MULTIPLE = "multiple", "Several galaxies"


class Verdict(models.TextChoices):
    ACCEPTED = "A", "accepted"
    FACE_ON = "F", "face-on"
    REJECTED = "J", "rejected"


class Estimator(models.TextChoices):
    MEDIAN = "median", "median"
    ROBUST = "robust", "robust"


class Campaign(models.Model):
    """Targets that are judged against a standard set, and the rules for that."""

    class State(models.TextChoices):
        DRAFT = "draft", "draft"
        OPEN = "open", "open"
        PAUSED = "paused", "paused"
        CLOSED = "closed", "closed"

    class Retirement(models.TextChoices):
        FIXED = "fixed", "fixed"
        ADAPTIVE = "adaptive", "adaptive"

    name = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    standard_set = models.ForeignKey(StandardSet, on_delete=models.PROTECT, related_name="campaigns")
    overlap = models.PositiveSmallIntegerField(
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(50)],
        help_text="how many different people judge each galaxy",
    )
    lease_minutes = models.PositiveSmallIntegerField(
        default=15, validators=[MinValueValidator(1), MaxValueValidator(240)]
    )
    estimator = models.CharField(max_length=10, choices=Estimator.choices, default=Estimator.MEDIAN)
    retirement = models.CharField(max_length=10, choices=Retirement.choices, default=Retirement.FIXED)
    uses_network = models.BooleanField(
        "the network orders the queue",
        default=True,
        db_default=True,
        help_text="Galaxies from which most is learned are served first, one in five at random; if people and network "
        "disagree, a supervisor looks. Volunteers never see the network's predictions, and no label depends on them.",
    )
    rejection_prior = models.FloatField(
        "share of rejected galaxies",
        null=True,
        blank=True,
        validators=[MinValueValidator(LOWEST_PRIOR), MaxValueValidator(HIGHEST_PRIOR)],
        help_text="Share of this campaign's galaxies that people reject or call face-on, such as 0.2. The network's "
        "probability of a rejection is adapted to it. Empty: as the network learned, half of them.",
    )
    sigma_common_deg = models.FloatField(
        "common-mode error",
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(90)],
        help_text="Degrees by which all labels may be off together, as evaluate --truth has measured it. Exports state "
        "it beside each label's own error; empty where nobody has measured it.",
    )
    sigma_common_from = models.CharField(
        "measured against",
        max_length=200,
        blank=True,
        db_default="",
        help_text="The inclinations from elsewhere that it was measured against, with their q0 and definition.",
    )
    golden_sizes_px = ArrayField(
        models.PositiveSmallIntegerField(),
        null=True,
        blank=True,
        editable=False,
        help_text="picture sizes that golden targets share with most others; tasks offer only these",
    )
    seed = models.BigIntegerField(default=random_seed, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            # NaN is above all numbers for PostgreSQL, so these keep it out too.
            models.CheckConstraint(
                condition=Q(rejection_prior__isnull=True) | Q(rejection_prior__gt=0, rejection_prior__lt=1),
                name="campaign_rejection_prior_is_a_share",
            ),
            models.CheckConstraint(
                condition=Q(sigma_common_deg__isnull=True) | Q(sigma_common_deg__gte=0, sigma_common_deg__lte=90),
                name="campaign_common_error_range",
            ),
            models.CheckConstraint(
                condition=Q(sigma_common_deg__isnull=True, sigma_common_from="")
                | (Q(sigma_common_deg__isnull=False) & ~Q(sigma_common_from="")),
                name="campaign_common_error_has_reference",
                violation_error_message="A common-mode error needs the inclinations that it was measured against, and "
                "these need the error.",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def common_error(self) -> dict[str, Any] | None:
        """The common-mode error as manifests state it; None where none was measured."""
        if self.sigma_common_deg is None:
            return None
        return {"sigma_deg": self.sigma_common_deg, "measured_against": self.sigma_common_from}


class Target(models.Model):
    """A galaxy in a campaign, with its quota and the counters of votes and leases.

    A database constraint keeps ``vote_count + lease_count`` within ``quota``, whatever requests run at once.
    """

    class State(models.TextChoices):
        OPEN = "open", "open"
        RETIRED = "retired", "retired"
        EXPERT = "expert", "waits for a supervisor"

    class Purpose(models.TextChoices):
        LABEL = "label", "to be labelled"
        GOLDEN = "golden", "golden: its inclination is known"
        CALIBRATION = "calibration", "calibration: everybody judges it"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="targets")
    galaxy = models.ForeignKey(Galaxy, on_delete=models.PROTECT, related_name="targets")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    purpose = models.CharField(max_length=11, choices=Purpose.choices, db_default=Purpose.LABEL)
    known_deg = models.FloatField(
        null=True, blank=True, help_text="inclination of a golden target; volunteers never see it"
    )
    quota = models.PositiveSmallIntegerField()
    vote_count = models.PositiveSmallIntegerField(default=0, help_text="counted votes, without imported ones")
    lease_count = models.PositiveSmallIntegerField(default=0)
    asked = models.PositiveSmallIntegerField(
        db_default=0, help_text="minimum number of people that staff asked for, whatever the rule"
    )
    priority = models.PositiveSmallIntegerField(
        default=5, validators=[MaxValueValidator(MAX_PRIORITY)], help_text="0 is served first, 99 last"
    )
    need = models.PositiveSmallIntegerField(
        db_default=FRESH, help_text="how much another vote is needed, 0 the most; set by the consensus"
    )
    wanted = models.PositiveSmallIntegerField(
        db_default=FRESH, help_text="its need while it has no votes: how much the network would learn from it"
    )
    votes_to_go = models.FloatField(
        null=True, blank=True, help_text="votes that it is expected to need still; for planning"
    )
    doubt = models.CharField(
        max_length=200, blank=True, db_default="", help_text="why a supervisor should look although it is finished"
    )
    band = models.GeneratedField(
        expression=Case(
            When(purpose="label", then=F("priority") * BANDS_A_PRIORITY + F("need")), default=Value(PROBE_BAND)
        ),
        output_field=models.PositiveSmallIntegerField(),
        db_persist=True,
        help_text="targets are served in this order: by priority, then by need",
    )
    order_key = models.FloatField(help_text="random in [0, 1): spreads volunteers over the targets of one band")
    stale_since = models.DateTimeField(null=True, blank=True, help_text="since when the consensus is out of date")
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "galaxy"], name="target_once_a_campaign"),
            models.CheckConstraint(
                condition=Q(quota__gte=F("vote_count") + F("lease_count")), name="target_within_quota"
            ),
            models.CheckConstraint(condition=Q(priority__lte=MAX_PRIORITY), name="target_priority_range"),
            # A need of ten would fall into the band of another priority.
            models.CheckConstraint(
                condition=Q(need__lt=BANDS_A_PRIORITY, wanted__lt=BANDS_A_PRIORITY), name="target_need_range"
            ),
            models.CheckConstraint(
                condition=Q(purpose="golden", known_deg__isnull=False)
                | (~Q(purpose="golden") & Q(known_deg__isnull=True)),
                name="target_golden_is_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["campaign", "band", "order_key"],
                name="target_to_serve_by_band",
                condition=Q(state="open", quota__gt=F("vote_count") + F("lease_count")),
            ),
            models.Index(
                fields=["campaign", "order_key"],
                name="target_for_supervisors",
                condition=Q(state="expert", quota__gt=F("vote_count") + F("lease_count")),
            ),
            models.Index(fields=["stale_since"], name="target_stale", condition=Q(stale_since__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.galaxy} in {self.campaign_id}"

    @staticmethod
    def mark_stale(ids: Collection[int]) -> None:
        """Ask for a new consensus of these targets; they are locked by id, as everywhere."""
        with connection.cursor() as cursor:
            cursor.execute(
                """UPDATE labeling_target SET stale_since = COALESCE(stale_since, clock_timestamp()) WHERE id IN (
                       SELECT id FROM labeling_target WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE)""",
                [list(ids)],
            )

    @property
    def has_room(self) -> bool:
        """Whether it is open and has a free slot."""
        return self.state == self.State.OPEN and self.quota > self.vote_count + self.lease_count
