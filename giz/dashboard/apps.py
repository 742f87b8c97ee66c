from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "giz.dashboard"
    label = "dashboard"
