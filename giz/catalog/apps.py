from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "giz.catalog"
    label = "catalog"

    def ready(self) -> None:
        from giz.catalog import jobs  # noqa: F401 - registers the handlers of this app's jobs
