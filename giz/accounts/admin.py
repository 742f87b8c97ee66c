"""Staff pages of people, and of the schedule. Addresses are for superusers; nobody changes their own role."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.sites.models import Site
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django_celery_beat import admin as beat_admin
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule

from giz.accounts.models import User
from giz.accounts.staff import email_address_add
from giz.core import audit
from giz.core.staff_admin import StaffAdmin, column

PRIVILEGES = ("role", "supervisor_rank", "is_superuser")
PRIVATE = ("email",)
FILTERED = ("role", "is_active", "import_source", "date_joined")


@admin.register(User)
class UserAdmin(StaffAdmin):
    list_display = ("public_name", "role_label", "supervisor_rank", "is_active", "import_source", "date_joined")
    list_filter = FILTERED
    search_fields = ("=volunteer_number", "import_name")
    search_help_text = "A volunteer number, with or without its v; superusers also find people by their whole e-mail."
    ordering = ("-id",)
    readonly_fields = ("public_name", "import_source", "import_name", "last_login", "date_joined")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[tuple[str | None, dict[str, Any]]]:
        if obj is None:
            return [(None, {"fields": ("email", "role", "supervisor_rank")})]
        private = PRIVATE if request.user.is_superuser else ()
        return [
            (None, {"fields": ("public_name", *private, "is_active")}),
            ("Role", {"fields": PRIVILEGES}),
            ("Origin", {"fields": ("import_source", "import_name", "last_login", "date_joined")}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        fixed: tuple[str, ...] = (*self.readonly_fields, "email")
        if not request.user.is_superuser:
            fixed = (*fixed, *PRIVILEGES)
            return (*fixed, "is_active") if obj.is_staff or obj.is_superuser else fixed
        return (*fixed, *PRIVILEGES, "is_active") if obj.pk == request.user.pk else fixed

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """A posted field that this person may not change is refused (403), not silently left out."""
        if request.method == "POST":
            obj = self.get_object(request, object_id)
            forbidden = set(self.get_readonly_fields(request, obj)) & {*PRIVILEGES, *PRIVATE, "is_active"}
            tried = (forbidden | {"password", "groups", "user_permissions", "is_staff"}) & set(request.POST)
            if obj is not None and tried:
                audit.record("privilege_refused", actor=request.user, subject=obj.public_name, tried=sorted(tried))
                raise PermissionDenied
        return super().change_view(request, object_id, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.email = User.objects.normalize_email(obj.email).lower() if obj.email else None
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        if not change:
            email_address_add(obj)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        term = search_term.strip()
        if term[:1] in {"v", "V"} and term[1:].isdigit():
            term = term[1:]
        found, may_repeat = super().get_search_results(request, queryset, term)
        if request.user.is_superuser and "@" in term:
            found = queryset.filter(Q(email__iexact=term) | Q(pk__in=found.values("pk")))
        return found, may_repeat

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """No filter on private columns: letter by letter it would spell out what is not shown. The dashboard links
        to those who voted in a campaign or since a day.
        """
        if lookup in {"votes__target__campaign__id__exact", "votes__created_at__gte"}:
            return True
        return lookup.split("__")[0] in FILTERED and bool(super().lookup_allowed(lookup, value, request))

    @column("volunteer", ordering="volunteer_number")
    def public_name(self, user: User) -> str:
        return user.public_name

    @column("role", ordering="role", label={"supervisor": "info", "staff": "warning"})
    def role_label(self, user: User) -> str:
        return user.role


# Rows that hold addresses or secrets, or that this site has no use for.
for model in (EmailAddress, Authenticator, Group, Site):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class ScheduledAdmin(StaffAdmin):
    """The schedule of django-celery-beat: staff may change and delete its rows."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm(f"{self.opts.app_label}.delete_{self.opts.model_name}"))


for model, base in (
    (ClockedSchedule, beat_admin.ClockedScheduleAdmin),
    (CrontabSchedule, beat_admin.CrontabScheduleAdmin),
    (IntervalSchedule, beat_admin.ScheduleAdmin),
    (SolarSchedule, beat_admin.ScheduleAdmin),
    (PeriodicTask, beat_admin.PeriodicTaskAdmin),
):
    if admin.site.is_registered(model):
        admin.site.unregister(model)
    admin.site.register(model, type(f"{model.__name__}StaffAdmin", (ScheduledAdmin, base), {}))
