"""Staff pages of texts: every version with who wrote it and what changed, an editor with preview, and pictures."""

import difflib
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.validators import RegexValidator
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from giz.core.errors import Refused
from giz.core.staff_admin import HistoryAdmin, PostButton, StaffAdmin, column, row_link, text_block
from giz.texts.markup import title_of
from giz.texts.models import FIELD_GUIDE, MAX_LETTERS, NAME, TextPicture, TextVersion
from giz.texts.selectors import page_html, text_in_use
from giz.texts.services import picture_store, text_write

MAX_PICTURE_BYTES = 5_000_000


def edit_address(name: str) -> str:
    """Return the address of the page on which staff edit a text."""
    return reverse("admin:texts_edit", args=[name])


def press_restore(request: HttpRequest, version: TextVersion) -> str:
    newest = text_in_use(version.name)
    after = newest.number if newest else 0
    made = text_write(name=version.name, markdown=version.markdown, after=after, author=request.user)
    return f"Version {version.number} is in use again, as version {made.number}."


class TextForm(forms.Form):
    markdown = forms.CharField(
        label="Text (Markdown)",
        strip=False,
        max_length=MAX_LETTERS,
        widget=forms.Textarea(attrs={"rows": 28, "spellcheck": "true"}),
    )
    after = forms.IntegerField(widget=forms.HiddenInput)


class VersionFilter(admin.SimpleListFilter):
    """The versions in use, or all of them."""

    title = "versions"
    parameter_name = "versions"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("in_use", "in use"), ("earlier", "earlier ones")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[TextVersion]) -> QuerySet[TextVersion]:
        newer = Exists(TextVersion.objects.filter(name=OuterRef("name"), number__gt=OuterRef("number")))
        return {"in_use": queryset.filter(~newer), "earlier": queryset.filter(newer)}.get(self.value() or "", queryset)


@admin.register(TextVersion)
class TextVersionAdmin(HistoryAdmin):
    list_display = ("name", "title", "number", "written_by", "created_at", "edit_link")
    list_filter = (VersionFilter, "is_built_in", "created_at")
    search_fields = ("name", "title", "markdown", "=author__volunteer_number")
    list_select_related = ("author",)
    ordering = ("name", "-number")
    fields = ("name", "number", "title", "written_by", "created_at", "edit_link", "changes", "text")
    readonly_fields = fields
    post_buttons: ClassVar[tuple[PostButton, ...]] = (PostButton("restore", "Use this version again", press_restore),)

    def get_urls(self) -> list[URLPattern]:
        guard = self.admin_site.admin_view
        return [
            path("edit/<path:name>/", guard(self.edit_view), name="texts_edit"),
            path("preview/", guard(self.preview_view), name="texts_preview"),
            *super().get_urls(),
        ]

    def edit_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Edit the text in use; saving adds a version. A campaign's guide begins as a copy of the common one."""
        self._check(request)
        try:
            RegexValidator(NAME)(name)
        except forms.ValidationError:
            raise Http404 from None
        newest = text_in_use(name)
        start = newest or text_in_use(FIELD_GUIDE)
        initial = {"markdown": start.markdown if start else "", "after": newest.number if newest else 0}
        form = TextForm(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            try:
                made = text_write(name=name, author=request.user, **form.cleaned_data)
            except Refused as error:
                form.add_error("markdown", error.detail)
            else:
                messages.success(request, f"{made.title} is in use in version {made.number}.")
                return HttpResponseRedirect(reverse("admin:texts_textversion_changelist") + "?versions=in_use")
        context = {**self.admin_site.each_context(request), "form": form, "name": name, "newest": newest}
        context["title"] = f"Edit: {start.title if start else name}"
        return render(request, "texts/edit.html", context, status=400 if form.errors else 200)

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """Show the text of the editor as its page would look, without saving it."""
        self._check(request)
        form = TextForm(request.POST)
        if not form.is_valid():
            raise Http404
        markdown = form.cleaned_data["markdown"]
        context = {"title": title_of(markdown) or "Preview", "html": page_html(markdown), "is_preview": True}
        return render(request, "texts/page.html", context)

    def _check(self, request: HttpRequest) -> None:
        if not request.user.has_perm("texts.change_textversion"):
            raise PermissionDenied

    @column("written by", ordering="author")
    def written_by(self, version: TextVersion) -> str:
        return version.author.public_name if version.author else "came with GIZ"

    @column("edit")
    def edit_link(self, version: TextVersion) -> str:
        return format_html(
            '<a href="{}" class="text-primary-600 dark:text-primary-500">Edit this text</a>', edit_address(version.name)
        )

    @column("changes")
    def changes(self, version: TextVersion) -> str:
        before = TextVersion.objects.filter(name=version.name, number=version.number - 1).first()
        if before is None:
            return "This is the first version."
        lines = difflib.unified_diff(before.markdown.splitlines(), version.markdown.splitlines(), lineterm="", n=1)
        return text_block("\n".join(list(lines)[2:]))

    @column("text")
    def text(self, version: TextVersion) -> str:
        return text_block(version.markdown)


class PictureForm(forms.ModelForm):  # type: ignore[type-arg]
    """Takes a file, which `picture_store` decodes in a separate process; a subclass sets the author."""

    author: Any = None
    file = forms.FileField(
        label="PNG or JPEG file", help_text="at most 5 MB; it is made square and shown with at most 512 pixels a side"
    )

    class Meta:
        model = TextPicture
        fields = ("description",)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_PICTURE_BYTES:
            raise forms.ValidationError("The file is larger than 5 MB.", code="image_too_large")
        return file

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if {"file", "description"} <= cleaned.keys():
            try:
                self.instance = picture_store(
                    data=cleaned["file"].read(), description=cleaned["description"], author=self.author
                )
            except Refused as error:
                self.add_error("file", forms.ValidationError(error.detail, code=error.code))
        return cleaned


@admin.register(TextPicture)
class TextPictureAdmin(StaffAdmin):
    list_display = ("picture", "description", "in_markdown", "author", "created_at")
    search_fields = ("description", "=author__volunteer_number")
    list_select_related = ("author",)
    fields = ("picture", "in_markdown", "description", "uploader", "created_at")
    readonly_fields = fields

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields if obj else ("description", "file")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.readonly_fields if obj else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj:
            return super().get_form(request, obj, change, **kwargs)
        return type("PictureForm", (PictureForm,), {"author": request.user})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Do nothing: `PictureForm` has stored the picture."""

    @column("picture")
    def picture(self, picture: TextPicture) -> str:
        return format_html(
            '<img class="staff-thumbnail" src="{}" alt="{}" width="96" height="96" loading="lazy">',
            picture.address,
            picture.description,
        )

    @column("in a text, write")
    def in_markdown(self, picture: TextPicture) -> str:
        return text_block(f'![{picture.description}]({picture.address} "caption")')

    @column("uploaded by")
    def uploader(self, picture: TextPicture) -> str:
        return row_link(picture.author, picture.author.public_name)
