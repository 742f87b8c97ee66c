"""All addresses: API, accounts, staff, media, health, and the single-page app for the rest."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django_prometheus.exports import ExportToDjangoView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.permissions import AllowAny

from giz.core import views

handler400 = "giz.core.views.bad_request"
handler429 = "giz.accounts.views.too_many_requests"
handler500 = "giz.core.views.server_error"

api: list[URLPattern | URLResolver] = [
    path("", include("labeling.urls")),
    path("", include("standards.urls")),
    path("", include("giz.inference.urls")),
    path("", include("giz.training.urls")),
    path("schema/", SpectacularAPIView.as_view(permission_classes=[AllowAny]), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="schema", permission_classes=[AllowAny]), name="docs"),
    re_path("", views.api_not_found),
]

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", admin.site.admin_view(ExportToDjangoView), name="metrics"),
    path("api/v1/", include(api)),
    path("", include("giz.inference.original_urls")),
    path("media/", include("giz.catalog.urls")),
    path("accounts/", include("allauth.urls")),
    path("staff/dashboard/", include("giz.dashboard.urls")),
    path("staff/", admin.site.urls),
    path("", views.single_page_app, name="home"),
    path("label/<slug:campaign>", views.single_page_app, name="label"),
    path("predict", views.single_page_app, name="predict"),
    path("predict/pgc/<int:pgc>", views.single_page_app, name="predict-page-pgc"),
    path("judge/<uuid:source_id>", views.single_page_app, name="judge"),
    path("me", views.single_page_app, name="me"),
]
