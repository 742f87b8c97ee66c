"""All addresses: API, accounts, staff, media, health, and the single-page app for the rest."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django_prometheus.exports import ExportToDjangoView
from drf_spectacular.views import SpectacularSwaggerView
from rest_framework.permissions import AllowAny

from giz.accounts import views as account_views
from giz.accounts.api import EraseView, OwnDataView
from giz.catalog.views import display_file
from giz.core import views
from giz.texts import views as text_views
from giz.texts.api import FieldGuideView
from giz.texts.models import PAGES
from labeling import views as labeling_views
from labeling.practice import picture_read

handler400 = "giz.core.views.bad_request"
handler429 = "giz.accounts.views.too_many_requests"
handler500 = "giz.core.views.server_error"

api: list[URLPattern | URLResolver] = [
    path("", include("labeling.urls")),
    path("", include("standards.urls")),
    path("", include("giz.inference.urls")),
    path("", include("giz.training.urls")),
    path("field-guides/<int:version>/", FieldGuideView.as_view(), name="field-guide"),
    path("me/data/", OwnDataView.as_view(), name="my-data"),
    path("me/erase/", EraseView.as_view(), name="erase-me"),
    path("schema/", views.SchemaView.as_view(), name="schema"),
    path(
        "docs/",
        SpectacularSwaggerView.as_view(url_name="schema", authentication_classes=[], permission_classes=[AllowAny]),
        name="docs",
    ),
    re_path("", views.api_not_found),
]

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path(".well-known/security.txt", views.security_txt, name="security-txt"),
    path("metrics", admin.site.admin_view(ExportToDjangoView), name="metrics"),
    path("api/v1/", include(api)),
    path("", include("giz.inference.original_urls")),
    re_path(
        r"^media/practice/(?P<stem>[a-z2-7]{2}/[a-z2-7]{26})-(?P<size_px>256)\.webp\Z",
        display_file,
        {"read": picture_read},
        name="practice-picture",
    ),
    path("media/", include("giz.catalog.urls")),
    re_path(r"^texts/pictures/(?P<name>[a-z0-9-]{1,60})\.webp\Z", text_views.picture, name="text-picture"),
    *(path(name, text_views.page, {"name": name}, name=f"text-{name}") for name in PAGES),
    path("accounts/data/", account_views.own_data_page, name="account_data"),
    path("accounts/tokens/", account_views.tokens_page, name="account_tokens"),
    path("accounts/email/", account_views.email_page, name="account_email"),
    path("accounts/email/change/<str:key>/", account_views.email_change_page, name="account_email_change"),
    path("accounts/erased/", account_views.erased, name="account_erased"),
    re_path(
        r"^accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account_views.PasswordResetFromKey.as_view(),
    ),
    path("accounts/", include("allauth.urls")),
    path("staff/dashboard/", include("giz.dashboard.urls")),
    path("staff/", admin.site.urls),
    path("certificate", labeling_views.certificate_check, name="certificate-check"),
    path("certificate/mine", labeling_views.my_certificate, name="my-certificate"),
    path("certificate/<int:number>/<str:code>", labeling_views.certificate, name="certificate"),
    path(
        "certificate/<int:number>/<str:code>/pdf", labeling_views.certificate, {"form": "pdf"}, name="certificate-pdf"
    ),
    path("", views.single_page_app, name="home"),
    path("label/<slug:campaign>", views.single_page_app, name="label"),
    path("predict", views.single_page_app, name="predict"),
    path("predict/pgc/<int:pgc>", views.single_page_app, name="predict-page-pgc"),
    path("practice", views.single_page_app, name="practice-page"),
    path("practice/daily", views.single_page_app, name="daily-page"),
    path("judge/<uuid:source_id>", views.single_page_app, name="judge"),
    path("me", views.single_page_app, name="me"),
]
