from django.apps import AppConfig


class LabelingConfig(AppConfig):
    name = "labeling"

    def ready(self) -> None:
        from labeling import jobs  # noqa: F401 - registers the handlers of this app's jobs
        from labeling.demo import jobs as demo_jobs  # noqa: F401
        from labeling.simulation import jobs as simulation_jobs  # noqa: F401
