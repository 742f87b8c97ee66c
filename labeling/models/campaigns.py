"""Campaigns and their targets, and the words of judging."""

import secrets

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now

from giz.catalog.models import Galaxy
from labeling.aggregation.need import BANDS_A_PRIORITY, FRESH, MAX_PRIORITY, PROBE_BAND
from standards.models import StandardSet


def random_seed() -> int:
    """A seed of 62 bits: fits a signed bigint, and is stored with whatever it drew."""
    return secrets.randbits(62)


class Reason(models.TextChoices):
    """Why a galaxy is rejected (or remarked on); the original's codes, in the original's order."""

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
    """A set of targets to be judged against one standard set, and the rules for it."""

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
        help_text="fresh galaxies from which most is learned come first, one in five by chance; where people and "
        "network disagree a supervisor looks. The network's answer is shown to no volunteer and enters no label.",
    )
    seed = models.BigIntegerField(default=random_seed, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.title


class Target(models.Model):
    """A galaxy in a campaign, with the counters that hold its quota.

    ``vote_count + lease_count`` never exceeds ``quota``: the database refuses it, so no race can.
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
    vote_count = models.PositiveSmallIntegerField(default=0, help_text="counted votes given here (imported ones apart)")
    lease_count = models.PositiveSmallIntegerField(default=0)
    asked = models.PositiveSmallIntegerField(
        db_default=0, help_text="people that staff wants at least, whatever the rule"
    )
    priority = models.PositiveSmallIntegerField(
        default=5, validators=[MaxValueValidator(MAX_PRIORITY)], help_text="0 is served first, 99 last"
    )
    need = models.PositiveSmallIntegerField(
        db_default=FRESH, help_text="how much another vote is worth, 0 the most; follows the consensus"
    )
    wanted = models.PositiveSmallIntegerField(
        db_default=FRESH, help_text="its need while nobody has judged it: how much the network would learn from it"
    )
    votes_to_go = models.FloatField(null=True, blank=True, help_text="votes that it will still need; for planning only")
    doubt = models.CharField(
        max_length=200, blank=True, db_default="", help_text="why a supervisor should look, though people are done"
    )
    band = models.GeneratedField(
        expression=Case(
            When(purpose="label", then=F("priority") * BANDS_A_PRIORITY + F("need")), default=Value(PROBE_BAND)
        ),
        output_field=models.PositiveSmallIntegerField(),
        db_persist=True,
        help_text="in this order targets are served: by priority, then by need",
    )
    order_key = models.FloatField(help_text="random in [0, 1): spreads volunteers over the targets of one band")
    stale_since = models.DateTimeField(null=True, blank=True, help_text="the consensus lags behind the votes since")
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "galaxy"], name="target_once_a_campaign"),
            models.CheckConstraint(
                condition=Q(quota__gte=F("vote_count") + F("lease_count")), name="target_within_quota"
            ),
            models.CheckConstraint(condition=Q(priority__lte=MAX_PRIORITY), name="target_priority_range"),
            # A need of ten would be another priority's band.
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
