"""Training runs and the networks that they made, whose files are in `models/` under GIZ_HOME."""

import uuid

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from giz.core.models import Job


class TrainingRun(models.Model):
    """One training on one label set: settings, progress and result."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.OneToOneField(Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="training_run")
    labelset_name = models.CharField("label set", max_length=200)
    labelset_digest = models.CharField("its checksum", max_length=64)
    network = models.CharField(max_length=20)
    flavour = models.PositiveSmallIntegerField(
        default=0, validators=[MaxValueValidator(3)], help_text="0: all train galaxies; 1 to 3: a sub-sample of 67 %"
    )
    config = models.JSONField(default=dict, blank=True, help_text="all that decides what is learned")
    history = models.JSONField(default=list, blank=True, help_text="loss and validation, step by step")
    best = models.JSONField(null=True, blank=True, help_text="the best validation")
    stopped_early = models.BooleanField(default=False)
    version = models.ForeignKey(
        "ModelVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="runs", help_text="what it made"
    )
    gate = models.JSONField(null=True, blank=True, help_text="whether it may take the served one's place, and why")
    created_at = models.DateTimeField("asked for", db_default=Now(), editable=False)
    finished_at = models.DateTimeField("finished", null=True, blank=True)

    class Meta:
        verbose_name = "training"
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(flavour__lte=3), name="training_run_flavour_0_to_3"),
        ]

    def __str__(self) -> str:
        return f"{self.network} on {self.labelset_name}"

    @property
    def state(self) -> str:
        """The state of its job; a run whose job was deleted has ended."""
        if self.job is not None:
            return self.job.state
        return Job.State.DONE if self.finished_at else Job.State.CANCELLED

    @property
    def steps_done(self) -> int:
        """Number of steps up to the last validation (the job's own count ends with measured pictures)."""
        return int(self.history[-1]["step"]) if self.history else 0

    @property
    def processes(self) -> int:
        """Number of processes that share the work; 1 if the job was deleted."""
        return int(self.job.params.get("processes", 1)) if self.job else 1

    @property
    def device(self) -> str:
        """The requested device; empty for a GPU if there is one."""
        return str(self.job.params.get("device", "")) if self.job else ""

    @property
    def error(self) -> str:
        """The last line of its job's error, without the traceback above."""
        return self.job.error.strip().rpartition("\n")[2] if self.job else ""


class ModelVersion(models.Model):
    """A trained network as one ONNX file, named by its checksum and never changed."""

    sha256 = models.CharField("SHA-256", max_length=64, unique=True)
    network = models.CharField(max_length=20)
    run = models.OneToOneField(
        TrainingRun, null=True, blank=True, on_delete=models.PROTECT, related_name="model_version"
    )
    is_shipped = models.BooleanField(default=False, help_text="came with GIZ, not trained here")
    byte_count = models.PositiveBigIntegerField()
    card = models.JSONField(help_text="data, versions and settings, as in the file")
    report = models.JSONField(help_text="figures on the test galaxies")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "network"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.network} {self.sha256[:12]}"

    @property
    def origin(self) -> str:
        if self.is_shipped:
            return "came with GIZ"
        return "trained here" if self.run_id else "registered"

    @property
    def file_name(self) -> str:
        return f"{self.sha256}.onnx"

    @property
    def words(self) -> str:
        """Its result on its test galaxies, in short."""
        views = self.report.get("views") or {}
        # With all bands; for a network of one band, in colour.
        figures = views.get("all") or views.get("gri") or {}
        rms, accuracy = (
            (figures.get("inclination") or {}).get("rms_deg"),
            (figures.get("verdict") or {}).get("accuracy"),
        )
        said = (("RMS {:.2f}°", rms), ("verdict {:.1%}", accuracy))
        return ", ".join(words.format(value) for words, value in said if value is not None)

    @property
    def role(self) -> str:
        """The role in which it can be in service: the network's name, and the number of its sub-sample, if any."""
        return f"{self.network}{self.card.get('flavour') or ''}"


class Promotion(models.Model):
    """Append-only history: which version was in service since when, by whom and why; the newest of a role still is.

    A database trigger refuses UPDATE and DELETE.
    """

    class Kind(models.TextChoices):
        SHIPPED = "shipped", "came with GIZ"
        GATE = "gate", "passed the gate"
        STAFF = "staff", "promoted by staff"
        ROLLBACK = "rollback", "rolled back"

    role = models.CharField(max_length=24, help_text="the name under which it answers: ours, model4, model41 …")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="promotions")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    at = models.DateTimeField(db_default=Now(), editable=False)
    actor_number = models.BigIntegerField(null=True, blank=True, help_text="volunteer number; empty: GIZ itself")
    why = models.TextField()
    gate = models.JSONField(default=dict, blank=True, help_text="figures of the comparison, where there was one")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["role", "-id"], name="promotion_newest_of_role")]

    def __str__(self) -> str:
        return f"{self.version} as {self.role}"
