"""Permissions on the staff pages follow from the role; there are no groups and no per-user permissions.

Superusers may do everything. Staff may see and change what the labelling needs, but no roles: only superusers assign
roles, and nobody changes their own (giz/accounts/admin.py).
"""

from typing import Any

from django.contrib.auth.backends import BaseBackend

STAFF_APPS = frozenset(
    {"core", "accounts", "catalog", "texts", "standards", "labeling", "training", "inference", "django_celery_beat"}
)
# Whoever can change the schedule can run any task with any arguments.
SUPERUSER_ONLY = frozenset(
    {
        *("accounts.add_user", "accounts.delete_user"),
        *(
            f"django_celery_beat.{verb}_{model}"
            for verb in ("add", "change", "delete")
            for model in (
                *("periodictask", "periodictasks", "intervalschedule", "crontabschedule"),
                *("clockedschedule", "solarschedule"),
            )
        ),
    }
)


class StaffRoleBackend(BaseBackend):
    """Grants staff the models of STAFF_APPS; it authenticates nobody."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        app_label = perm.partition(".")[0]
        return bool(user_obj.is_active and user_obj.is_staff) and app_label in STAFF_APPS and perm not in SUPERUSER_ONLY

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return bool(user_obj.is_active and user_obj.is_staff) and app_label in STAFF_APPS
