"""Staff pages of people and of the schedule. Only superusers see addresses; nobody changes their own role."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.contrib.sites.models import Site
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django_celery_beat import admin as beat_admin
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule

from giz.accounts.erasure import account_erase
from giz.accounts.models import AccessToken, User
from giz.accounts.staff import email_address_add
from giz.accounts.tokens import token_revoke, tokens_end
from giz.core import audit
from giz.core.staff_admin import HistoryAdmin, PostButton, StaffAdmin, column, row_link

PRIVILEGES = ("role", "supervisor_rank", "is_superuser")
PRIVATE = ("email",)
FILTERED = ("role", "is_active", "import_source", "date_joined")


def press_erase(request: HttpRequest, user: User) -> str:
    shell = account_erase(user=user, actor=request.user)  # type: ignore[arg-type]
    return f"The account has been erased. Its votes are kept, now under the number {shell.public_name}."


@admin.register(User)
class UserAdmin(StaffAdmin):
    post_buttons = (
        PostButton(
            "erase",
            "Erase this account",
            press_erase,
            is_shown=lambda user: not user.is_superuser and (user.is_active or bool(user.email or user.import_source)),
            tone="danger",
            confirm="Permanently deletes the address, password, settings, sessions and remarks; votes are kept under "
            "a new number. Do this only if the account's owner asked for it, and you have verified who is asking.",
        ),
    )
    list_display = ("public_name", "role_label", "supervisor_rank", "is_active", "import_source", "date_joined")
    list_filter = FILTERED
    search_fields = ("=volunteer_number", "import_name")
    search_help_text = (
        "A volunteer number, with or without its v; superusers can also search by the complete e-mail address."
    )
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
        """Refuse (403) a posted field that this person may not change, instead of ignoring it."""
        if request.method == "POST":
            obj = self.get_object(request, object_id)
            forbidden = set(self.get_readonly_fields(request, obj)) & {*PRIVILEGES, *PRIVATE, "is_active"}
            tried = (forbidden | {"password", "groups", "user_permissions", "is_staff"}) & set(request.POST)
            if obj is not None and tried:
                audit.record("privilege_refused", actor=request.user, subject=obj.public_name, tried=sorted(tried))
                raise PermissionDenied
        return super().change_view(request, object_id, *args, **kwargs)

    def _may_press(self, request: HttpRequest, row: Any) -> bool:
        return bool(request.user.is_superuser) and super()._may_press(request, row)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.email = User.objects.normalize_email(obj.email).lower() if obj.email else None
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        if not obj.is_active:
            tokens_end(owner=obj, actor=request.user)  # type: ignore[arg-type]
        if not change:
            email_address_add(obj)
            if obj.email:
                get_adapter(request).send_invitation(obj)
                messages.info(request, "They will get an e-mail with a link to choose a password.")

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
        """Refuse filters on private columns, which would reveal them letter by letter. The dashboard links to people
        who voted in a campaign or since a day.
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


def press_revoke(request: HttpRequest, token: AccessToken) -> str:
    token_revoke(token=token, actor=request.user)  # type: ignore[arg-type]
    return f"The token {token} no longer opens anything."


@admin.register(AccessToken)
class AccessTokenAdmin(HistoryAdmin):
    """Staff see whose programs use the site; superusers can revoke their tokens. The hash is not shown."""

    post_buttons = (PostButton("revoke", "Revoke", press_revoke, lambda token: token.revoked_at is None, "danger"),)
    list_display = ("prefix", "owner_link", "title", "scopes_text", "state_label", "last_used_on", "expires_at")
    list_filter = ("expires_at", "last_used_on")
    search_fields = ("prefix", "title", "=owner__volunteer_number")
    list_select_related = ("owner",)
    ordering = ("-id",)
    fields = (
        *("prefix", "owner_link", "title", "scopes_text", "state_label"),
        *("created_at", "last_used_on", "expires_at", "revoked_at"),
    )
    readonly_fields = ("owner_link", "scopes_text", "state_label", "created_at")

    def _may_press(self, request: HttpRequest, row: Any) -> bool:
        return bool(request.user.is_superuser) and super()._may_press(request, row)

    @column("owner", ordering="owner__volunteer_number")
    def owner_link(self, token: AccessToken) -> str:
        return row_link(token.owner, token.owner.public_name)

    @column("scopes")
    def scopes_text(self, token: AccessToken) -> str:
        return ", ".join(token.scopes)

    @column("state", label={"valid": "success", "expired": "warning", "revoked": "danger"})
    def state_label(self, token: AccessToken) -> str:
        return token.state


