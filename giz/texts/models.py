"""Versions of the texts that staff can edit, and the pictures that they uploaded for them."""

from django.conf import settings
from django.core.validators import MaxLengthValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

PAGES = ("about", "contact", "privacy", "guide")
# The field guide of all campaigns that have none of their own; that of a campaign is field-guide/NAME.
FIELD_GUIDE = "field-guide"
NAME = rf"^({'|'.join(PAGES)}|{FIELD_GUIDE}(/[-a-zA-Z0-9_]{{1,60}})?)$"
MAX_LETTERS = 60_000


class TextVersion(models.Model):
    """A version of a text, in Markdown. The one with the highest number is in use.

    Versions are only added: a database trigger refuses UPDATE and DELETE, because votes name the version of the field
    guide that their author was offered.
    """

    name = models.CharField("text", max_length=80, validators=[RegexValidator(NAME)])
    number = models.PositiveIntegerField("version")
    markdown = models.TextField(validators=[MaxLengthValidator(MAX_LETTERS)])
    title = models.CharField(max_length=120)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="texts")
    is_built_in = models.BooleanField(default=False, help_text="came with GIZ; a newer GIZ may replace it")
    created_at = models.DateTimeField("written", db_default=Now())

    class Meta:
        verbose_name = "text"
        ordering = ["name", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["name", "number"], name="text_version_once"),
            models.CheckConstraint(condition=Q(name__regex=NAME), name="text_has_known_name"),
            models.CheckConstraint(
                condition=Q(is_built_in=True, author__isnull=True) | Q(is_built_in=False, author__isnull=False),
                name="text_is_built_in_or_has_author",
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="text_numbers_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.name}, version {self.number}"


class TextPicture(models.Model):
    """A picture that staff uploaded for a text; its display files lie with those of galaxies and never change."""

    stem = models.CharField(max_length=40, unique=True, editable=False)
    side_px = models.PositiveSmallIntegerField(editable=False, help_text="of its largest display file")
    description = models.CharField(max_length=200, help_text="what it shows, for people who can't see it")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="text_pictures")
    created_at = models.DateTimeField("uploaded", db_default=Now())

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.description

    @property
    def address(self) -> str:
        return f"/media/{self.stem}-{self.side_px}.webp"
