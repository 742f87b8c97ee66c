from django.urls import path

from giz.inference import api

urlpatterns = [
    path("predict/examples/", api.ExamplesView.as_view(), name="predict-examples"),
    path("predict/sources/", api.SourcesView.as_view(), name="predict-sources"),
    path("predict/sources/<uuid:source_id>/", api.SourceView.as_view(), name="predict-source"),
    path("predict/sources/<uuid:source_id>/evaluate/", api.EvaluateView.as_view(), name="predict-evaluate"),
    path("predict/sources/<uuid:source_id>/comparison/", api.ComparisonView.as_view(), name="predict-comparison"),
    path("predict/sources/<uuid:source_id>/<slug:band>.png", api.PictureView.as_view(), name="predict-picture"),
    path("predict/pgc/<int:pgc>/", api.PgcView.as_view(), name="predict-pgc"),
    path("predict/name/<str:name>/", api.NameView.as_view(), name="predict-name"),
    path("predict/file/", api.FileView.as_view(), name="predict-file"),
    path("predict/models/<slug:version>/", api.ModelView.as_view(), name="predict-model"),
]
