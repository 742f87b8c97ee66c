"""The user: an e-mail to log in with, a random volunteer number as the only public identity, a role."""

import secrets
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower, Now

FIRST_NUMBER, LAST_NUMBER = 100_000, 999_999_999


def random_volunteer_number() -> int:
    """A number that tells nothing about who or when; nine digits make a collision rarer than a full disk."""
    return FIRST_NUMBER + secrets.randbelow(LAST_NUMBER - FIRST_NUMBER + 1)


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str | None, password: str | None = None, **extra: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower() if email else None, **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> "User":
        return self.create_user(email, password, **{"role": User.Role.STAFF, "is_superuser": True, **extra})


class User(AbstractBaseUser, PermissionsMixin):
    class Role(models.TextChoices):
        VOLUNTEER = "volunteer", "volunteer"
        SUPERVISOR = "supervisor", "supervisor"
        STAFF = "staff", "staff"

    email = models.EmailField(null=True, blank=True, help_text="private; imported volunteers have none")
    volunteer_number = models.BigIntegerField(unique=True, default=random_volunteer_number, editable=False)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VOLUNTEER)
    supervisor_rank = models.PositiveSmallIntegerField(
        default=0, help_text="the higher rank's verdict stands; 0 where no supervisor"
    )
    is_active = models.BooleanField(default=True)
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

    @property
    def public_name(self) -> str:
        return f"v{self.volunteer_number}"

    @property
    def is_staff(self) -> bool:
        return self.is_active and self.role == self.Role.STAFF
