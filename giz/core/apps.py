from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "giz.core"
    label = "core"

    def ready(self) -> None:
        from giz.core import authentication, checks  # noqa: F401 - registers the system checks and the session of the schema
