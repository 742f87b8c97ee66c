from django.apps import AppConfig


class LabelingConfig(AppConfig):
    name = "labeling"

    def ready(self) -> None:
        from giz.catalog.management.arguments import GalaxySource, register_galaxy_source
        from labeling import jobs  # noqa: F401 - registers the handlers of this app's jobs
        from labeling.demo import jobs as demo_jobs  # noqa: F401
        from labeling.services import erasure  # noqa: F401 - takes away what the labelling holds of who leaves
        from labeling.services.campaigns import campaign_named, campaign_numbers
        from labeling.simulation import jobs as simulation_jobs  # noqa: F401

        what = "the galaxies to judge of a campaign, and its standards"
        register_galaxy_source(GalaxySource("campaign", what, lambda name: campaign_numbers(campaign_named(name))))
