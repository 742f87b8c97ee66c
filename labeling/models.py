"""Campaigns, targets, tasks (leases), votes and consensus; every invariant of one row is a constraint here."""

import secrets
import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now

from giz.accounts.models import User
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


class Task(models.Model):
    """A lease: this volunteer has this target until ``due_at``. A galaxy is served to a person once."""

    class State(models.TextChoices):
        LEASED = "leased", "leased"
        VOTED = "voted", "voted"
        SKIPPED = "skipped", "skipped"
        EXPIRED = "expired", "expired"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="tasks")
    volunteer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="tasks")
    standard_set = models.ForeignKey(StandardSet, on_delete=models.PROTECT)
    seed = models.BigIntegerField(default=random_seed, editable=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.LEASED)
    checked_out_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField()
    checked_in_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["target", "volunteer"], name="task_served_once")]
        indexes = [
            models.Index(fields=["due_at"], name="task_leased_due", condition=Q(state="leased")),
            models.Index(fields=["volunteer"], name="task_leased_by", condition=Q(state="leased")),
        ]

    def __str__(self) -> str:
        return f"task {self.id}"


class Vote(models.Model):
    """One judgement. Nothing is deleted or overwritten: undoing supersedes, repeats and late votes stay as history."""

    class Standing(models.TextChoices):
        COUNTED = "counted", "counted"
        REPEAT = "repeat", "repeat (imported: the person had judged it already)"
        SUPERSEDED = "superseded", "superseded (undone)"
        SURPLUS = "surplus", "surplus (late; kept, not counted)"

    key = models.UUIDField(unique=True, help_text="made by the client: sending it again answers the same vote")
    body_hash = models.CharField(max_length=64, help_text="the same key with another body is refused")
    target = models.ForeignKey(Target, on_delete=models.PROTECT, related_name="votes")
    volunteer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="votes")
    task = models.ForeignKey(Task, null=True, blank=True, on_delete=models.PROTECT, related_name="votes")
    standard_set = models.ForeignKey(StandardSet, null=True, blank=True, on_delete=models.PROTECT)
    standing = models.CharField(max_length=10, choices=Standing.choices, default=Standing.COUNTED)
    verdict = models.CharField(max_length=1, choices=Verdict.choices)
    inclination_deg = models.FloatField(null=True, blank=True, help_text="exact; empty unless accepted, never 0")
    inclination_rounded_deg = models.PositiveSmallIntegerField(null=True, blank=True)
    rounding_seed = models.BigIntegerField(null=True, blank=True)
    trace = models.JSONField(default=dict, blank=True, help_text="windows, draws and slots, as the client sent them")
    rule_version = models.CharField(max_length=20, blank=True, help_text="of the comparison rule that read the trace")
    reasons = ArrayField(models.CharField(max_length=12, choices=Reason.choices), default=list, blank=True)
    comment = models.CharField(max_length=500, blank=True)
    flags = ArrayField(models.CharField(max_length=20), default=list, blank=True, help_text="too_fast, ...")
    is_imported = models.BooleanField(default=False)
    import_ref = models.CharField(max_length=80, blank=True, help_text="table and row that the vote was imported from")
    checked_out_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    superseded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target", "volunteer"], condition=Q(standing="counted"), name="vote_counted_once_a_person"
            ),
            models.UniqueConstraint(fields=["import_ref"], condition=~Q(import_ref=""), name="vote_imported_once"),
            models.CheckConstraint(
                condition=Q(verdict="A", inclination_deg__isnull=False, inclination_rounded_deg__isnull=False)
                | (~Q(verdict="A") & Q(inclination_deg__isnull=True, inclination_rounded_deg__isnull=True)),
                name="vote_inclination_only_when_accepted",
            ),
            models.CheckConstraint(
                condition=Q(inclination_deg__isnull=True) | Q(inclination_deg__gte=45, inclination_deg__lte=90),
                name="vote_inclination_range",
            ),
            models.CheckConstraint(
                condition=Q(standing="superseded", superseded_at__isnull=False)
                | (~Q(standing="superseded") & Q(superseded_at__isnull=True)),
                name="vote_superseded_at",
            ),
        ]
        indexes = [models.Index(fields=["volunteer", "-created_at"], name="vote_by_volunteer")]

    def __str__(self) -> str:
        return f"vote {self.key}"


