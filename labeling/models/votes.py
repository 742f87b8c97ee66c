"""Tasks (leases), votes, and the people who give them."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from giz.accounts.models import User
from labeling.models.campaigns import Reason, Target, Verdict, random_seed
from standards.models import StandardSet


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
