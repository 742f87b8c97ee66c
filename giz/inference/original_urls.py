"""The addresses of the original service, at the root of the site: a program written for it only changes its host."""

from django.urls import path

from giz.inference import original_api

urlpatterns = [
    path("api/pgc/<str:pgc>", original_api.OriginalPgcView.as_view(), name="original-pgc"),
    path("api/objname/<str:name>", original_api.OriginalNameView.as_view(), name="original-name"),
    path("api/file", original_api.OriginalFileView.as_view(), name="original-file"),
    path("getPGC", original_api.GetPgcView.as_view(), name="original-get-pgc"),
    path("getObj", original_api.GetObjView.as_view(), name="original-get-obj"),
]
