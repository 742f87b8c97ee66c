"""Django's view of this package: it only brings the command ``up``; there are no models."""

from django.apps import AppConfig


class EmbeddedConfig(AppConfig):
    name = "giz.embedded"
    label = "embedded"
    verbose_name = "Embedded services"
