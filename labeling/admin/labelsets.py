"""Read-only staff pages of label sets, with a download."""

import json

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from giz.core import audit
from giz.core.staff_admin import HistoryAdmin, column
from giz.labelset.archives import tar_blocks, tar_bytes
from labeling.models import LabelSet
from labeling.services.labelsets import labelset_root


@admin.register(LabelSet)
class LabelSetAdmin(HistoryAdmin):
    list_display = ("name", "campaign", "galaxy_count", "size_px", "megabytes", "created_at", "download_link")
    list_filter = ("campaign", "estimator", "created_at")
    search_fields = ("name", "=digest")
    list_select_related = ("campaign",)
    fieldsets = (
        (None, {"fields": ("name", "campaign", "created_at", "download_link")}),
        ("Contents", {"fields": ("galaxy_count", "size_px", "megabytes", "counts")}),
        ("Origin", {"fields": ("estimator", "as_of", "digest", "versions")}),
    )
    readonly_fields = ("megabytes", "download_link", "counts", "versions")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.download_view)
        return [path("<int:pk>/download/", view, name="labeling_labelset_download"), *super().get_urls()]

    def download_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Stream the whole folder as a tar file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        labelset = get_object_or_404(LabelSet, pk=pk)
        folder = labelset_root() / labelset.name
        if not folder.is_dir():
            raise Http404
        audit.record("label_set_downloaded", actor=request.user, subject=labelset.name)
        answer = StreamingHttpResponse(tar_blocks(folder), content_type="application/x-tar")
        answer.headers["Content-Length"] = str(tar_bytes(folder))
        answer.headers["Content-Disposition"] = f'attachment; filename="{labelset.name}.tar"'
        return answer

    @column("MB", ordering="byte_count")
    def megabytes(self, labelset: LabelSet) -> str:
        return f"{labelset.byte_count / 1e6:,.1f}"

    @column("download")
    def download_link(self, labelset: LabelSet) -> str:
        address = reverse("admin:labeling_labelset_download", args=[labelset.pk])
        return format_html('<a href="{}" class="text-primary-600 dark:text-primary-500">tar</a>', address)

    @column("counts")
    def counts(self, labelset: LabelSet) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in labelset.manifest["counts"].items())

    @column("versions")
    def versions(self, labelset: LabelSet) -> str:
        return json.dumps(labelset.manifest["versions"], ensure_ascii=False)
