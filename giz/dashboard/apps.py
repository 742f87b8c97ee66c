from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "giz.dashboard"
    label = "dashboard"

    def ready(self) -> None:
        from giz.dashboard import jobs  # noqa: F401 - registers the kind of job that makes reports
