from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "giz.training"
    label = "training"

    def ready(self) -> None:
        from giz.training import jobs  # noqa: F401 - registers the handlers of this app's jobs
