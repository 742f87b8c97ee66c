"""Who may do what on the staff pages: the role says it, no groups and no per-user permissions.

Superusers may do everything. Staff may see and change what the labelling needs, but no one's role: only a superuser
hands out roles, and nobody changes their own (giz/accounts/admin.py).
"""

from typing import Any

from django.contrib.auth.backends import BaseBackend

STAFF_APPS = frozenset(
    {"core", "accounts", "catalog", "standards", "labeling", "training", "inference", "django_celery_beat"}
)
SUPERUSER_ONLY = frozenset({"accounts.add_user", "accounts.delete_user"})


class StaffRoleBackend(BaseBackend):
    """Grants staff the models of STAFF_APPS. It logs nobody in."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        app_label = perm.partition(".")[0]
        return bool(user_obj.is_active and user_obj.is_staff) and app_label in STAFF_APPS and perm not in SUPERUSER_ONLY

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return bool(user_obj.is_active and user_obj.is_staff) and app_label in STAFF_APPS
