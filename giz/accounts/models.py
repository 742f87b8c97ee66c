"""The user (an e-mail to log in with, a random volunteer number as public identity, a role) and what belongs to it."""

import secrets
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils import timezone

from giz.accounts.passwords import MAX_LENGTH
from giz.core.errors import Refused

FIRST_NUMBER, LAST_NUMBER = 100_000, 999_999_999


def random_volunteer_number() -> int:
    """Return a number that reveals neither person nor time; with nine digits two are hardly ever the same."""
    return FIRST_NUMBER + secrets.randbelow(LAST_NUMBER - FIRST_NUMBER + 1)


def plain_address(email: str) -> None:
    """Allow only ASCII, so that look-alike letters (dotless i, full-width, zero-width) make no second account."""
    if not email.isascii():
        raise ValidationError("Please write the address with plain letters, a to z.", code="invalid")


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str | None, password: str | None = None, **extra: Any) -> "User":
        plain_address(email or "")
        user = self.model(email=self.normalize_email(email).lower() if email else None)
        user.set_password(password)
        for name, value in extra.items():
            setattr(user, name, value)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> "User":
        return self.create_user(email, password, **{"role": User.Role.STAFF, "is_superuser": True, **extra})

    def named(self, text: str) -> "User":
        """Return the person with this e-mail address or volunteer number (with or without its v)."""
        text = text.strip()
        number = text[1:] if text[:1] in {"v", "V"} else text
        if "@" in text:
            found = self.filter(email__iexact=text).first()
        else:
            found = (
                self.filter(volunteer_number=int(number)).first() if number.isdecimal() and len(number) < 19 else None
            )
        if found is None:
            raise Refused("no_person", "No account has this address or number.", status=404)
        return found

    def locked(self, user: Any) -> "User":
        """Return the person, locked as erasing locks it; to call in a transaction, before writing what is theirs.

        Raises Refused 401 ``not_authenticated`` if the account has been erased since the request began.
        """
        found = self.select_for_update(no_key=True).filter(pk=user.pk, is_active=True).first()
        if found is None:
            raise Refused("not_authenticated", "This account no longer exists.", status=401)
        return found


class User(AbstractBaseUser, PermissionsMixin):
    class Role(models.TextChoices):
        VOLUNTEER = "volunteer", "volunteer"
        SUPERVISOR = "supervisor", "supervisor"
        STAFF = "staff", "staff"

    email = models.EmailField(
        null=True, blank=True, validators=[plain_address], help_text="private; imported volunteers have none"
    )
    volunteer_number = models.BigIntegerField(unique=True, default=random_volunteer_number, editable=False)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VOLUNTEER)
    supervisor_rank = models.PositiveSmallIntegerField(
        default=0, help_text="the higher rank's verdict stands; 0 where no supervisor"
    )
    is_active = models.BooleanField(default=True)
    has_first_password = models.BooleanField(
        default=False, db_default=False, editable=False, help_text="made by ensure_staff; nobody has chosen another yet"
    )
    preferences = models.JSONField(default=dict, blank=True, help_text="display choices of the comparison page")
    import_source = models.CharField(max_length=60, blank=True, help_text="vote table that this volunteer came from")
    import_name = models.CharField(
        max_length=60,
        blank=True,
        help_text="keyed hash of the volunteer's name in that table; the name itself is never stored",
    )
    date_joined = models.DateTimeField(db_default=Now(), editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_in_any_case"),
            models.UniqueConstraint(
                fields=["import_source", "import_name"],
                condition=~models.Q(import_source=""),
                name="user_imported_once",
            ),
        ]

    def __str__(self) -> str:
        return self.public_name

    def check_password(self, raw_password: str | None) -> bool:
        return len(raw_password or "") <= MAX_LENGTH and super().check_password(raw_password)

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(raw_password)
        self.has_first_password = False

    @property
    def public_name(self) -> str:
        return f"v{self.volunteer_number}"

    @property
    def is_staff(self) -> bool:
        return self.is_active and self.role == self.Role.STAFF


class EmailChange(models.Model):
    """A new address that somebody asked for and has not confirmed yet; until then it has no effect anywhere."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="email_change")
    email = models.EmailField(validators=[plain_address])
    asked_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"e-mail change of {self.user.public_name}"


class AccessToken(models.Model):
    """A secret with which a program acts for its owner, within scopes and until a day; only its hash is stored."""

    class Scope(models.TextChoices):
        """What a token may be used for; the owner must be allowed to do it, too."""

        PREDICT = "predict", "ask the networks, with the limits of your account"
        LABELS = "labels:read", "download labels of campaigns"
        VOTES = "votes:read", "download votes under pseudonyms"
        TRAINING = "training", "start, follow and stop trainings"

    # What only staff may do.
    STAFF_SCOPES: ClassVar[frozenset[str]] = frozenset({Scope.LABELS, Scope.VOTES, Scope.TRAINING})

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="access_tokens")
    title = models.CharField(max_length=60, help_text="what it is for, in the owner's words")
    scopes = ArrayField(models.CharField(max_length=20))
    prefix = models.CharField(max_length=12, unique=True, help_text="its first letters, by which people tell it")
    secret_sha256 = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_on = models.DateField(null=True, blank=True, help_text="day (UTC) of the last request")
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(scopes__len__gt=0), name="token_has_a_scope"),
            models.CheckConstraint(
                condition=models.Q(("secret_sha256__regex", r"^[0-9a-f]{64}$")), name="token_hash_is_whole"
            ),
            models.UniqueConstraint(
                fields=["owner", "title"], condition=models.Q(revoked_at=None), name="token_title_once_a_person"
            ),
        ]

    def __str__(self) -> str:
        return self.prefix

    @property
    def state(self) -> str:
        if self.revoked_at is not None:
            return "revoked"
        return "valid" if self.expires_at > timezone.now() else "expired"
