"""Registers the commands ``up`` and ``migrate`` with Django; there are no models."""

from django.apps import AppConfig


class EmbeddedConfig(AppConfig):
    name = "giz.embedded"
    label = "embedded"
    verbose_name = "Embedded services"