class Volunteer(User):
    """A person as the labelling sees them; the account itself is looked after elsewhere."""

    class Meta:
        proxy = True
        ordering = ["-id"]


class CrowdFit(models.Model):
    """A full robust fit of a campaign: what the crowd shares. Kept as long as a consensus names it."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="fits")
    rule_version = models.CharField(max_length=20)
    crowd = models.JSONField(help_text="scatter and population at each inclination, spreads, degrees of freedom")
    vote_count = models.PositiveIntegerField()
    galaxy_count = models.PositiveIntegerField()
    volunteer_count = models.PositiveIntegerField()
    iterations = models.PositiveSmallIntegerField()
    is_converged = models.BooleanField()
    change_deg = models.FloatField(help_text="how far the volunteers' lines still moved in the last iteration")
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["campaign"], condition=Q(is_current=True), name="crowdfit_one_current")
        ]

    def __str__(self) -> str:
        return f"fit {self.pk} of campaign {self.campaign_id}"


class VolunteerFit(models.Model):
    """A volunteer's habits as one fit sees them: y = i + offset + slope (i - 70) + noise of relative scale."""

    fit = models.ForeignKey(CrowdFit, on_delete=models.CASCADE, related_name="volunteers")
    volunteer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="fits")
    offset_deg = models.FloatField(help_text="at 70°")
    slope = models.FloatField(help_text="excess over the ruler's own: 0 is true")
    scale = models.FloatField(help_text="scatter relative to the crowd's: 1 is typical, less is better")
    offset_variance = models.FloatField()
    slope_variance = models.FloatField()
    covariance = models.FloatField()
    scale_log_error = models.FloatField()
    vote_count = models.PositiveIntegerField()

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["fit", "volunteer"], name="volunteerfit_once_a_fit")]

    def __str__(self) -> str:
        return f"volunteer {self.volunteer_id} in fit {self.fit_id}"


class Consensus(models.Model):
    """What the votes of a target say under one rule; older ones are kept as history."""

    class Status(models.TextChoices):
        OPEN = "open", "open"
        RETIRED = "retired", "retired"
        EXPERT = "expert", "expert queue"

    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="consensuses")
    estimator = models.CharField(max_length=10, choices=Estimator.choices)
    rule_version = models.CharField(max_length=80)
    fit = models.ForeignKey(
        "CrowdFit", null=True, blank=True, on_delete=models.PROTECT, help_text="of the volunteers; robust only"
    )
    inclination_deg = models.FloatField(null=True, blank=True)
    sigma_deg = models.FloatField(null=True, blank=True, help_text="standard error of the inclination")
    inclination_published_deg = models.PositiveSmallIntegerField(null=True, blank=True)
    verdict = models.CharField(
        max_length=1, choices=Verdict.choices, blank=True, help_text="empty while split or unknown"
    )
    is_split = models.BooleanField(default=False)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    volunteer_count = models.PositiveIntegerField()
    verdict_counts = models.JSONField(default=dict)
    reason_counts = models.JSONField(default=dict)
    note = models.TextField(blank=True, help_text="reasons in brackets, then comments")
    vote_ids = ArrayField(models.BigIntegerField(), default=list)
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target", "estimator"], condition=Q(is_current=True), name="consensus_one_current"
            )
        ]

    def __str__(self) -> str:
        return f"{self.estimator} of target {self.target_id}"


class LabelSet(models.Model):
    """A frozen label set: the labels of a campaign as of one moment, in a folder of files that never change.

    ``as_of`` is the youngest consensus in it, so the same campaign, estimator, size and ``as_of`` are the same bytes.
    A database trigger refuses UPDATE and DELETE.
    """

    name = models.SlugField(max_length=120, unique=True, help_text="also the name of its folder")
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="label_sets")
    estimator = models.CharField(max_length=10, choices=Estimator.choices)
    as_of = models.BigIntegerField(help_text="number of the youngest consensus in it")
    size_px = models.PositiveSmallIntegerField(null=True, blank=True, help_text="of the pictures; empty without them")
    digest = models.CharField(max_length=64, help_text="one checksum of all files")
    galaxy_count = models.PositiveIntegerField()
    byte_count = models.PositiveBigIntegerField()
    manifest = models.JSONField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name
