from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "giz.catalog"
    label = "catalog"
