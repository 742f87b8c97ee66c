from django.urls import path

from giz.dashboard import views

app_name = "dashboard"
urlpatterns = [
    path("", views.dashboard, name="overview"),
    path("jobs/", views.jobs, name="jobs"),
    path("jobs/latest/", views.jobs_fragment, name="jobs_latest"),
    path("networks/", views.networks_page, name="networks"),
    path("networks/trainings/<uuid:run_id>/", views.training_page, name="training"),
    path("reports/<slug:campaign>/", views.reports, name="reports"),
    path("reports/<slug:campaign>/state", views.reports_state, name="reports_state"),
    path("reports/<slug:campaign>/make", views.reports_make, name="reports_make"),
    path("reports/<slug:campaign>/<slug:name>/", views.report, name="report"),
    path("reports/<slug:campaign>/<slug:name>.<slug:form>", views.report_file, name="report_file"),
]
