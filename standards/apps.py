from django.apps import AppConfig


class StandardsConfig(AppConfig):
    name = "standards"

    def ready(self) -> None:
        from standards import jobs  # noqa: F401 - registers the handler of this app's jobs
