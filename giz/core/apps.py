from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "giz.core"
    label = "core"

    def ready(self) -> None:
        from giz.core import checks, schema  # noqa: F401 - registers the system checks, and the schema's session cookie
