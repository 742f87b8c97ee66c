from django.urls import path

from giz.dashboard import views

app_name = "dashboard"
urlpatterns = [
    path("", views.dashboard, name="overview"),
    path("jobs/", views.jobs, name="jobs"),
    path("jobs/latest/", views.jobs_fragment, name="jobs_latest"),
]
