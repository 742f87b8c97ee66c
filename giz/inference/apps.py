from django.apps import AppConfig


class InferenceConfig(AppConfig):
    name = "giz.inference"

    def ready(self) -> None:
        from giz.inference import jobs  # noqa: F401 - registers the handlers of jobs
