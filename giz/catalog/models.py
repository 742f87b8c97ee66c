"""Galaxies, their pictures, and, separately, the truth about synthetic ones."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Func, Value
from django.db.models.functions import Now, Upper

from giz.catalog.formats.identifiers import SCHEME_PATTERN
from giz.catalog.formats.numbers import number_in_words

# Between the letters of a catalogue and its number: blanks of any kind, and leading zeros.
_BLANKS, _NOUGHTS = r"[\s\u00a0\u2009\u202f]+", r"^(NGC|IC|UGC|PGC|LEDA|M)0+(?=[1-9])"


def plain_name(name: Any) -> Func:
    """Return a name for comparison, in SQL: without blanks, in capitals, "NGC0891" as NGC891. It has an index."""
    unblanked = Func(name, Value(_BLANKS), Value(""), Value("g"), function="REGEXP_REPLACE")
    return Func(
        Upper(unblanked),
        Value(_NOUGHTS),
        Value(r"\1"),
        function="REGEXP_REPLACE",
        output_field=models.CharField(),
    )


class Galaxy(models.Model):
    """A catalogue entry; ``pgc`` is its number for good: in the Principal Galaxies Catalogue, or one of ours.

    Synthetic galaxies count from 90,000,001. A galaxy without a PGC number has 15 digits, which follow from its first
    identifier (`giz.catalog.formats.identifiers.Identifier.number`).
    """

    pgc = models.BigIntegerField(unique=True)
    name = models.CharField(max_length=80, blank=True)
    ra_deg = models.FloatField(null=True, blank=True)
    dec_deg = models.FloatField(null=True, blank=True)
    d25_arcsec = models.FloatField(null=True, blank=True, help_text="diameter of the 25 mag/arcsec² isophote")
    axial_ratio = models.FloatField(null=True, blank=True, help_text="b/a, 0 to 1")
    position_angle_deg = models.FloatField(null=True, blank=True, help_text="north through east")
    morphological_type = models.CharField(max_length=40, blank=True)
    type_code = models.FloatField(null=True, blank=True, help_text="de Vaucouleurs numerical type")
    is_synthetic = models.BooleanField(default=False)
    extra = models.JSONField(default=dict, blank=True, help_text="further columns of the imported table, as they were")
    source = models.CharField(max_length=120, blank=True, help_text="file or survey that the entry came from")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "galaxies"
        ordering = ["pgc"]
        indexes = [
            models.Index(plain_name("name"), "pgc", name="galaxy_by_plain_name"),
            models.Index(fields=["dec_deg"], name="galaxy_by_declination"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(pgc__gt=0), name="galaxy_pgc_positive"),
            models.CheckConstraint(
                condition=models.Q(ra_deg__isnull=True) | models.Q(ra_deg__gte=0, ra_deg__lt=360),
                name="galaxy_ra_range",
            ),
            models.CheckConstraint(
                condition=models.Q(dec_deg__isnull=True) | models.Q(dec_deg__gte=-90, dec_deg__lte=90),
                name="galaxy_dec_range",
            ),
        ]

    def __str__(self) -> str:
        return self.name or number_in_words(self.pgc)


class GalaxyIdentifier(models.Model):
    """The name of a galaxy in a catalogue other than PGC: ``ls-dr10``, ``9011-123-45``. Each names one galaxy."""

    galaxy = models.ForeignKey(Galaxy, on_delete=models.CASCADE, related_name="identifiers")
    scheme = models.CharField(max_length=30, help_text="the catalogue, in small letters")
    value = models.CharField(max_length=100)
    source = models.CharField(max_length=120, blank=True, help_text="the table that it came from")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["value"], name="identifier_by_value")]
        constraints = [
            models.UniqueConstraint(fields=["scheme", "value"], name="identifier_names_one_galaxy"),
            # The PGC number is Galaxy.pgc; it must not be said twice.
            models.CheckConstraint(
                condition=models.Q(scheme__regex=SCHEME_PATTERN) & ~models.Q(scheme="pgc"), name="identifier_scheme"
            ),
            models.CheckConstraint(condition=models.Q(value__regex=r"^\S{1,100}$"), name="identifier_value"),
        ]

    def __str__(self) -> str:
        return f"{self.scheme}:{self.value}"


class GalaxyRevision(models.Model):
    """The changes of a known galaxy by one import: each column's value before and after."""

    galaxy = models.ForeignKey(Galaxy, on_delete=models.CASCADE, related_name="revisions")
    source = models.CharField(max_length=120, help_text="the table that changed it")
    source_before = models.CharField(max_length=120, blank=True)
    changes = models.JSONField(help_text="column: [before, after]")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.galaxy} changed by {self.source}"


