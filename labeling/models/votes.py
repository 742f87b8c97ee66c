"""Tasks (leases), votes, the volunteers who give them, and the practice that they keep."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from giz.accounts.models import User
from giz.texts.models import TextVersion
from labeling.models.campaigns import Campaign, Reason, Target, Verdict, random_seed
from standards.models import StandardSet


class Task(models.Model):
    """A lease: a volunteer has a target until ``due_at``.

    There is one task per volunteer and target: after it expired, was released or skipped, the same row is leased again.
    """

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
    guide = models.ForeignKey(
        TextVersion,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="the version of the field guide that the person was offered",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["target", "volunteer"], name="task_served_once")]
        indexes = [
            models.Index(fields=["due_at"], name="task_leased_due", condition=Q(state="leased")),
            models.Index(fields=["volunteer"], name="task_leased_by", condition=Q(state="leased")),
            models.Index(fields=["volunteer"], name="task_unjudged_by", condition=Q(state__in=["leased", "expired"])),
        ]

    def __str__(self) -> str:
        return f"task {self.id}"


class Vote(models.Model):
    """One judgement. Nothing is deleted or overwritten: undone, repeated and late votes are kept as history.

    Database triggers allow changes of ``standing`` (undone once), ``flags`` and ``comment`` (deleted) only.
    """

    class Standing(models.TextChoices):
        COUNTED = "counted", "counted"
        REPEAT = "repeat", "repeat (imported: the person had judged it already)"
        SUPERSEDED = "superseded", "superseded (undone)"
        SURPLUS = "surplus", "surplus (late; kept, not counted)"

    key = models.UUIDField(unique=True, help_text="chosen by the client: sending it again returns the same vote")
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
    trace = models.JSONField(default=dict, blank=True, help_text="windows, draws and slots as sent by the client")
    rule_version = models.CharField(max_length=20, blank=True, help_text="the comparison rule that read the trace")
    reasons = ArrayField(models.CharField(max_length=12, choices=Reason.choices), default=list, blank=True)
    comment = models.CharField(max_length=500, blank=True)
    flags = ArrayField(models.CharField(max_length=20), default=list, blank=True, help_text="too_fast, ...")
    is_imported = models.BooleanField(default=False)
    import_ref = models.CharField(max_length=80, blank=True, help_text="table and row from which the vote was imported")
    checked_out_at = models.DateTimeField(null=True, blank=True)
    shown_ms = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="milliseconds on screen, measured by the page; at most the time since the lease",
    )
    created_at = models.DateTimeField(db_default=Now())
    superseded_at = models.DateTimeField(null=True, blank=True)
    guide = models.ForeignKey(
        TextVersion,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="the version of the field guide that the person was offered",
    )

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
        indexes = [
            models.Index(fields=["volunteer", "-created_at"], name="vote_by_volunteer"),
            models.Index(fields=["created_at"], name="vote_by_time"),
        ]

    # What a person's data download adds to the columns of each vote (giz/accounts/own_data.py).
    OWN_DATA: ClassVar[dict[str, str]] = {"campaign": "target__campaign__name", "pgc": "target__galaxy__pgc"}

    def __str__(self) -> str:
        return f"vote {self.key}"


class Volunteer(User):
    """A person as seen by labelling; the account itself is managed elsewhere."""

    class Meta:
        proxy = True
        ordering = ["-id"]


class PracticeRound(models.Model):
    """A finished round of practice that a person keeps; it is no vote, and nothing of it reaches a label.

    Practice without an account leaves no row.
    """

    trial = models.UUIDField(unique=True, help_text="of the signed token: each round is kept once, by one person")
    volunteer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="practice_rounds")
    day = models.DateField(null=True, blank=True, help_text="of a daily five; each person has one a day")
    judgements = models.JSONField(help_text="galaxy, verdict, inclination_deg, true_deg and error_deg of each galaxy")
    mean_error_deg = models.FloatField(null=True, blank=True, help_text="mean distance; empty if all were rejected")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["volunteer", "day"], name="practice_once_a_day"),
            models.CheckConstraint(
                condition=Q(mean_error_deg__isnull=True) | Q(mean_error_deg__gte=0, mean_error_deg__lte=90),
                name="practice_error_range",
            ),
        ]

    def __str__(self) -> str:
        return f"practice of {self.volunteer.public_name}"


class Certificate(models.Model):
    """What *My eye* stated on a day, for somebody to show; deleted with the account."""

    number = models.PositiveIntegerField(unique=True, help_text="random; with the code it opens the certificate")
    code = models.CharField(max_length=12, editable=False)
    volunteer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="certificates")
    day = models.DateField(help_text="each person has at most one a day")
    votes = models.PositiveIntegerField()
    galaxies = models.PositiveIntegerField(help_text="settled galaxies that the figures are from")
    offset_deg = models.FloatField(help_text="mean difference, this person less the others")
    offset_error_deg = models.FloatField()
    scatter_deg = models.FloatField()
    scatter_error_deg = models.FloatField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["volunteer", "day"], name="certificate_once_a_day")]

    def __str__(self) -> str:
        return f"certificate {self.number}"

    @property
    def offset_text(self) -> str:
        return f"{self.offset_deg:+.1f}° ± {self.offset_error_deg:.1f}°".replace("-", "−")

    @property
    def scatter_text(self) -> str:
        return f"{self.scatter_deg:.1f}° ± {self.scatter_error_deg:.1f}°"


class Suspicion(models.Model):
    """A suspicion that somebody's votes in a campaign are not judgements; staff decide whether they have weight."""

    class State(models.TextChoices):
        OPEN = "open", "waits for staff"
        CONFIRMED = "confirmed", "confirmed: weight 0"
        DISMISSED = "dismissed", "dismissed"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="suspicions")
    volunteer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="suspicions")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    rule_version = models.CharField(max_length=20, blank=True)
    reasons = ArrayField(models.CharField(max_length=20), default=list)
    evidence = models.JSONField(default=dict, help_text="the figures that the rule found")
    found_at = models.DateTimeField(db_default=Now())
    decided_at = models.DateTimeField(null=True, blank=True, help_text="earlier votes are no longer evidence")

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["campaign", "volunteer"], name="suspicion_once_a_campaign")]

    def __str__(self) -> str:
        return f"{self.volunteer.public_name} in {self.campaign.name}"


