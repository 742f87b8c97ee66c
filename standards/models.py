"""Versioned, immutable sets of standards; every vote names the set that was shown."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now

from giz.accounts.models import User
from giz.catalog.models import Galaxy


class StandardSet(models.Model):
    """One version of a set. Published sets never change: a database trigger refuses it."""

    class State(models.TextChoices):
        DRAFT = "draft", "draft"
        PUBLISHED = "published", "published"

    name = models.SlugField(max_length=60)
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    digest = models.CharField(max_length=64, blank=True, help_text="sha256 over the standards, in order")
    source = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name", "-version"]
        constraints = [models.UniqueConstraint(fields=["name", "version"], name="standard_set_version_unique")]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class Standard(models.Model):
    """A galaxy of known inclination and how it is shown (display corrections of the original's grid)."""

    standard_set = models.ForeignKey(StandardSet, on_delete=models.PROTECT, related_name="standards")
    galaxy = models.ForeignKey(Galaxy, on_delete=models.PROTECT, related_name="standards")
    inclination_deg = models.FloatField(validators=[MinValueValidator(44.5), MaxValueValidator(90)])
    bin_deg = models.PositiveSmallIntegerField(help_text="nearest whole degree, 45 to 90")
    rotation_deg = models.FloatField(default=0, help_text="display correction of the position angle (dPA)")
    is_shown = models.BooleanField(
        default=True,
        help_text="had pictures when the set was published; only such standards are drawn, so draws replay",
    )
    zoom = models.FloatField(default=1, help_text="display correction of the field, 1 = the panel's default crop")

    class Meta:
        ordering = ["bin_deg", "id"]
        constraints = [
            models.UniqueConstraint(fields=["standard_set", "galaxy"], name="standard_once_a_set"),
            models.CheckConstraint(condition=models.Q(bin_deg__gte=45, bin_deg__lte=90), name="standard_bin_range"),
            models.CheckConstraint(
                condition=models.Q(inclination_deg__gte=models.F("bin_deg") - 0.5)
                & models.Q(inclination_deg__lte=models.F("bin_deg") + 0.5),
                name="standard_in_nearest_bin",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.galaxy} at {self.inclination_deg:g}°"


class Proposal(models.Model):
    """A decision about a measured galaxy as a standard of a set; accepted galaxies go into the next version."""

    class Decision(models.TextChoices):
        ACCEPTED = "accepted", "accepted"
        REFUSED = "refused", "refused"

    set_name = models.SlugField(max_length=60)
    galaxy = models.ForeignKey(Galaxy, on_delete=models.PROTECT, related_name="proposals")
    decision = models.CharField(max_length=10, choices=Decision.choices)
    inclination_deg = models.FloatField(help_text="from the axial ratio, as it was shown")
    error_deg = models.FloatField()
    rotation_deg = models.FloatField(default=0, help_text="turns the measured major axis level")
    stem = models.CharField(max_length=40, blank=True, help_text="the picture whose ellipse was decided about")
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(auto_now=True)
    published_in = models.ForeignKey(StandardSet, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-decided_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["set_name", "galaxy"], name="proposal_once_a_set")]

    def __str__(self) -> str:
        return f"{self.galaxy} at {self.inclination_deg:.1f}° for {self.set_name}: {self.decision}"