# Models with addresses or secrets, or without use here.
for model in (EmailAddress, Authenticator, Group, Site):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class ScheduledAdmin(StaffAdmin):
    """The schedule of django-celery-beat: staff can look, superusers can change it; each change is audited.

    The tasks in the settings (which free expired leases and resume jobs of dead workers, for example) and their
    intervals can't be changed or deleted here.
    """

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and self.is_needed(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = request.user.has_perm(f"{self.opts.app_label}.delete_{self.opts.model_name}")
        return bool(may) and not (obj and self.is_needed(obj))

    def is_needed(self, obj: Any) -> bool:
        return bool(obj.periodictask_set.filter(name__in=settings.CELERY_BEAT_SCHEDULE).exists())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.save()
        self.note(request, "schedule_changed" if change else "schedule_added", obj, changed=sorted(form.changed_data))

    def note(self, request: HttpRequest, action: str, obj: Any, **detail: Any) -> None:
        super().note(request, action.replace("staff_", "schedule_"), obj, schedule=str(obj)[:200], **detail)


class PeriodicTaskStaffAdmin(ScheduledAdmin, beat_admin.PeriodicTaskAdmin):  # type: ignore[misc]
    actions = ("enable_tasks", "disable_tasks", "toggle_tasks", "run_tasks")

    def is_needed(self, obj: Any) -> bool:
        return obj.name in settings.CELERY_BEAT_SCHEDULE

    @admin.action(description="Switch on", permissions=["change"])
    def enable_tasks(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        self._noted(request, queryset, "schedule_enabled")
        super().enable_tasks(request, queryset)

    @admin.action(description="Switch off", permissions=["change"])
    def disable_tasks(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        chosen = self._without_needed(request, queryset)
        self._noted(request, chosen, "schedule_disabled")
        super().disable_tasks(request, chosen)

    @admin.action(description="Switch the selected ones on or off", permissions=["change"])
    def toggle_tasks(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        chosen = self._without_needed(request, queryset)
        self._noted(request, chosen, "schedule_toggled")
        super().toggle_tasks(request, chosen)

    @admin.action(description="Run now", permissions=["change"])
    def run_tasks(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        self._noted(request, queryset, "schedule_run")
        super().run_tasks(request, queryset)

    def _noted(self, request: HttpRequest, queryset: QuerySet[PeriodicTask], action: str) -> None:
        for task in queryset:
            self.note(request, action, task, was_enabled=task.enabled)

    def _without_needed(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> QuerySet[PeriodicTask]:
        needed = list(queryset.filter(name__in=settings.CELERY_BEAT_SCHEDULE).values_list("name", flat=True))
        if needed:
            self.message_user(
                request, f"Not changed, because the site needs these: {', '.join(needed)}.", messages.ERROR
            )
        # By key, because the change itself must not alter the selection.
        others = queryset.exclude(name__in=settings.CELERY_BEAT_SCHEDULE)
        found: QuerySet[PeriodicTask] = PeriodicTask.objects.filter(pk__in=list(others.values_list("pk", flat=True)))
        return found


for model, page in (
    (ClockedSchedule, type("ClockedScheduleStaffAdmin", (ScheduledAdmin, beat_admin.ClockedScheduleAdmin), {})),
    (CrontabSchedule, type("CrontabScheduleStaffAdmin", (ScheduledAdmin, beat_admin.CrontabScheduleAdmin), {})),
    (IntervalSchedule, type("IntervalScheduleStaffAdmin", (ScheduledAdmin, beat_admin.ScheduleAdmin), {})),
    (SolarSchedule, type("SolarScheduleStaffAdmin", (ScheduledAdmin, beat_admin.ScheduleAdmin), {})),
    (PeriodicTask, PeriodicTaskStaffAdmin),
):
    if admin.site.is_registered(model):
        admin.site.unregister(model)
    admin.site.register(model, page)
