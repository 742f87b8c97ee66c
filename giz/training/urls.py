from django.urls import path

from giz.training import api

urlpatterns = [
    path("training/runs/", api.TrainingRunsView.as_view(), name="training-runs"),
    path("training/runs/<uuid:run_id>/", api.TrainingRunView.as_view(), name="training-run"),
    path("training/runs/<uuid:run_id>/cancel/", api.TrainingCancelView.as_view(), name="training-cancel"),
    path("training/runs/<uuid:run_id>/resume/", api.TrainingResumeView.as_view(), name="training-resume"),
]
