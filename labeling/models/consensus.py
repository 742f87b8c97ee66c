"""Results of the votes: fits of the crowd, consensuses, frozen label sets."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from labeling.models.campaigns import Campaign, Estimator, Target, Verdict


class CrowdFit(models.Model):
    """The crowd's parameters from a full robust fit of a campaign; kept as long as a consensus refers to it."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="fits")
    rule_version = models.CharField(max_length=20)
    crowd = models.JSONField(help_text="scatter and population at each inclination, spreads, degrees of freedom")
    vote_count = models.PositiveIntegerField()
    votes_given = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="all counted votes of the campaign, including those without weight",
    )
    galaxy_count = models.PositiveIntegerField()
    volunteer_count = models.PositiveIntegerField()
    iterations = models.PositiveSmallIntegerField()
    is_converged = models.BooleanField()
    change_deg = models.FloatField(help_text="change of the volunteers' lines in the last iteration")
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
    """A volunteer's parameters in a fit: y = i + offset + slope (i − 70) + noise of relative scale."""

    fit = models.ForeignKey(CrowdFit, on_delete=models.CASCADE, related_name="volunteers")
    volunteer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="fits")
    offset_deg = models.FloatField(help_text="at 70°")
    slope = models.FloatField(help_text="excess slope; 0 for a volunteer without bias")
    scale = models.FloatField(help_text="scatter relative to the crowd's; 1 is typical, less is better")
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
    """The result of a target's votes by one estimator; earlier ones are kept as history."""

    class Status(models.TextChoices):
        OPEN = "open", "open"
        RETIRED = "retired", "retired"
        EXPERT = "expert", "expert queue"

    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="consensuses")
    estimator = models.CharField(max_length=10, choices=Estimator.choices)
    rule_version = models.CharField(max_length=80)
    fit = models.ForeignKey(
        "CrowdFit",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        help_text="of the volunteers; robust estimator only",
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
        verbose_name_plural = "consensuses"
        constraints = [
            models.UniqueConstraint(
                fields=["target", "estimator"], condition=Q(is_current=True), name="consensus_one_current"
            )
        ]

    def __str__(self) -> str:
        return f"{self.estimator} of target {self.target_id}"


class LabelSet(models.Model):
    """A frozen label set: the labels of a campaign at one moment, in a folder of files that never change.

    Equal campaign, estimator, size and ``as_of`` give the same bytes. A database trigger refuses UPDATE and DELETE.
    """

    name = models.SlugField(max_length=120, unique=True, help_text="also the name of its folder")
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="label_sets")
    estimator = models.CharField(max_length=10, choices=Estimator.choices)
    as_of = models.BigIntegerField(help_text="id of the newest consensus in it")
    size_px = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="of the pictures; empty without pictures"
    )
    digest = models.CharField(max_length=64, help_text="one checksum of all files")
    galaxy_count = models.PositiveIntegerField()
    byte_count = models.PositiveBigIntegerField()
    manifest = models.JSONField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name