class GalaxyShape(models.Model):
    """The ellipse measured on a galaxy's grey picture; lengths in units of its side, rows and angle downwards."""

    galaxy = models.OneToOneField(Galaxy, on_delete=models.CASCADE, related_name="shape")
    stem = models.CharField(max_length=40, help_text="the picture that was measured")
    band = models.CharField(max_length=3)
    rule = models.CharField(max_length=20, help_text="version of the way to measure")
    problem = models.CharField(max_length=200, blank=True, help_text="why there is no ellipse")
    x = models.FloatField(null=True, blank=True)
    y = models.FloatField(null=True, blank=True)
    semi_major = models.FloatField(null=True, blank=True)
    axial_ratio = models.FloatField(null=True, blank=True)
    axial_ratio_error = models.FloatField(null=True, blank=True)
    angle_deg = models.FloatField(null=True, blank=True, help_text="of the major axis, clockwise from level")
    angle_error_deg = models.FloatField(null=True, blank=True)
    is_cut = models.BooleanField(default=False, help_text="the isophote runs out of the picture")
    measured_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(axial_ratio__isnull=True) | models.Q(axial_ratio__gt=0, axial_ratio__lte=1),
                name="shape_axial_ratio_range",
            )
        ]

    def __str__(self) -> str:
        return f"shape of {self.galaxy}"


class SyntheticTruth(models.Model):
    """The truth about a synthetic galaxy. No API or export for volunteers reads this table."""

    galaxy = models.OneToOneField(Galaxy, on_delete=models.CASCADE, related_name="truth")
    inclination_deg = models.FloatField(
        null=True, blank=True, help_text="empty for a galaxy that has none (elliptical)"
    )
    reject_reason = models.CharField(max_length=20, blank=True)
    galaxy_type = models.CharField(max_length=10)
    seed = models.BigIntegerField()
    parameters = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return f"truth of {self.galaxy}"


class Band(models.TextChoices):
    COLOUR = "gri", "colour"
    G = "g", "g"
    R = "r", "r"
    I = "i", "i"  # noqa: E741 - the band's name


class GalaxyImage(models.Model):
    """The display files of one galaxy in one band: ``<stem>-<size>.webp`` under MEDIA_ROOT, immutable."""

    galaxy = models.ForeignKey(Galaxy, on_delete=models.CASCADE, related_name="images")
    band = models.CharField(max_length=3, choices=Band.choices)
    stem = models.CharField(max_length=40, help_text="two-letter folder and hash of content and pipeline version")
    sizes_px = ArrayField(models.PositiveSmallIntegerField())
    content_sha256 = models.CharField(max_length=64, help_text="of the file that the picture was made from")
    origin = models.CharField(max_length=30, help_text="field name variant or pipeline: file, sdss, synthetic, ...")
    source_name = models.CharField(max_length=120, blank=True)
    source_width_px = models.PositiveIntegerField()
    source_height_px = models.PositiveIntegerField()
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["galaxy", "band"], condition=models.Q(is_current=True), name="image_one_current_a_band"
            )
        ]

    def __str__(self) -> str:
        return f"{self.galaxy} {self.band}"


class RealismTrial(models.Model):
    """A picture that somebody on the staff called real or synthetic without being told. The key is random.

    The site only keeps these answers, for the person's own data; the quiz itself is in the laboratory (decision 35).
    """

    class Kind(models.TextChoices):
        REAL = "real"
        SYNTHETIC = "synthetic"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    image = models.ForeignKey(GalaxyImage, on_delete=models.CASCADE, related_name="+")
    truth = models.CharField(max_length=9, choices=Kind.choices)
    said = models.CharField(max_length=9, choices=Kind.choices, blank=True, help_text="empty: not answered yet")
    is_counted = models.BooleanField(default=False, help_text="its round is over, and its person was told")
    shown_at = models.DateTimeField(db_default=Now(), editable=False)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-answered_at"]
        constraints = [
            models.UniqueConstraint(fields=["person"], condition=models.Q(said=""), name="realism_one_open_a_person"),
            models.CheckConstraint(
                condition=models.Q(said="", answered_at__isnull=True, is_counted=False)
                | (~models.Q(said="") & models.Q(answered_at__isnull=False)),
                name="realism_answer_has_its_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.truth}, called {self.said or 'nothing yet'}"
