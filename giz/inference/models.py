"""The sources of pictures, which exist for a day, and the predictions. Neither identifies who asked: to count
requests a source stores a hash of the address with the site's key of that day, and is deleted after a day.
"""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from giz.catalog.formats.numbers import number_in_words
from giz.catalog.models import Galaxy
from giz.core.models import Job
from giz.training.models import ModelVersion


class Source(models.Model):
    """Pictures of a galaxy to be measured; deleted after a day.

    Its id is a random UUID and the only way to find it. Pictures of catalogue galaxies stay in the catalogue; the
    others are in a folder named by the id (giz/inference/storage.py).
    """

    class Kind(models.TextChoices):
        CATALOGUE = "catalogue", "a galaxy of the catalogue"
        SKY = "sky", "fetched from a survey"
        UPLOAD = "upload", "uploaded"

    class State(models.TextChoices):
        READY = "ready", "ready"
        FETCHING = "fetching", "being fetched"
        FAILED = "failed", "could not be fetched"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=9, choices=Kind.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.READY)
    galaxy = models.ForeignKey(Galaxy, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    wanted = models.JSONField(default=dict, blank=True, help_text="what a survey was asked for")
    wanted_key = models.CharField(max_length=64, blank=True, db_index=True, help_text="the same wish, the same key")
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    pgc = models.BigIntegerField(null=True, blank=True)
    name = models.CharField(max_length=80, blank=True)
    ra_deg = models.FloatField(null=True, blank=True)
    dec_deg = models.FloatField(null=True, blank=True)
    size_arcmin = models.FloatField(null=True, blank=True, help_text="side of the picture on the sky")
    position_angle_deg = models.FloatField(null=True, blank=True, help_text="north through east")
    survey = models.CharField(max_length=40, blank=True)
    bands = ArrayField(models.CharField(max_length=3), default=list, blank=True)
    size_px = models.PositiveIntegerField(null=True, blank=True)
    shape = models.JSONField(null=True, blank=True, help_text="the ellipse measured on the picture")
    error_code = models.CharField(max_length=40, blank=True)
    error_detail = models.TextField(blank=True)
    asked_by = models.CharField(max_length=24, blank=True, db_default="", help_text="a hash, another one each day")
    asked_from = models.CharField(max_length=24, blank=True, db_default="", help_text="the same of the network around")
    byte_count = models.PositiveIntegerField(db_default=0, help_text="what its own pictures may take of the disk")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="ready") | (~Q(bands=[]) & Q(size_px__gt=0)), name="source_ready_has_pictures"
            ),
            models.CheckConstraint(
                condition=~Q(kind="catalogue") | Q(galaxy__isnull=False), name="source_of_catalogue_has_galaxy"
            ),
            models.CheckConstraint(
                condition=Q(kind="sky") | ~Q(state__in=["fetching", "failed"]), name="source_only_sky_is_fetched"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} source {self.name or self.pgc or ''}".strip()

    @property
    def place(self) -> tuple[float, float] | None:
        """The position that was asked for, in degrees; None for galaxies and uploads."""
        is_place = self.galaxy_id is None and self.ra_deg is not None and self.dec_deg is not None
        return (self.ra_deg, self.dec_deg) if is_place else None  # type: ignore[return-value]

    @property
    def query_in_words(self) -> str:
        """What was asked for, as the job shows it to staff."""
        if self.name or self.pgc:
            return self.name or number_in_words(self.pgc or 0)
        return "" if self.ra_deg is None else f"{self.ra_deg:.4f}° {self.dec_deg or 0.0:+.4f}°"


class Prediction(models.Model):
    """What one network predicted from the pictures of a galaxy in one view. Equal questions share a row."""

    class Origin(models.TextChoices):
        CATALOGUE = "catalogue", "a galaxy of the catalogue"
        SKY = "sky", "fetched from a survey"
        UPLOAD = "upload", "uploaded"
        BULK = "bulk", "many at once"

    key = models.CharField(max_length=64, unique=True, editable=False, help_text="hash of network, pixels and view")
    galaxy = models.ForeignKey(Galaxy, null=True, blank=True, on_delete=models.SET_NULL, related_name="predictions")
    pgc = models.BigIntegerField(null=True, blank=True, help_text="also where the catalogue does not have it")
    origin = models.CharField(max_length=9, choices=Origin.choices)
    model = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="predictions")
    inclination_deg = models.FloatField(null=True, blank=True)
    sigma_deg = models.FloatField(null=True, blank=True, help_text="half of the 68 % interval")
    half_width_95_deg = models.FloatField(null=True, blank=True)
    rejection = models.FloatField(null=True, blank=True, help_text="probability, 0 to 1")
    reason = models.CharField(max_length=20, blank=True, help_text="the likeliest reason of a rejection")
    bands = ArrayField(models.CharField(max_length=3), default=list, blank=True)
    view = models.JSONField(default=dict, blank=True, help_text="how the picture was turned, magnified and moved")
    input_summary = models.JSONField(default=dict, blank=True, help_text="mean and scatter of the pixels, by band")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["galaxy", "model"], name="prediction_by_galaxy"),
            models.Index(fields=["model", "-created_at"], name="prediction_by_model"),
            models.Index(fields=["created_at"], name="prediction_of_strangers", condition=~Q(origin="bulk")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(inclination_deg__isnull=True) | Q(inclination_deg__gte=0, inclination_deg__lte=90),
                name="prediction_inclination_range",
            ),
            models.CheckConstraint(
                condition=Q(rejection__isnull=True) | Q(rejection__gte=0, rejection__lte=1),
                name="prediction_rejection_range",
            ),
            models.CheckConstraint(
                condition=Q(sigma_deg__isnull=True) | Q(sigma_deg__gte=0), name="prediction_sigma_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"prediction {self.pk}"
