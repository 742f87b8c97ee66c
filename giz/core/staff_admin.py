"""The base of every staff page of a model: read-only history, buttons that post, an audit event for each change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar, cast

from django.contrib import messages
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import PermissionDenied
from django.db import DataError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.decorators import display

from giz.core import audit
from giz.core.errors import Refused

_PRIVATE_FIELDS = {"email", "password"}
_Method = TypeVar("_Method", bound=Callable[..., Any])


def column(
    description: str, *, ordering: str | None = None, label: dict[str, str] | None = None
) -> Callable[[_Method], _Method]:
    """Declare a computed column; ``label`` gives each of its values a colour."""
    return cast("Callable[[_Method], _Method]", display(description=description, ordering=ordering, label=label))


@dataclass(frozen=True)
class PostButton:
    """A button on the page of a row. It posts, because a link must change nothing; ``run`` returns a message.

    A button with ``confirm``, which explains the consequences, must be pressed twice.
    """

    name: str
    label: str
    run: Callable[[HttpRequest, Any], str]
    is_shown: Callable[[Any], bool] = lambda _row: True
    tone: str = "default"
    confirm: str = ""


class StaffAdmin(ModelAdmin):  # type: ignore[misc]
    """A model that staff may change. Only changed columns are saved, so that no counter is overwritten."""

    list_filter_submit = True
    list_fullwidth = True
    warn_unsaved_form = True
    show_full_result_count = False
    list_per_page = 50
    post_buttons: ClassVar[Sequence[PostButton]] = ()
    change_form_outer_before_template = "staff/post_buttons.html"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: nothing that labels are based on is deleted by hand."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.save()
            self.note(request, "staff_added", obj)
            return
        columns = [name for name in form.changed_data if obj._meta.get_field(name).concrete]
        if columns:
            obj.save(update_fields=columns)
            self.note(request, "staff_changed", obj, **_before_and_after(form, columns))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.note(request, "staff_deleted", obj)
        obj.delete()

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for obj in queryset:
            self.delete_model(request, obj)

    def note(self, request: HttpRequest, action: str, obj: Any, **detail: Any) -> None:
        audit.record(action, actor=request.user, subject=f"{obj._meta.label_lower} {obj.pk}", **detail)

    # --- lists -------------------------------------------------------------------------------------------------
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Treat a filter that the database can't read as Django treats an invalid one, not as an error."""
        try:
            with transaction.atomic():
                if any("\x00" in value for values in request.GET.lists() for value in (values[0], *values[1])):
                    raise ValueError("a NUL character is not text")
                answer: HttpResponse = super().changelist_view(request, extra_context)
                return answer
        except (DataError, ValueError, OverflowError):
            if not request.GET or ERROR_FLAG in request.GET:
                raise
            return HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")

    # --- buttons -----------------------------------------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_press"
        press = path("<path:object_id>/press/<slug:button>/", self.admin_site.admin_view(self.press_view), name=name)
        urls: list[URLPattern] = [press, *super().get_urls()]
        return urls

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        extra = dict(kwargs.pop("extra_context", None) or {})
        row = self.get_object(request, object_id)
        if row is not None and self.post_buttons and self._may_press(request, row):
            name = f"admin:{self.opts.app_label}_{self.opts.model_name}_press"
            extra["post_buttons"] = [
                {"button": button, "url": reverse(name, args=[object_id, button.name])}
                for button in self.post_buttons
                if button.is_shown(row)
            ]
        response: HttpResponse = super().change_view(request, object_id, *args, extra_context=extra, **kwargs)
        return response

    def press_view(self, request: HttpRequest, object_id: str, button: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        if not self._may_press(request, row):
            raise PermissionDenied
        chosen = next((one for one in self.post_buttons if one.name == button), None)
        if chosen is None:
            raise Http404
        try:
            messages.success(request, chosen.run(request, row))
        except Refused as error:
            messages.error(request, error.detail)
        address = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[object_id])
        return HttpResponseRedirect(address)

    def _may_press(self, request: HttpRequest, row: Any) -> bool:
        return bool(self.has_view_permission(request, row)) and bool(
            request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")
        )


class HistoryAdmin(StaffAdmin):
    """A model whose rows are history: staff can look; nobody adds, changes or deletes by hand."""

    warn_unsaved_form = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _before_and_after(form: Any, columns: Sequence[str]) -> dict[str, Any]:
    """Return what the audit trail keeps of a change; never an address or a password."""
    return {
        name: "changed"
        if name in _PRIVATE_FIELDS
        else [_short(form.initial.get(name)), _short(form.cleaned_data[name])]
        for name in columns
    }


def _short(value: Any) -> str:
    return str(getattr(value, "pk", value))[:200]


def progress_bar(done: int, total: int, label: str = "") -> str:
    """Return a progress bar for a column of a list, with figures."""
    if not total:
        return label or "–"
    share = min(100, round(100 * done / total))
    text = label or f"{done:,} of {total:,}"
    return format_html(
        '<span class="staff-progress"><progress max="100" value="{}">{} %</progress><span>{}</span></span>',
        share,
        share,
        text,
    )


def text_block(text: str, kind: str = "") -> str:
    """Return preformatted lines (kind `figures` never wraps), focusable by keyboard because the block scrolls."""
    return format_html('<pre class="staff-log {}" tabindex="0">{}</pre>', kind, text)


def row_link(row: Any, text: str = "") -> str:
    """Return a link to the staff page of a row."""
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}" class="text-primary-600 dark:text-primary-500">{}</a>', address, text or str(row))