class VoteTally(models.Model):
    """A volunteer's counted votes in a campaign up to the vote that `Figures` names; used for public counts only."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    volunteer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    votes = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "volunteer"], name="votetally_once_a_campaign")]

    def __str__(self) -> str:
        return f"{self.votes} votes of {self.volunteer_id} in campaign {self.campaign_id}"


class Figures(models.Model):
    """Public counts, updated by a worker so that requests need not count votes; without a campaign, those of the site.

    A campaign's counts include everybody's votes, those of the site exclude simulated crowds and drafts.
    """

    campaign = models.OneToOneField(Campaign, null=True, on_delete=models.CASCADE, related_name="figures")
    votes = models.PositiveIntegerField(default=0, help_text="counted votes")
    people = models.PositiveIntegerField(default=0, help_text="people who gave them")
    galaxies = models.PositiveIntegerField(default=0, help_text="to be labelled; for the site: judged by somebody")
    retired = models.PositiveIntegerField(default=0, help_text="finished galaxies")
    counted_at = models.DateTimeField(db_default=Now())
    # The site's row only: votes up to `tallied_to` are in VoteTally, which is extended to `next_to` next.
    tallied_to = models.BigIntegerField(default=0)
    tallied_galaxies = models.PositiveIntegerField(default=0)
    next_to = models.BigIntegerField(default=0)
    next_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "figures"
        constraints = [models.UniqueConstraint(fields=["campaign"], nulls_distinct=False, name="figures_once")]

    def __str__(self) -> str:
        return f"figures of {self.campaign.name}" if self.campaign else "figures of the site"
