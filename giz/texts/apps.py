from typing import Any

from django.apps import AppConfig
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models.signals import post_migrate


class TextsConfig(AppConfig):
    name = "giz.texts"
    label = "texts"

    def ready(self) -> None:
        post_migrate.connect(add_built_in, sender=self, dispatch_uid="texts.add_built_in")


def add_built_in(plan: Any = None, **_about: Any) -> None:
    """Add the texts that come with GIZ after every `migrate` (but not after a flush, which has no plan)."""
    from giz.texts.services import built_in_texts_add

    executor = MigrationExecutor(connection)
    if plan is not None and not executor.migration_plan(executor.loader.graph.leaf_nodes("texts")):
        built_in_texts_add()
